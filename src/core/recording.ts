/**
 * What a recording keeps of one step: the event and its time, so that it can be done again; a mark of everything that was
 * decided, so that a difference shows; and what people ask about in words, so that it can be named.
 */
import { PosterError } from '../domain/errors.ts';
import type { Alarm, Decision, Event, Step } from './api.ts';
import type { Packer } from './packer.ts';

/** A decision or an alarm. */
export type Said = Decision | Alarm;

export interface RecordedStep {
	readonly event: Event;
	readonly now: number;
	/** Null when the core failed on this event: nothing was decided. */
	readonly outcome: {
		/** Changes with every step that wrote or asked for something; empty when this one did neither. */
		readonly mark: Uint8Array;
		readonly said: readonly Said[];
	} | null;
}

/** Before the step, so that an event on which the core fails is in the recording. `sinceMs`: since the step before. */
export function putEvent(packer: Packer, event: Event, sinceMs: number): void {
	packer.put(sinceMs);
	if (event.type === 'statement') {
		const { type, envelope, raw, relay, ageMs } = event;
		packer.put({ type, statement: { envelope, raw }, relay, ageMs });
	} else {
		packer.put(event);
	}
}

export function putOutcome(packer: Packer, mark: Uint8Array, said: readonly Said[]): void {
	packer.put(said.length === 0 ? mark : [mark, ...said]);
}

/** Everything that a step asks for, with nothing before it: equal steps have equal bytes. */
export function packStep(packer: Packer, { persist, after }: Step): Uint8Array {
	packer.reset();
	packer.put(persist);
	packer.put(after);
	return packer.take();
}

export function saidBy({ after }: Step): readonly Said[] {
	return after.flatMap((effect): Said[] => {
		if (effect.type === 'decision') return [effect.decision];
		return effect.type === 'alarm' ? [effect.alarm] : [];
	});
}

/** Steps as `putEvent` and `putOutcome` wrote them; `before` is the time of the step before. Throws `bad-packed`. */
export function* readSteps(values: Iterable<unknown>, before: number): Generator<RecordedStep> {
	let now = before;
	const parts: unknown[] = [];
	for (const value of values) {
		parts.push(value);
		if (parts.length < 3) continue;
		const [sinceMs, event, outcome] = parts.splice(0);
		now += wholeMs(sinceMs);
		yield { event: eventOf(event), now, outcome: outcomeOf(outcome) };
	}
	const [sinceMs, event] = parts;
	if (event !== undefined) yield { event: eventOf(event), now: now + wholeMs(sinceMs), outcome: null };
}

function eventOf(value: unknown): Event {
	if (typeof value !== 'object' || value === null || !('type' in value)) throw badStep('an event has no type');
	if (value.type !== 'statement') return value as Event;
	if (!('statement' in value)) throw badStep('a statement is missing');
	const { statement, ...event } = value;
	return { ...event, ...(statement as object) } as Event;
}

function outcomeOf(value: unknown): RecordedStep['outcome'] {
	const [mark, ...said] = Array.isArray(value) ? value : [value];
	if (!(mark instanceof Uint8Array)) throw badStep('a step has no mark');
	if (!said.every((one) => typeof one === 'object' && one !== null)) throw badStep('a decision is no object');
	return { mark, said };
}

function wholeMs(value: unknown): number {
	if (typeof value !== 'number') throw badStep('a step has no time');
	return value;
}

function badStep(why: string): PosterError {
	return new PosterError('bad-packed', `malformed recording: ${why}`);
}
