/**
 * Backup copies. Before the point of no return a second copy runs only where a slot would be idle and the first one is
 * slow, whatever progress it tells of; after it two copies run, then three. A lease that is slow is no copy, so that members who hold
 * leases and do nothing, however many they are, keep nobody from the item for longer than that takes to tell. Always in
 * rank order, one step apart: without it every idle node starts the same item.
 */
import type { NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { unbelieved } from './announce.ts';
import { obstacle, ownCapacity, takeUp } from './claim.ts';
import { shortEpochMs } from './epoch-clock.ts';
import { freeSlots, type HeldLease, liveLeases } from './leases.ts';
import { isPresent, isSilentFor, patient } from './liveness.ts';
import { isLatestStart, type Load } from './load.ts';
import { ranking } from './members.ts';
import type { State, Work } from './state.ts';
import { estimate, fits, pastNoReturn } from './timing.ts';
import { isReached } from './wake.ts';

/** Tenths of T95 after the point of no return at which a third copy starts. */
const THIRD_COPY_TENTHS = 4;
/** A copy is slow beyond 1.5 x its estimate. That one of its phases hangs is for its own node to notice (docs/adr/0006). */
const SLOW_TENTHS = 15;
/** What is gathered ahead waits for the proof before it. */
const WAITING_TENTHS = 25;
/** Whatever phases and terms are told in turn: what may be gathered ahead, then proven, takes no longer. */
const HELD_TENTHS = WAITING_TENTHS + SLOW_TENTHS;

/** `unstarted`: work without any lease waits for a slot here, which goes before every speculation. */
export function hedgeWork(state: State, works: readonly Work[], load: Load, unstarted: boolean): void {
	if (unstarted || state.jobs.size >= ownCapacity(state)) return;
	for (const work of works) {
		if (work.item.kind === 'dry' || unbelieved(state, work) !== null) continue;
		const leases = liveLeases(state, work);
		const copies = leases.filter(
			(held) => mayBeSplitOff(state, work, load, held.node) || !isSlow(state, work, held),
		).length;
		const missing = leases.length === 0 ? 0 : copiesWanted(state, work) - copies;
		if (missing <= 0 || obstacle(state, work, load) !== null) {
			work.claim.hedgeAt = null;
			continue;
		}
		work.claim.hedgeAt ??= state.now;
		const holders = new Set(leases.map(({ node }) => node));
		const order = ranking(state, work.item.id, 'prover', work.item.miner);
		const idle = order.filter(
			(id) =>
				!holders.has(id) &&
				isPresent(state, id) &&
				(id === state.config.self || freeSlots(state, id) > 0) &&
				fits(state, id, work),
		);
		const rank = idle.indexOf(state.config.self);
		// The missing copies may start side by side; whoever ranks behind them waits a step each.
		const steps = Math.max(0, rank - missing + 1);
		if (rank < 0 || !isReached(state, work.claim.hedgeAt + steps * patient(state, limits.rankStepMs))) continue;
		takeUp(state, work, true, null);
		if (state.jobs.size >= ownCapacity(state)) return;
	}
}

function copiesWanted(state: State, work: Work): number {
	if (pastNoReturn(state, work, THIRD_COPY_TENTHS)) return 3;
	return pastNoReturn(state, work, 0) ? 2 : 1;
}

/**
 * The holder is one of many that fell silent at once. That nothing is heard of its progress says nothing about it: most
 * likely it proves on the other side of a split, and its result comes when that heals. So it counts as a copy until the
 * split is no short one, or all that waits on this side would no longer fit in.
 */
function mayBeSplitOff(state: State, work: Work, load: Load, node: NodeId): boolean {
	const peer = state.peers.get(node);
	if (peer === undefined || !peer.vanished || isLatestStart(state, work, load, shortEpochMs(state.clock))) return false;
	return !isSilentFor(state, peer, limits.splitMs);
}

function isSlow(state: State, work: Work, { lease, heldAt, phaseAt }: HeldLease): boolean {
	const { p95Ms } = estimate(state, work.item.proofType);
	const exceeds = (since: number, tenths: number): boolean =>
		isReached(state, since + Math.floor((p95Ms * tenths) / 10) + 1);
	if (isReached(state, heldAt + limits.hedgeLeastMs) && exceeds(heldAt, HELD_TENTHS)) return true;
	if (!isReached(state, phaseAt + limits.hedgeLeastMs)) return false;
	return exceeds(phaseAt, lease.phase === 'prove' ? SLOW_TENTHS : WAITING_TENTHS);
}
