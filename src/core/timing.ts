/**
 * How long a proof takes and what follows from it: the point of no return, what comes too late, who fits. Learned
 * from this node's own proofs and from what other members tell of theirs; percentiles by nearest rank, integers only.
 */
import type { NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { type PoStProofType, proofShape } from '../domain/proof.ts';
import type { ProofEstimate } from '../domain/record.ts';
import { longEpochMs, msUntil, shortEpochMs } from './epoch-clock.ts';
import { keys, writeNumbers } from './keys.ts';
import { isPeerPresent } from './liveness.ts';
import { hasRole } from './members.ts';
import { put } from './outbox.ts';
import { slotObstacle } from './slots.ts';
import type { State, Work } from './state.ts';
import { isWithin } from './wake.ts';

/** Milliseconds of own proofs, the oldest first, and what follows from them. */
export interface Durations {
	readonly known: readonly number[];
	readonly estimate: ProofEstimate;
}

/** Before anything is known: a large partition on a slow card, a test partition on a CPU. */
const GUESS_LARGE_MS = 600_000;
const GUESS_SMALL_MS = 10_000;
const LARGE_SECTOR = 2 ** 34;
const PROOFS_TO_JUDGE_BY = 3;

export function learnDuration(state: State, proofType: PoStProofType, ms: number): void {
	const known = [...(state.durations.get(proofType)?.known ?? []), Math.max(1, ms)].slice(-limits.durations);
	keepDurations(state, proofType, known);
	put(state, keys.durations(proofType), writeNumbers(known));
}

/** Its estimate is made once: every decision about an item asks for it. */
export function keepDurations(state: State, proofType: PoStProofType, known: readonly number[]): void {
	if (known.length === 0) return;
	const estimate = { proofType, p95Ms: percentile(known, 95), p99Ms: percentile(known, 99) };
	state.durations.set(proofType, { known, estimate });
}

export function percentile(values: readonly number[], percent: number): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}

export function ownEstimates(state: State): readonly ProofEstimate[] {
	return state.durations
		.values()
		.slice(0, limits.recordEstimates)
		.map(({ estimate: own }) => own);
}

/** p95 and p99 of one proof: this node's own, else the median of what members tell, so that no single word decides. */
export function estimate(state: State, proofType: PoStProofType): ProofEstimate {
	const own = state.durations.get(proofType);
	if (own !== undefined) return own.estimate;
	const heard: ProofEstimate[] = [];
	for (const peer of state.peers.values()) {
		if (!isPeerPresent(state, peer)) continue;
		const told = peer.record?.envelope.body.estimates.find((entry) => entry.proofType === proofType);
		if (told !== undefined) heard.push(told);
	}
	const guess = proofShape(proofType).sectorSize > LARGE_SECTOR ? GUESS_LARGE_MS : GUESS_SMALL_MS;
	heard.sort((a, b) => a.p99Ms - b.p99Ms);
	return heard[(heard.length - 1) >>> 1] ?? { proofType, p95Ms: guess, p99Ms: guess };
}

/** Can prove: role, slots, in sync. A size that a member has not measured yet is none that it cannot prove. */
export function fits(state: State, id: NodeId, work: Work): boolean {
	const { miner, proofType } = work.item;
	if (!hasRole(state, id, 'prover', miner)) return false;
	if (id === state.config.self) {
		return (
			state.slots.names.length > 0 && state.config.proofTypes.includes(proofType) && slotObstacle(state, work) === null
		);
	}
	const body = state.peers.get(id)?.record?.envelope.body;
	return body !== undefined && body.slots > 0 && body.synced;
}

/** True once the deadline is closed. */
export function isPast(state: State, work: Work): boolean {
	return isWithin(state, work.item.close, 0, longEpochMs(state.clock)) ?? false;
}

/**
 * Less time is left than the fastest of this node's proofs took: nothing comes of another one. Some must be known, since
 * a single one may have been slow for a reason that has passed.
 */
export function isTooLate(state: State, work: Work): boolean {
	const known = state.durations.get(work.item.proofType)?.known ?? [];
	if (known.length < PROOFS_TO_JUDGE_BY) return false;
	return isWithin(state, work.item.close, Math.min(...known), longEpochMs(state.clock)) ?? false;
}

/** True from the point of no return on (close - margin - 1.6 x T95), or from `tenths` / 10 x T95 after it. */
export function pastNoReturn(state: State, work: Work, tenths: number): boolean {
	const ms = noReturnMs(state, work, tenths);
	return isWithin(state, work.item.close - limits.marginEpochs, ms, shortEpochMs(state.clock)) ?? false;
}

/** Milliseconds until the point of no return, 0 after it or while no epoch is known. */
export function spareMs(state: State, work: Work): number {
	const { clock, now } = state;
	const leftMs = msUntil(clock, work.item.close - limits.marginEpochs, now, shortEpochMs(clock)) ?? 0;
	return Math.max(0, leftMs - noReturnMs(state, work, 0));
}

function noReturnMs(state: State, work: Work, tenths: number): number {
	return Math.floor((estimate(state, work.item.proofType).p95Ms * (16 - tenths)) / 10);
}
