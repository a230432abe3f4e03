/**
 * The chain epoch as a logical clock, and how long an epoch takes. Epochs come from heads (own full node, else the
 * chain nodes' statements), never from a wall clock; between heads this node's own monotonic time carries on. What
 * gives up work reckons with the longer length, what adds work with the shorter one.
 */
import { type Epoch, epoch } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';

/** An epoch and when this node learned of it, ms of its monotonic clock. */
export interface EpochMark {
	readonly epoch: number;
	readonly at: number;
}

export interface EpochClock {
	/** Milliseconds, when the configuration knows them. */
	readonly fixedMs: number | null;
	readonly guessMs: number;
	/** Milliseconds per epoch between successive heads, the newest last; their medians over the short and long window. */
	readonly intervals: number[];
	recentMs: number | null;
	usualMs: number | null;
	/** Newest head of the own full node; null without one. */
	own: EpochMark | null;
	/** Newest mark of what the chain nodes say, their median; null while none was heard. */
	others: EpochMark | null;
}

export function createEpochClock(fixedMs: number | null, guessMs: number): EpochClock {
	return { fixedMs, guessMs, intervals: [], recentMs: null, usualMs: null, own: null, others: null };
}

/** Learns from two successive marks of the own full node. */
export function learnInterval(clock: EpochClock, before: EpochMark, after: EpochMark): void {
	if (after.epoch > before.epoch) learnLength(clock, intervalMs(before, after));
}

/** Milliseconds of one epoch between two marks of one source, the later one of a higher epoch. */
export function intervalMs(before: EpochMark, after: EpochMark): number {
	const ms = Math.floor((after.at - before.at) / (after.epoch - before.epoch));
	return Math.max(limits.epochLeastMs, Math.min(limits.epochMostMs, ms));
}

/** `enough`: how many lengths tell more than the guess; one alone where it is the mean of several epochs. */
export function learnLength(clock: EpochClock, ms: number, enough: number = limits.headsShort): void {
	clock.intervals.push(ms);
	if (clock.intervals.length > limits.headsLong) clock.intervals.shift();
	if (clock.intervals.length < enough) return;
	clock.recentMs = median(clock.intervals.slice(-limits.headsShort));
	clock.usualMs = median(clock.intervals);
}

/** For what gives work up: declining, skipping. */
export function longEpochMs(clock: EpochClock): number {
	return epochMs(clock, Math.max);
}

/** For what adds work: hedges, backups, alarms. */
export function shortEpochMs(clock: EpochClock): number {
	return epochMs(clock, Math.min);
}

/** The epoch this node believes in; -1 before anything is known. A head stays the epoch until the next one comes. */
export function currentEpoch(clock: EpochClock, now: number): Epoch {
	const mark = reference(clock, now);
	if (mark === null) return epoch(-1);
	if (mark === clock.own) return epoch(mark.epoch);
	return epoch(mark.epoch + Math.floor((now - mark.at) / longEpochMs(clock)));
}

/** Milliseconds until the epoch begins, negative after it; null while no epoch is known. */
export function msUntil(clock: EpochClock, target: number, now: number, oneEpochMs: number): number | null {
	const mark = reference(clock, now);
	return mark === null ? null : (target - mark.epoch) * oneEpochMs - (now - mark.at);
}

/** The own head while it is fresh; a full node that stands still must not stop this node's time. */
export function reference(clock: EpochClock, now: number): EpochMark | null {
	if (clock.own === null) return clock.others;
	const stale = now - clock.own.at > limits.rankMs;
	return stale && clock.others !== null && clock.others.epoch > clock.own.epoch ? clock.others : clock.own;
}

function epochMs(clock: EpochClock, choose: (a: number, b: number) => number): number {
	if (clock.fixedMs !== null) return clock.fixedMs;
	if (clock.recentMs === null || clock.usualMs === null) return clock.guessMs;
	return choose(clock.recentMs, clock.usualMs);
}

/** The lower one of two. */
export function median(values: readonly number[]): number {
	const sorted = new Float64Array(values).sort();
	return sorted[(sorted.length - 1) >>> 1] ?? 0;
}
