/**
 * Judges a window PoSt as the chain does: over all sectors of the partitions together, sorted, in chunks of one
 * partition's sectors, one proof for each chunk. Sources: builtin-actors `verify_windowed_post`, filecoin-proofs-api
 * `post::verify_window_post`.
 */
import type { Bitfield } from '../../domain/bitfield.ts';
import { assert } from '../../domain/errors.ts';
import { sectorNumber } from '../../domain/ids.ts';
import { PROOF_BYTES } from '../../domain/proof.ts';
import type { ProvenSector, Verdict } from '../../ports/verifier.ts';
import type { CallContext } from './context.ts';
import type { Miner } from './state.ts';

/** `good` are the sectors of the partitions without the ignored ones; at least one. */
export async function verifyWindowPost(
	context: CallContext,
	miner: Miner,
	challengeEpoch: number,
	good: Bitfield,
	proof: Uint8Array,
): Promise<Verdict> {
	const sectors = [...good].map((number) => provenSector(miner, number));
	assert(sectors.length > 0, 'a proof is about at least one sector');
	const chunks = Math.ceil(sectors.length / miner.partitionSectors);
	const expected = chunks * PROOF_BYTES;
	if (proof.length !== expected) {
		return { ok: false, detail: `expected exactly ${expected} bytes but got ${proof.length}` };
	}
	const randomness = context.postChallenge(miner.id, challengeEpoch);
	for (let i = 0; i < chunks; i++) {
		const verdict = await context.verify(
			{
				proofType: miner.proofType,
				miner: miner.id,
				randomness,
				sectors: sectors.slice(i * miner.partitionSectors, (i + 1) * miner.partitionSectors),
			},
			proof.subarray(i * PROOF_BYTES, (i + 1) * PROOF_BYTES),
		);
		if (!verdict.ok) return verdict;
	}
	return { ok: true };
}

function provenSector(miner: Miner, number: number): ProvenSector {
	const sector = miner.sectors.get(sectorNumber(number));
	assert(sector !== undefined, 'a partition holds only sectors of its miner');
	return { number: sector.number, commR: sector.commR };
}
