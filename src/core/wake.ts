/**
 * When the rules must look again although nothing happens. A rule asks here whether a time has come; one that has not is
 * remembered. So a round of decisions that nothing was left to do for tells until when every further round would come to
 * the same end, and none is made before: a node that only waits costs next to nothing, however many items it knows.
 */
import type { Epoch } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { currentEpoch, type EpochMark, longEpochMs, reference } from './epoch-clock.ts';
import type { State } from './state.ts';

/** The state changed in a way that rules may heed at the next tick; `state.dirty` is for what they should heed at once. */
export function touch(state: State): void {
	state.wakeAt = Number.MIN_SAFE_INTEGER;
}

/** The time has come for something that the next tick would see to. */
export function isDue({ now, wakeAt, talkAt }: State): boolean {
	return now >= Math.min(wakeAt, talkAt);
}

/** True from `at` on. */
export function isReached(state: State, at: number): boolean {
	if (state.now >= at) return true;
	if (at < state.wakeAt) state.wakeAt = at;
	return false;
}

/** The current epoch, for a rule that comes to another end in another epoch. */
export function epochNow(state: State): Epoch {
	const mark = referenceNow(state);
	const epoch = currentEpoch(state.clock, state.now);
	if (mark !== null && mark !== state.clock.own) isEpochReached(state, epoch + 1);
	return epoch;
}

/** True once the current epoch is `target` or later. */
export function isEpochReached(state: State, target: number): boolean {
	const mark = referenceNow(state);
	if (mark === null) return target <= -1;
	if (mark.epoch >= target) return true;
	// An own head stays the epoch until the next one comes.
	if (mark === state.clock.own) return false;
	return isReached(state, mark.at + (target - mark.epoch) * longEpochMs(state.clock));
}

/** True once `ms` are left until the epoch begins, of epochs so long; null while no epoch is known. */
export function isWithin(state: State, target: number, ms: number, oneEpochMs: number): boolean | null {
	const mark = referenceNow(state);
	return mark === null ? null : isReached(state, mark.at + (target - mark.epoch) * oneEpochMs - ms);
}

function referenceNow(state: State): EpochMark | null {
	const { clock, now } = state;
	const mark = reference(clock, now);
	if (mark !== null && mark === clock.own) isReached(state, mark.at + limits.rankMs + 1);
	return mark;
}
