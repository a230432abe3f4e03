/** Opening sectors: what a vanilla proof depends on, and why there may be none. */
import type { ActorId, Hex32 } from './ids.ts';
import type { CommittedSector } from './manifest.ts';
import type { PoStProofType } from './proof.ts';

/** What the challenges of a sector depend on, beside its number. */
export interface SectorChallenge {
	readonly proofType: PoStProofType;
	readonly miner: ActorId;
	/** Byte 31 masked. */
	readonly randomness: Hex32;
}

export interface OpenRequest extends SectorChallenge {
	/** Ascending, at least one, at most one partition. */
	readonly sectors: readonly CommittedSector[];
}

/** Reasons of the native worker (docs/native-protocol.md 2). */
export const SECTOR_FAILURES = ['missing', 'short', 'unreadable', 'mismatch', 'failed'] as const;
export type SectorFailure = (typeof SECTOR_FAILURES)[number];
