/** The exact sectors of one partition that are to be proven, in ascending order of their numbers. */
import type { Hex32, SectorNumber } from './ids.ts';

/** A sector and the commitment that its proof is judged by. */
export interface CommittedSector {
	readonly number: SectorNumber;
	/** Replica commitment: the last 32 bytes of the on-chain SealedCID. */
	readonly commR: Hex32;
}

export interface ManifestSector extends CommittedSector {
	/** True when the sector was updated (SectorKeyCID set): its replica lies in `update`, not `sealed`. */
	readonly updated: boolean;
}

export type Manifest = readonly ManifestSector[];

/** Position of a sector in the manifest, -1 if it is none of it. */
export function manifestIndex(manifest: Manifest, number: SectorNumber): number {
	let low = 0;
	let high = manifest.length - 1;
	while (low <= high) {
		const middle = (low + high) >>> 1;
		const found = (manifest[middle] as ManifestSector).number;
		if (found === number) return middle;
		if (found < number) low = middle + 1;
		else high = middle - 1;
	}
	return -1;
}
