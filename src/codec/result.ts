/** RES, REF and HOLD bodies: proofs, refusals, and who holds which sectors. */
import { actorId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { PROOF_BYTES } from '../domain/proof.ts';
import type { Holdings, Refusal, Result } from '../domain/result.ts';
import { cborBytes, cborInteger, cborList, cborTuple } from './cbor.ts';
import { cborBitfield, cborEpoch, cborWorkId, hexBytes, U32_MAX, U53_MAX } from './mesh-cbor.ts';
import { encodeBitfield } from './rle-plus.ts';

/** Sets of sectors of one partition. */
const PARTITION_BOUNDS = {
	maxBytes: limits.partitionSetBytes,
	maxRuns: limits.manifestSectors,
	maxSize: limits.manifestSectors,
};
const HOLDINGS_BOUNDS = {
	maxBytes: limits.bitfieldBytes,
	maxRuns: limits.bitfieldRuns,
	maxSize: limits.bitfieldMembers,
};

export function resultTuple({ work, proof, skipped, refusals, proveMs }: Result): readonly unknown[] {
	return [hexBytes(work), proof, encodeBitfield(skipped), refusals, proveMs];
}

export function readResult(value: unknown): Result {
	const [work, proof, skipped, refusals, proveMs] = cborTuple(value, 5, 'result');
	return {
		work: cborWorkId(work, 'work id'),
		proof: cborBytes(proof, PROOF_BYTES, PROOF_BYTES, 'proof'),
		skipped: cborBitfield(skipped, PARTITION_BOUNDS, 'skipped sectors'),
		refusals: cborList(refusals, limits.resultRefusals, 'refusals').map((refusal) =>
			cborBytes(refusal, 1, limits.refusalBytes, 'refusal'),
		),
		proveMs: cborInteger(proveMs, 0, U32_MAX, 'proving time'),
	};
}

export function refusalTuple({ work, sectors, first }: Refusal): readonly unknown[] {
	return [hexBytes(work), encodeBitfield(sectors), first];
}

export function readRefusal(value: unknown): Refusal {
	const [work, sectors, first] = cborTuple(value, 3, 'refusal');
	return {
		work: cborWorkId(work, 'work id'),
		sectors: cborBitfield(sectors, PARTITION_BOUNDS, 'refused sectors'),
		first: cborEpoch(first, 'first attempt'),
	};
}

export function holdingsTuple({ miner, sectors }: Holdings): readonly unknown[] {
	return [miner, encodeBitfield(sectors)];
}

export function readHoldings(value: unknown): Holdings {
	const [miner, sectors] = cborTuple(value, 2, 'holdings');
	return {
		miner: actorId(cborInteger(miner, 0, U53_MAX, 'miner')),
		sectors: cborBitfield(sectors, HOLDINGS_BOUNDS, 'held sectors'),
	};
}
