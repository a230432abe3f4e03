/** How rules speak: effects, writes, decisions, alarms and counters of the step in progress. */
import type { NodeId, WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Alarm, AlarmCode, DecisionName, Effect } from './api.ts';
import type { State } from './state.ts';
import { isReached } from './wake.ts';

export type Facts = Readonly<Record<string, string | number>>;

export function effect(state: State, wanted: Effect): void {
	state.out.after.push(wanted);
}

/** An alarm that was not cleared. */
export interface Raised {
	readonly alarm: Alarm;
	/** When there was cause for it last. */
	at: number;
}

/** They tell of what a member, or a stranger with the sender's key, has done: nothing ever says that it is over. */
const PASSING: readonly AlarmCode[] = [
	'bad-result',
	'bad-submission',
	'announcement-differs',
	'foreign-message',
	'roster-conflict',
];

/** Whatever is told of challenges is written as well. */
export function put(state: State, key: string, value: Uint8Array): void {
	state.told++;
	state.out.persist.push({ type: 'put', key, value });
}

export function del(state: State, key: string): void {
	state.told++;
	state.out.persist.push({ type: 'del', key });
}

export function decide(
	state: State,
	name: DecisionName,
	reason: string,
	about: { readonly work?: WorkId; readonly peer?: NodeId; readonly facts?: Facts } = {},
): void {
	count(state, name);
	effect(state, { type: 'decision', decision: { name, reason, ...about } });
}

/**
 * Raised once for each code and subject, until it is cleared. Where there is no room one of the code that has the most
 * gives way, if need be this one: a kind of trouble in a thousand items hides no other, and none comes and goes.
 */
export function alarm(state: State, code: AlarmCode, subject: string, facts: Facts = {}): void {
	const key = `${code}/${subject}`;
	const known = state.alarms.get(key);
	if (known !== undefined) {
		known.at = state.now;
		return;
	}
	if (state.alarms.size >= limits.alarms) {
		const [first] = mostFrequent(state.alarms.values().map((raised) => raised.alarm));
		if (first === undefined || first.code === code) {
			ignore(state, 'too-many-alarms');
			return;
		}
		clearAlarm(state, first.code, first.subject);
	}
	const raised = { code, subject, facts };
	state.alarms.set(key, { alarm: raised, at: state.now });
	effect(state, { type: 'alarm', alarm: raised });
}

function mostFrequent(alarms: readonly Alarm[]): readonly Alarm[] {
	const byCode = [...Map.groupBy(alarms, ({ code }) => code).values()];
	return byCode.reduce((most, some) => (some.length > most.length ? some : most), []);
}

export function clearAlarm(state: State, code: AlarmCode, subject: string): void {
	// Asked with every record, when there is seldom any.
	if (state.alarms.size === 0) return;
	if (state.alarms.delete(`${code}/${subject}`)) effect(state, { type: 'alarm-cleared', code, subject });
}

/** What it was about is forgotten. */
export function clearAlarmsOf(state: State, subject: string): void {
	for (const { alarm: raised } of state.alarms.values()) {
		if (raised.subject === subject) clearAlarm(state, raised.code, subject);
	}
}

/** Clears what has not happened again for a day: it is in the log, and keeps its place from what is new. */
export function clearOldAlarms(state: State): void {
	for (const { alarm: raised, at } of state.alarms.values()) {
		if (PASSING.includes(raised.code) && isReached(state, at + limits.alarmMs)) {
			clearAlarm(state, raised.code, raised.subject);
		}
	}
}

/** A statement that is not heeded is counted by code, never silently lost. */
export function ignore(state: State, code: string): void {
	state.ignored.set(code, (state.ignored.get(code) ?? 0) + 1);
}

export function count(state: State, name: string): void {
	state.counters.set(name, (state.counters.get(name) ?? 0) + 1);
}
