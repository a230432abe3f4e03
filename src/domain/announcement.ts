/** What chain nodes tell the mesh: the partitions that are due, and which of them no longer are. */
import type { WorkId } from './ids.ts';
import type { Challenge, DuePartition } from './work.ts';

/** ANN: one page of the partitions of a deadline. */
export interface Announcement {
	readonly challenge: Challenge;
	/** Ascending by partition, at least one, at most `limits.announcementItems`. */
	readonly items: readonly DuePartition[];
}

export const TOMBSTONE_REASONS = ['reorg', 'superseded', 'cancelled'] as const;
export type TombstoneReason = (typeof TOMBSTONE_REASONS)[number];

/** TOMB: these items need no proof any more. Counts like an ANN and never stops a running proof. */
export interface Tombstone {
	readonly challenge: Challenge;
	readonly reason: TombstoneReason;
	/** Ascending, at least one. */
	readonly works: readonly WorkId[];
}
