/** RES: a finished proof, and REF: a holder's word that it cannot open some sectors. */
import type { Bitfield } from './bitfield.ts';
import type { ActorId, Epoch, Hex32, WorkId } from './ids.ts';

export interface Result {
	readonly work: WorkId;
	/** Exactly `PROOF_BYTES`. */
	readonly proof: Uint8Array;
	/** Sectors of the manifest that the proof leaves out. */
	readonly skipped: Bitfield;
	/** Signed REF envelopes that back the skips, at most one per holder, ascending by holder. */
	readonly refusals: readonly Uint8Array[];
	/** Wall time of the proof. */
	readonly proveMs: number;
}

/**
 * One per holder and work item, the newest counts: both attempts to open `sectors` failed, the first in epoch `first`,
 * the second in the envelope's epoch, at least one later.
 */
export interface Refusal {
	readonly work: WorkId;
	readonly sectors: Bitfield;
	readonly first: Epoch;
}

/** HOLD: the exact sectors of one miner that a storage node holds now. The newest replaces all older ones. */
export interface Holdings {
	readonly miner: ActorId;
	readonly sectors: Bitfield;
}

/** Identity of a result among those of one work item: SHA-256 of its proof. */
export type ResultHash = Hex32;
