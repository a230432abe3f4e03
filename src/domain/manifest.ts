/** The exact sectors of one partition that are to be proven, in ascending order of their numbers. */
import type { Hex32, SectorNumber } from './ids.ts';

export interface ManifestSector {
	readonly number: SectorNumber;
	/** Replica commitment: the last 32 bytes of the on-chain SealedCID. */
	readonly commR: Hex32;
	/** True when the sector was updated (SectorKeyCID set): its replica lies in `update`, not `sealed`. */
	readonly updated: boolean;
}

export type Manifest = readonly ManifestSector[];
