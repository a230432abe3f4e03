/** One lease of this node: what claiming, gathering and proving keep of it. */
import { Bitfield } from '../domain/bitfield.ts';
import type { Hex32, NodeId, WorkId } from '../domain/ids.ts';
import type { Lease } from '../domain/lease.ts';
import type { Result } from '../domain/result.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, Work } from './state.ts';

export interface Job {
	readonly work: WorkId;
	readonly term: number;
	readonly backup: boolean;
	readonly replaces: NodeId | null;
	readonly startedAt: number;
	phase: Lease['phase'];
	permille: number;
	/** Gather: sectors in the spool, streams in progress by peer, and how often a holder was asked for a sector. */
	good: Bitfield;
	readonly shares: SortedMap<NodeId, Share>;
	readonly asked: SortedMap<NodeId, Asked>;
	/** Blocks asked of the directory, and the providers it named. */
	readonly blocks: SortedMap<number, readonly NodeId[] | null>;
	skipped: Bitfield;
	/** Gather time, then proving: what estimates are learned from. */
	gatheredAt: number | null;
	slot: string | null;
	proveAt: number | null;
	progressAt: number;
	/** Our own prover failed at it, the library began again. */
	anew: boolean;
	result: Result | null;
	hash: Hex32 | null;
	/** When an unavailable verifier is asked again; null while it has the proof. */
	verifyAt: number | null;
}

export interface Share {
	/** Still owed. */
	owed: Bitfield;
	/** When the last sector came, and whether any did. */
	movedAt: number;
	moved: boolean;
}

export interface Asked {
	/** Sectors asked in vain once, and twice. */
	once: Bitfield;
	twice: Bitfield;
	/** Not before this time is it asked again. */
	retryAt: number;
	/** The last vain answer was a stream that broke, which says nothing about the sectors. */
	broken: boolean;
}

export function createJob(state: State, work: Work, term: number, backup: boolean, replaces: NodeId | null): void {
	state.jobs.set(work.item.id, {
		work: work.item.id,
		term,
		backup,
		replaces,
		startedAt: state.now,
		phase: 'gather',
		permille: 0,
		good: Bitfield.empty,
		shares: new SortedMap(),
		asked: new SortedMap(),
		blocks: new SortedMap(),
		skipped: Bitfield.empty,
		gatheredAt: null,
		slot: null,
		proveAt: null,
		anew: false,
		progressAt: state.now,
		result: null,
		hash: null,
		verifyAt: null,
	});
	state.dirty = true;
}
