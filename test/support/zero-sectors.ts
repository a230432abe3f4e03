/**
 * Vanilla proofs of 32 GiB sectors whose replica is all zeros: every row of their trees is one value, so the proofs are
 * made in microseconds and hold in full, structure, challenges and Merkle paths. For tests and benchmarks that need a
 * partition of the real size.
 */
import { createHash } from 'node:crypto';
import { type ActorId, type Hex32, hex32, type SectorNumber, sectorNumber } from '../../src/domain/ids.ts';
import type { CommittedSector, Manifest } from '../../src/domain/manifest.ts';
import { proofShape } from '../../src/domain/proof.ts';
import type { OpenRequest, SectorChallenge } from '../../src/domain/vanilla.ts';
import type { OpenedSector, VanillaSource } from '../../src/ports/vanilla.ts';

export const ZERO_SECTOR_TYPE = 13;
const CHALLENGES = 10;
const LEVELS = 10;
const LEAVES = 2n ** 30n;
/** Row i of the tree: row 0 are the zeros of the replica, row i + 1 = Poseidon of eight times row i, row 10 = comm_r_last. */
const ROWS: readonly Buffer[] = [
	'0000000000000000000000000000000000000000000000000000000000000000',
	'3a9bffca31b48234d189b30de60b7c33f529c08b0836a004f98938b614e6793f',
	'643ff4d08bf7d20de2f3cf0506d75cfb763aa239971e24fad179a7970a06ef1f',
	'4b621c74de11ac0ab579dc2f407036f542d689564e5e4bb48b4c70aeaba88435',
	'09be515f7433c609c8ec340bbfc1cb17d16e904ad78a8543ae6fb23bc0242b29',
	'70e790cc8a3732da1688f1681bb0a7114e3000548211c1522df138bcd201ff18',
	'0c235abfbb5cf445d03109e9f54a0eaf5588e8c359193969ea830b7ee4928b63',
	'dc324ae00680eee893a1171c5070be98b290d95312768a8d1211ca4654ab5c2f',
	'7995c84d3fb91b4c0f7466fe0f5373795e808ad7760f63ee203b190596354959',
	'cf5dbdf750b09248cb09c3e8a54d1f8e617c58e8fbc19a4f659651a37f61466f',
	'd5cd408ceb94566b8d39966d406ea4312018f98684ffe630ece1ea0cf3fe7d4d',
].map((row) => Buffer.from(row, 'hex'));
const COMM_C = Buffer.alloc(32, 3);
/** Poseidon(COMM_C, ROWS[10]). */
export const ZERO_COMM_R: Hex32 = hex32('d6760e132c17bb84e682c601cf5ec90d7dfb5fc65411c72481e0b69c2cc40b0c');

export function zeroManifest(count: number, commR: Hex32 = ZERO_COMM_R): Manifest {
	return Array.from({ length: count }, (_, i) => ({ number: sectorNumber(i), commR, updated: false }));
}

/** A proof under the sector's own commitment: it holds if that is `ZERO_COMM_R`. */
export function zeroVanilla({ randomness }: SectorChallenge, { number, commR }: CommittedSector): Uint8Array {
	const bytes = Buffer.alloc(proofShape(ZERO_SECTOR_TYPE).vanillaBytes);
	let at = 0;
	const u64 = (value: number): void => {
		at = bytes.writeBigUInt64LE(BigInt(value), at);
	};
	const put = (value: Uint8Array): void => {
		bytes.set(value, at);
		at += value.length;
	};
	u64(number);
	put(Buffer.from(commR, 'hex'));
	u64(1);
	u64(CHALLENGES);
	for (let i = 0; i < CHALLENGES; i++) {
		let challenge = challengeOf(randomness, number, i);
		at = bytes.writeUInt32LE(1, at);
		for (let level = 0; level < LEVELS; level++) {
			// The path within the base tree, then the one step of the tree above it.
			if (level === 0) u64(LEVELS - 1);
			if (level === LEVELS - 1) u64(1);
			u64(7);
			for (let sibling = 0; sibling < 7; sibling++) put(ROWS[level] as Buffer);
			u64(Number(challenge % 8n));
			challenge /= 8n;
		}
		put(ROWS[LEVELS] as Buffer);
		put(ROWS[0] as Buffer);
	}
	put(COMM_C);
	put(ROWS[LEVELS] as Buffer);
	return bytes;
}

function challengeOf(randomness: Hex32, sector: SectorNumber, index: number): bigint {
	const preimage = Buffer.alloc(48);
	preimage.write(randomness, 'hex');
	preimage.writeBigUInt64LE(BigInt(sector), 32);
	preimage.writeBigUInt64LE(BigInt(index), 40);
	return createHash('sha256').update(preimage).digest().readBigUInt64LE(0) % LEAVES;
}

/** A disk full of zero sectors. */
export class ZeroSectorSource implements VanillaSource {
	async *open(request: OpenRequest, signal: AbortSignal): AsyncIterable<OpenedSector> {
		for (const sector of request.sectors) {
			signal.throwIfAborted();
			yield { sector: sector.number, proof: zeroVanilla(request, sector) };
		}
	}

	async holdings(_miner: ActorId): Promise<readonly SectorNumber[]> {
		return [];
	}

	async close(): Promise<void> {}
}
