/**
 * The sector list of one partition on the wire and its root. 2,349 sectors take about 94 KB, too much for gossip, so
 * announcements carry the root and the list travels on a stream of its own.
 */
import type { Hex32 } from '../domain/ids.ts';
import { sectorNumber } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Manifest, ManifestSector } from '../domain/manifest.ts';
import { cborInteger, cborTuple, decodeCbor, encodeCbor } from './cbor.ts';
import { cborAscending, cborBoolean, cborHash, hexBytes, U53_MAX } from './mesh-cbor.ts';
import { sha256Hex } from './work-id.ts';

/** List of [number, comm_r, updated], ascending by number. */
export function encodeManifest(manifest: Manifest): Uint8Array {
	return encodeCbor(manifest.map(({ number, commR, updated }) => [number, hexBytes(commR), updated]));
}

/** Throws `bad-cbor`; the caller compares `manifestRoot(bytes)` with the announced root first. */
export function decodeManifest(bytes: Uint8Array): Manifest {
	return cborAscending(
		decodeCbor(bytes, limits.manifestBytes, 'manifest'),
		limits.manifestSectors,
		'sectors',
		readSector,
		({ number }) => number,
	);
}

/** SHA-256 of the manifest's bytes. */
export function manifestRoot(bytes: Uint8Array): Hex32 {
	return sha256Hex(bytes);
}

function readSector(value: unknown): ManifestSector {
	const [number, commR, updated] = cborTuple(value, 3, 'sector');
	return {
		number: sectorNumber(cborInteger(number, 0, U53_MAX, 'sector number')),
		commR: cborHash(commR, 'comm_r'),
		updated: cborBoolean(updated, 'update flag'),
	};
}
