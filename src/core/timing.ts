/**
 * How long a proof takes and what follows from it: the latest time to start, the point of no return, who fits. Learned
 * from this node's own proofs and from what other members tell of theirs; percentiles by nearest rank, integers only.
 */
import type { NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { type PoStProofType, proofShape } from '../domain/proof.ts';
import type { ProofEstimate } from '../domain/record.ts';
import { unbelieved } from './announce.ts';
import { longEpochMs, msUntil, shortEpochMs } from './epoch-clock.ts';
import { keys, writeNumbers } from './keys.ts';
import { isPeerPresent } from './liveness.ts';
import { hasRole } from './members.ts';
import { alarm, clearAlarm, put } from './outbox.ts';
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

/** What still has to be proven and by how many slots; made once for each round of decisions. */
export interface Load {
	/** Open items without a result that are believed to be due. */
	readonly waiting: number;
	/** Slots of present members that prove. */
	readonly slots: number;
}

export function currentLoad(state: State, works: readonly Work[] = state.works.values()): Load {
	let waiting = 0;
	for (const work of works) if (isWaiting(state, work)) waiting++;
	// The slots are looked for where they are needed only: this is asked many times a second.
	if (waiting === 0) return { waiting, slots: 1 };
	let slots = state.slots.names.length;
	for (const [id, peer] of state.peers) {
		if (!isPeerPresent(state, peer)) continue;
		const given = state.roster.byId.get(id);
		if (given?.roles.includes('prover') === true) slots += Math.min(peer.record?.envelope.body.slots ?? 0, given.slots);
	}
	return { waiting, slots: Math.max(1, slots) };
}

/** To be proven still. What nobody will prove takes no slot and must not hurry the others. */
function isWaiting(state: State, work: Work): boolean {
	const open = work.item.kind === 'post' && work.results.best === null && !work.posted && !isPast(state, work);
	return open && unbelieved(state, work) === null;
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

/**
 * True from the latest time on at which the item must be started, reckoned so that all waiting items still fit in:
 * close - margin - T99 x ceil(waiting / slots). For giving up with the longer epoch, for adding work with the shorter.
 */
export function isLatestStart(
	state: State,
	work: Work,
	load: Load,
	epochMs: number = longEpochMs(state.clock),
): boolean {
	const ms = estimate(state, work.item.proofType).p99Ms * Math.max(1, Math.ceil(load.waiting / load.slots));
	return isWithin(state, work.item.close - limits.marginEpochs, ms, epochMs) ?? false;
}

/** True from the point of no return on (close - margin - 1.6 x T95), or from `tenths` / 10 x T95 after it. */
export function pastNoReturn(state: State, work: Work, tenths: number): boolean {
	const ms = Math.floor((estimate(state, work.item.proofType).p95Ms * (16 - tenths)) / 10);
	return isWithin(state, work.item.close - limits.marginEpochs, ms, shortEpochMs(state.clock)) ?? false;
}

/** More is due before a close than all slots can prove: told, never silently dropped. */
export function checkFeasible(state: State, load: Load): void {
	// Who verifies nothing never learns what is proven already.
	if (state.config.keys === null) return;
	const byClose = new Map<number, { count: number; work: Work }>();
	for (const work of state.works.values()) {
		if (!isWaiting(state, work)) continue;
		const entry = byClose.get(work.item.close);
		byClose.set(work.item.close, { count: (entry?.count ?? 0) + 1, work });
	}
	let ahead = 0;
	let infeasible = false;
	for (const [close, { count, work }] of [...byClose].sort(([a], [b]) => a - b)) {
		ahead += count;
		const epochMs = shortEpochMs(state.clock);
		const needed = Math.ceil(ahead / load.slots) * estimate(state, work.item.proofType).p95Ms;
		const left = msUntil(state.clock, close - limits.marginEpochs, state.now, epochMs);
		if (left === null || isWithin(state, close - limits.marginEpochs, needed - 1, epochMs) !== true) continue;
		infeasible = true;
		alarm(state, 'infeasible', 'capacity', { close, items: ahead, slots: load.slots, neededMs: needed, leftMs: left });
	}
	if (!infeasible) clearAlarm(state, 'infeasible', 'capacity');
}
