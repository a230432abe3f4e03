/**
 * Taking work. A node claims what it can start now, in rendezvous order: whoever ranks r-th among the free members
 * waits r steps, so normally one claims and the others see it. A lease delays, it never forbids: one that lapsed is
 * free for the next in rank, and of two live ones the loser drops at once.
 */

import type { Bitfield } from '../domain/bitfield.ts';
import type { NodeId } from '../domain/ids.ts';
import type { ReleaseReason } from '../domain/lease.ts';
import { limits } from '../domain/limits.ts';
import { isAgreed, unbelieved } from './announce.ts';
import type { WaitReason } from './api.ts';
import { canGather } from './gather.ts';
import { createJob } from './job.ts';
import { keys, writeNumbers } from './keys.ts';
import { contenders, freeSlots, liveLeases, TERM_JUMP } from './leases.ts';
import { isPresent, patient } from './liveness.ts';
import type { Load } from './load.ts';
import { hasRole, isSynced, ranking, selfHasRole } from './members.ts';
import { decide, put } from './outbox.ts';
import { stopJob } from './proving.ts';
import { jitter } from './rank.ts';
import { announceClaim, noteEnded } from './records.ts';
import { isTold } from './results.ts';
import { isReopened } from './skips.ts';
import { isQuarantined, slotObstacle } from './slots.ts';
import type { SortedMap } from './sorted-map.ts';
import type { State, Work } from './state.ts';
import { liveMessageOf } from './submission.ts';
import { fits, isPast, isTooLate, pastNoReturn } from './timing.ts';
import { isReached } from './wake.ts';
import { manifestOf } from './works.ts';

export interface ClaimSlice {
	/** Since when this node could take it, were it first in rank; null while it could not. */
	availableAt: number | null;
	/** Since when a backup is wanted. */
	hedgeAt: number | null;
	term: number;
	/** Holder of the last live lease of another node. */
	lastHolder: NodeId | null;
	/** Attempts of this node that failed, and until when it leaves the item to others. */
	failures: number;
	retryAt: number;
	/** Slots whose prover died over it, one entry for each death. */
	crashes: readonly string[];
	/** The library's prover was among them. */
	stockCrashed: boolean;
	/** Sectors that the holders asked could not deliver to this node; null = never ended so. */
	missing: Bitfield | null;
	/** Those holders, until when they are not asked again; one that comes back or offers anew is removed. */
	readonly exhausted: SortedMap<NodeId, number>;
	/** Gathers that ended so. */
	incomplete: number;
	/** Not one sector came: not tried again at the latest start time either. */
	hopeless: boolean;
}

const STEP_JITTER = 5;

/** Claims of a node that waits for its first sync would ignore what it does not know yet. */
function mayClaim(state: State): WaitReason | null {
	if (state.identity.stopping) return 'stopping';
	if (state.identity.cloned) return 'key-cloned';
	if (!isSynced(state)) return 'not-synced';
	return null;
}

/** Why this node cannot take the item, whoever else works on it; null when it can. */
export function obstacle(state: State, work: Work, load: Load): WaitReason | null {
	const { item } = work;
	if (state.jobs.has(item.id)) return 'own';
	if (!selfHasRole(state, 'prover')) return 'no-prover-role';
	if (!hasRole(state, state.config.self, 'prover', item.miner)) return 'not-my-miner';
	if (!state.config.proofTypes.includes(item.proofType)) return 'proof-type';
	if (isPast(state, work)) return 'past-close';
	if (work.posted) return 'already-posted';
	// A message fixes its result: while it lives a better proof could not be sent.
	if (work.results.best !== null && (!isReopened(work) || liveMessageOf(state, work) !== undefined))
		return 'result-known';
	if ((isVerifying(work) || isTold(state, work)) && !pastNoReturn(state, work, 0)) return 'result-unverified';
	const doubt = unbelieved(state, work) ?? mayClaim(state);
	if (doubt !== null) return doubt;
	if (manifestOf(state, work) === null) return 'no-manifest';
	const unfit = slotObstacle(state, work);
	if (unfit !== null) return unfit;
	if (isQuarantined(state, work)) return 'quarantined';
	if (isTooLate(state, work)) return 'too-late';
	if (!isReached(state, work.claim.retryAt)) return 'failed-recently';
	return canGather(state, work, load);
}

/** A result is being verified, which takes milliseconds: what it turns out to be decides. */
function isVerifying({ results }: Work): boolean {
	return results.candidates.size > 0 && results.candidates.values().some(({ verifying }) => verifying);
}

/** In the order in which this node takes them: due before dry, believed before doubted, by close, by own rank. */
function inOrder(state: State, works: readonly Work[]): readonly Work[] {
	if (works.length <= 1) return works;
	const order = (work: Work): number =>
		ranking(state, work.item.id, 'prover', work.item.miner).indexOf(state.config.self);
	const key = (work: Work): readonly number[] => [
		work.item.kind === 'post' ? 0 : 1,
		isAgreed(state, work) ? 0 : 1,
		work.item.close,
		order(work),
	];
	return works
		.map((work) => ({ work, key: key(work) }))
		.sort((a, b) => compareKeys(a.key, b.key) || (a.work.item.id < b.work.item.id ? -1 : 1))
		.map(({ work }) => work);
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
	for (const [i, value] of a.entries()) if (value !== b[i]) return value - (b[i] ?? 0);
	return 0;
}

/** Looks at every item and claims those whose turn it is. Returns true while unstarted work waits for a slot here. */
export function claimWork(state: State, works: readonly Work[], load: Load): boolean {
	if (!selfHasRole(state, 'prover')) return false;
	const free = works.filter((work) => {
		if (!isLeased(state, work) && obstacle(state, work, load) === null) return true;
		work.claim.availableAt = null;
		return false;
	});
	for (const work of inOrder(state, free)) {
		work.claim.availableAt ??= state.now;
		if (state.jobs.size >= ownCapacity(state)) makeRoom(state, work);
		const wait = waitMs(state, work);
		if (wait === null || !isReached(state, work.claim.availableAt + wait)) continue;
		takeUp(state, work, false, work.claim.lastHolder);
	}
	return free.length > 0;
}

/** Another member holds a live lease; who it is and its term are remembered for when it lapses. */
function isLeased(state: State, work: Work): boolean {
	const leased = liveLeases(state, work);
	const [first] = leased;
	if (first === undefined) return false;
	work.claim.lastHolder = first.node;
	// A term far above the others is a lie or a bug; taken over, it would be everyone's.
	const lowest = Math.min(...leased.map(({ lease }) => lease.term));
	for (const { lease } of leased) {
		work.claim.term = Math.max(work.claim.term, Math.min(lease.term, lowest + TERM_JUMP));
	}
	return true;
}

/** How long this node waits for the item since it became available; null when it has no slot to start it. */
export function waitMs(state: State, work: Work): number | null {
	const better = betterRanked(state, work);
	const room = ownCapacity(state) - state.jobs.size;
	if (room > 0) return stepsMs(state, work, better.ahead);
	// One item more is gathered ahead, if no member with a free slot wants it; what has lost its holder, as far as the
	// roster lets leases go, if no member has a free slot.
	const spare = room + ((state.roster.byId.get(state.config.self)?.slots ?? 0) - ownCapacity(state));
	const orphan = work.claim.lastHolder !== null && better.free === 0 && spare >= 0;
	if (ownCapacity(state) === 0 || (room < 0 && !orphan)) return null;
	// Of members as busy as this one the better-ranked go first, else all of them would fetch the same item.
	return stepsMs(state, work, better.free + better.asBusy + 1);
}

export function ownCapacity(state: State): number {
	return Math.min(state.slots.names.length, state.roster.byId.get(state.config.self)?.slots ?? 0);
}

/** A dry run gives way to due work. */
function makeRoom(state: State, work: Work): void {
	if (work.item.kind === 'dry') return;
	const dry = state.jobs.keys().find((id) => state.works.get(id)?.item.kind === 'dry');
	if (dry !== undefined) releaseJob(state, dry, 'withdrawn', 'due-work-first');
}

/** Fitting members with a free slot, those of them ranked before this node, and better-ranked ones that could fetch ahead. */
function betterRanked(
	state: State,
	work: Work,
): { readonly ahead: number; readonly free: number; readonly asBusy: number } {
	const { self } = state.config;
	let ahead = 0;
	let free = 0;
	let asBusy = 0;
	let passed = false;
	for (const id of ranking(state, work.item.id, 'prover', work.item.miner)) {
		if (id === self) passed = true;
		else if (isPresent(state, id) && fits(state, id, work) && !gaveUp(state, id, work)) {
			const slots = freeSlots(state, id);
			if (slots > 0) free++;
			if (slots > 0 && !passed) ahead++;
			if (slots === 0 && !passed) asBusy++;
		}
	}
	return { ahead, free, asBusy };
}

function gaveUp(state: State, id: NodeId, work: Work): boolean {
	const ended = state.peers.get(id)?.record?.envelope.body.ended ?? [];
	return ended.some((entry) => entry.work === work.item.id);
}

function stepsMs(state: State, work: Work, rank: number): number {
	const step = patient(state, limits.rankStepMs);
	const more =
		rank > limits.rankSteps ? jitter(state.config.self, work.item.id, work.claim.term, STEP_JITTER * step) : 0;
	return Math.min(rank, limits.rankSteps) * step + more;
}

/** Enters a lease of this node: durable first, then told. */
export function takeUp(state: State, work: Work, backup: boolean, replaces: NodeId | null): void {
	const { item, claim } = work;
	claim.term = Math.min(claim.term + 1, limits.leaseTerm);
	claim.availableAt = null;
	claim.hedgeAt = null;
	put(state, keys.claim(item.id), writeNumbers([claim.term]));
	createJob(state, work, claim.term, backup, replaces);
	announceClaim(state);
	const name = backup ? 'hedge' : replaces === null ? 'claim' : 'takeover';
	const facts = { term: claim.term, partition: item.partition, deadline: item.deadline };
	decide(state, name, reasonOf(state, work, backup, replaces), {
		work: item.id,
		...(replaces === null ? {} : { peer: replaces }),
		facts,
	});
}

function reasonOf(state: State, work: Work, backup: boolean, replaces: NodeId | null): string {
	if (backup) return pastNoReturn(state, work, 0) ? 'past-no-return' : 'slow';
	if (replaces === null) return isReopened(work) ? 'reopened' : 'first-in-rank';
	const peer = state.peers.get(replaces);
	return peer?.dead ? 'holder-dead' : 'holder-released';
}

/** Ends a lease of this node without a result. */
export function releaseJob(state: State, id: Work['item']['id'], reason: ReleaseReason, why: string): void {
	const work = state.works.get(id);
	const keepSpool = reason === 'incomplete' || reason === 'withdrawn' || reason === 'shutdown';
	stopJob(state, id, keepSpool);
	noteEnded(state, id, reason);
	decide(state, 'release', why, { work: id, facts: { reason } });
	if (work === undefined) return;
	if (reason === 'failed' || reason === 'unverified') {
		const doublings = Math.min(work.claim.failures++, limits.failedDoublings);
		work.claim.retryAt = state.now + limits.failedMs * 2 ** doublings;
	}
	state.dirty = true;
}

/** Gives everything back at once, so that others need not wait for the leases to lapse. */
export function onStopping(state: State): void {
	state.identity.stopping = true;
	for (const id of state.jobs.keys()) releaseJob(state, id, 'shutdown', 'node-stops');
	state.dirty = true;
}

/** Drops leases of this node that lose to another live one, or whose item needs no proof any more. */
export function yieldLeases(state: State): void {
	for (const id of state.jobs.keys()) {
		const work = state.works.get(id);
		const job = state.jobs.get(id);
		if (work === undefined || job === undefined) continue;
		if (isPast(state, work)) {
			releaseJob(state, id, 'lost', 'past-close');
			continue;
		}
		// Past the point of no return every copy runs on, whoever wins.
		if (job.phase === 'verify' || pastNoReturn(state, work, 0)) continue;
		const rivals = contenders(state, work).filter(({ lease }) => lease.backup === job.backup);
		const [winner] = rivals;
		if (winner === undefined || winner.node === state.config.self) continue;
		decide(state, 'yield', 'other-lease-wins', { work: id, peer: winner.node, facts: { term: winner.lease.term } });
		releaseJob(state, id, 'lost', 'other-lease-wins');
	}
}
