/** PoSt proof types and their constants. */
import { PosterError } from './errors.ts';

/**
 * RegisteredPoStProof of go-state-types `abi/sector.go`: winning 0..4, window V1 5..9, window V1_1 10..14, each for
 * 2 KiB, 8 MiB, 512 MiB, 32 GiB, 64 GiB. Only V1_1 is accepted for WindowPoSt since network version 19 (FIP-0061).
 */
export type PoStProofType = number;

/** One Groth16 proof over BLS12-381: two G1 points and one G2 point, compressed. */
export const PROOF_BYTES = 192;

interface ProofShape {
	readonly kind: 'winning' | 'window';
	/** Bytes of a sector. */
	readonly sectorSize: number;
	/** Most sectors of one partition (`WINDOW_POST_SECTOR_COUNT` of filecoin-proofs). */
	readonly partitionSectors: number;
	/** Exact bytes of one sector's vanilla proof (bincode FallbackPoStSectorProof). */
	readonly vanillaBytes: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const SHAPES: ReadonlyMap<PoStProofType, ProofShape> = new Map<PoStProofType, ProofShape>([
	[0, { kind: 'winning', sectorSize: 2 * KIB, partitionSectors: 1, vanillaBytes: 36_816 }],
	[1, { kind: 'winning', sectorSize: 8 * MIB, partitionSectors: 1, vanillaBytes: 100_176 }],
	[2, { kind: 'winning', sectorSize: 512 * MIB, partitionSectors: 1, vanillaBytes: 131_856 }],
	[3, { kind: 'winning', sectorSize: 32 * GIB, partitionSectors: 1, vanillaBytes: 164_064 }],
	[4, { kind: 'winning', sectorSize: 64 * GIB, partitionSectors: 1, vanillaBytes: 167_760 }],
	[10, { kind: 'window', sectorSize: 2 * KIB, partitionSectors: 2, vanillaBytes: 5_680 }],
	[11, { kind: 'window', sectorSize: 8 * MIB, partitionSectors: 2, vanillaBytes: 15_280 }],
	[12, { kind: 'window', sectorSize: 512 * MIB, partitionSectors: 2, vanillaBytes: 20_080 }],
	[13, { kind: 'window', sectorSize: 32 * GIB, partitionSectors: 2349, vanillaBytes: 24_960 }],
	[14, { kind: 'window', sectorSize: 64 * GIB, partitionSectors: 2300, vanillaBytes: 25_520 }],
]);

/** Shape of a proof type; throws `proof-type` for one that the network no longer accepts. */
export function proofShape(type: PoStProofType): ProofShape {
	const shape = SHAPES.get(type);
	if (shape === undefined) {
		throw new PosterError('proof-type', `PoSt proof type ${type} is not supported`, {
			advice: 'Window proofs must be of the V1_1 family (10 to 14), winning proofs 0 to 4.',
			meta: { type },
		});
	}
	return shape;
}

export function isWindowProofType(type: PoStProofType): boolean {
	return SHAPES.get(type)?.kind === 'window';
}

/** The type of this kind and sector size; undefined for sizes that the network does not know. */
export function proofTypeOf(kind: 'winning' | 'window', sectorSize: number): PoStProofType | undefined {
	for (const [type, shape] of SHAPES) if (shape.kind === kind && shape.sectorSize === sectorSize) return type;
	return undefined;
}
