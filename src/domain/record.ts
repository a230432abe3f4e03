/** REC: everything one node says of itself. The newest (incarnation, sequence) replaces all older ones. */
import type { Bitfield } from './bitfield.ts';
import type { Hex32, NodeId, SectorNumber, WorkId } from './ids.ts';
import type { Lease, ReleaseReason } from './lease.ts';
import type { PoStProofType } from './proof.ts';
import type { ChallengeKey } from './work.ts';

/** Learned duration of one proof. */
export interface ProofEstimate {
	readonly proofType: PoStProofType;
	readonly p95Ms: number;
	readonly p99Ms: number;
}

/** "I hold this skipped sector and can open it": signed by being part of a record. */
export interface Objection {
	readonly work: WorkId;
	readonly sector: SectorNumber;
	/** Who can deliver the sector: the objecting node, or the holder a submitter got it from. */
	readonly holder: NodeId;
}

export interface NodeRecord {
	readonly rosterVersion: number;
	readonly rosterHash: Hex32;
	/** Proving slots in service, and those free now. */
	readonly slots: number;
	readonly idle: number;
	/** Local health, 0 good to 8 bad: how late this node's own ticks and probes are. */
	readonly health: number;
	/** True if the envelope's epoch comes from a full node heard within the last 95 s. */
	readonly chain: boolean;
	/** False until the first sync after start is complete. */
	readonly synced: boolean;
	/** SHA-256 over the sorted digests of the verifying keys in use; null on a node that verifies nothing. */
	readonly keys: Hex32 | null;
	readonly estimates: readonly ProofEstimate[];
	/** Ascending by work. A work that is absent from a newer record is released. */
	readonly leases: readonly Lease[];
	/** Recently ended leases, ascending by work: why, for people and for the ranking of the next claim. */
	readonly ended: readonly { readonly work: WorkId; readonly reason: ReleaseReason }[];
	/** A set bit: a verified result is on this node's disk for every open item it knows of that partition. */
	readonly have: readonly { readonly key: ChallengeKey; readonly partitions: Bitfield }[];
	/** First 8 bytes of SHA-256 of the signed bytes of the submissions on this node's disk, newest first. */
	readonly submissions: readonly string[];
	readonly objections: readonly Objection[];
	/** Peers whose connection to this node was reset within the last seconds. */
	readonly suspects: readonly NodeId[];
}
