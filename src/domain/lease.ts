/** Leases: who works on what. They are advice ("a lease may delay me, never forbid me"): proofs are idempotent. */
import type { NodeId, WorkId } from './ids.ts';

export const LEASE_PHASES = ['gather', 'ready', 'prove', 'verify'] as const;
export type LeasePhase = (typeof LEASE_PHASES)[number];

export interface Lease {
	readonly work: WorkId;
	/** Attempt number: 1 + the highest seen for the work. */
	readonly term: number;
	/** True for a backup that runs beside another live lease on purpose. */
	readonly backup: boolean;
	readonly phase: LeasePhase;
	/** Finished share of the work in thousandths, from finished phases only. */
	readonly permille: number;
	/** Seconds of proving so far, from the first frame of the code that does it. */
	readonly workSeconds: number;
	/** Holder whose expired or released lease this one takes over. */
	readonly replaces: NodeId | null;
}

export const RELEASE_REASONS = ['lost', 'incomplete', 'failed', 'withdrawn', 'unverified', 'shutdown'] as const;
/** Why a lease ended without a result. */
export type ReleaseReason = (typeof RELEASE_REASONS)[number];
