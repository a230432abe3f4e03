/** How rules speak: effects, writes, decisions, alarms and counters of the step in progress. */
import type { NodeId, WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Alarm, AlarmCode, DecisionName, Effect } from './api.ts';
import type { State } from './state.ts';

export type Facts = Readonly<Record<string, string | number>>;

export function effect(state: State, wanted: Effect): void {
	state.out.after.push(wanted);
}

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
	if (state.alarms.has(key)) return;
	if (state.alarms.size >= limits.alarms) {
		const [first] = mostFrequent(state.alarms.values());
		if (first === undefined || first.code === code) {
			ignore(state, 'too-many-alarms');
			return;
		}
		clearAlarm(state, first.code, first.subject);
	}
	const raised = { code, subject, facts };
	state.alarms.set(key, raised);
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

/** A statement that is not heeded is counted by code, never silently lost. */
export function ignore(state: State, code: string): void {
	state.ignored.set(code, (state.ignored.get(code) ?? 0) + 1);
}

export function count(state: State, name: string): void {
	state.counters.set(name, (state.counters.get(name) ?? 0) + 1);
}
