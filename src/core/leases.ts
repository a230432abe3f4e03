/**
 * Who works on what: the live leases of an item and which of them wins. A pure function of the newest records, so two
 * nodes that heard the same records, in whatever order, see the same winner.
 */
import { type NodeId, nodeId, type WorkId } from '../domain/ids.ts';
import { LEASE_PHASES, type Lease } from '../domain/lease.ts';
import { limits } from '../domain/limits.ts';
import { isSilentFor, type Peer, silenceLimitMs } from './liveness.ts';
import { hasRole, ranking, selfHasRole } from './members.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, StatementOf, Work } from './state.ts';
import { pastNoReturn } from './timing.ts';
import { isDue, isReached } from './wake.ts';

export interface HeldLease {
	readonly lease: Lease;
	/** Since when this holder tells of a lease on the item, whatever its term and phase. */
	readonly heldAt: number;
	/** When this term of this holder was first seen in its phase here. */
	readonly phaseAt: number;
}

/** Seconds of proving below which a lease counts as just begun. */
const FRESH_SECONDS = 5;
const EIGHTH = 125;
/** A term this far above the lowest live one is a lie or a bug and wins nothing. */
export const TERM_JUMP = 4;

export interface Contender {
	readonly node: NodeId;
	readonly lease: Lease;
	/** Place in the rendezvous order of the item. */
	readonly rank: number;
}

/** Replaces the leases of a member by those of its new record, within its slots. */
export function indexLeases(state: State, id: NodeId, statement: StatementOf<'rec'>): void {
	const { leases } = state.records;
	const before = state.peers.get(id)?.record;
	const allowed = admissible(state, id, statement.envelope.body.leases);
	for (const { work } of before?.envelope.body.leases ?? []) {
		if (allowed.some((lease) => lease.work === work)) continue;
		const held = leases.get(work);
		if (held?.delete(id)) {
			noteChange(state);
			if (held.size === 0) leases.delete(work);
		}
	}
	for (const lease of allowed) {
		const held = leases.obtain(lease.work, () => new SortedMap<NodeId, HeldLease>());
		const old = held.get(id);
		if (old === undefined) noteChange(state);
		const samePhase = old?.lease.term === lease.term && old.lease.phase === lease.phase;
		held.set(id, {
			lease,
			heldAt: old?.heldAt ?? state.now,
			phaseAt: samePhase ? (old?.phaseAt ?? state.now) : state.now,
		});
	}
}

/** Who claims nothing has nothing to decide about it; what has come due meanwhile is looked at now as well. */
function noteChange(state: State): void {
	if (selfHasRole(state, 'prover') || isDue(state)) state.dirty = true;
}

/** More leases than the roster's slots and one prefetch are ignored: the furthest ones are kept. */
function admissible(state: State, id: NodeId, leases: readonly Lease[]): readonly Lease[] {
	const most = (state.roster.byId.get(id)?.slots ?? 0) + 1;
	if (leases.length <= most) return leases;
	const rank = (lease: Lease): number => LEASE_PHASES.indexOf(lease.phase);
	const furthest = [...leases].sort((a, b) => rank(b) - rank(a) || (a.work < b.work ? -1 : 1));
	return furthest.slice(0, most);
}

/** Leases of other members on a work that are to be honoured now, in order of node. */
export function liveLeases(state: State, work: Work): readonly (HeldLease & { readonly node: NodeId })[] {
	const held = state.records.leases.get(work.item.id);
	if (held === undefined) return [];
	const live: (HeldLease & { readonly node: NodeId })[] = [];
	for (const [node, lease] of held) {
		const peer = state.peers.get(node);
		if (peer === undefined || !hasRole(state, node, 'prover', work.item.miner)) continue;
		if (isHonoured(state, work, peer)) live.push({ ...lease, node });
	}
	return live;
}

function isHonoured(state: State, work: Work, peer: Peer): boolean {
	if (peer.vanished) return !pastNoReturn(state, work, 0);
	// While a probe is on its way nothing is decided: only silence of all probes ends a lease.
	return !peer.dead && (peer.probing || !isSilentFor(state, peer, silenceLimitMs(state, peer) + 1));
}

/** 0 = under 5 s of work, then eighths of finished phases. */
export function progressBucket(lease: Lease): number {
	if (lease.workSeconds < FRESH_SECONDS) return 0;
	return 1 + Math.floor(Math.min(lease.permille, 999) / EIGHTH);
}

/** Progress bucket, then term, then rank, then lower id: negative when `a` wins. `lowestTerm` of all contenders. */
export function compareContenders(a: Contender, b: Contender, lowestTerm: number): number {
	const term = ({ lease }: Contender): number => (lease.term > lowestTerm + TERM_JUMP ? lowestTerm : lease.term);
	const bucket = progressBucket(b.lease) - progressBucket(a.lease);
	if (bucket !== 0) return bucket;
	if (term(a) !== term(b)) return term(b) - term(a);
	if (a.rank !== b.rank) return a.rank - b.rank;
	return a.node < b.node ? -1 : a.node > b.node ? 1 : 0;
}

/** Live leases of a work with this node's own, the winner first. */
export function contenders(state: State, work: Work): readonly Contender[] {
	const { id, miner } = work.item;
	const live = liveLeases(state, work);
	const job = state.jobs.get(id);
	if (live.length === 0 && job === undefined) return [];
	const order = ranking(state, id, 'prover', miner);
	const all: Contender[] = live.map(({ node, lease }) => contender(order, node, lease));
	if (job !== undefined && order.length > 0) all.push(contender(order, state.config.self, ownLease(state, id)));
	const lowest = all.reduce((least, { lease }) => Math.min(least, lease.term), Number.MAX_SAFE_INTEGER);
	return all.sort((a, b) => compareContenders(a, b, lowest));
}

function contender(order: readonly NodeId[], node: NodeId, lease: Lease): Contender {
	const place = order.indexOf(node);
	return { node, lease, rank: place < 0 ? order.length : place };
}

/** This node's lease as its record tells it. */
export function ownLease(state: State, work: WorkId): Lease {
	const job = state.jobs.get(work);
	if (job === undefined) throw new Error('assertion failed: a lease of this node has a job');
	const provedMs = job.proveAt === null ? 0 : state.now - job.proveAt;
	// From then on its progress counts against rivals.
	if (job.proveAt !== null) isReached(state, job.proveAt + FRESH_SECONDS * 1_000);
	return {
		work,
		term: job.term,
		backup: job.backup,
		phase: job.phase,
		permille: job.permille,
		workSeconds: Math.floor(provedMs / 1_000),
		replaces: job.replaces === null ? null : nodeId(job.replaces),
	};
}

/** Slots of a member that no live lease takes, as its records tell; -1 when it has fetched an item ahead as well. */
export function freeSlots(state: State, id: NodeId): number {
	const body = state.peers.get(id)?.record?.envelope.body;
	if (body === undefined) return 0;
	const most = Math.min(body.slots, state.roster.byId.get(id)?.slots ?? 0, limits.slots);
	return Math.max(-1, most - body.leases.length);
}
