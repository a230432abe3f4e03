/**
 * Proofs without cryptography: a vanilla proof is a hash of sector and challenge, repeated to the real length; a proof is
 * a hash of its statement. Whoever changes a bit of either is found out, as with the real ones.
 */
import { createHash } from 'node:crypto';
import { hex32 } from '../../src/domain/ids.ts';
import type { CommittedSector } from '../../src/domain/manifest.ts';
import { PROOF_BYTES, proofShape } from '../../src/domain/proof.ts';
import type { SectorChallenge } from '../../src/domain/vanilla.ts';
import type { PostStatement } from '../../src/ports/verifier.ts';

function stretched(text: string, bytes: number): Uint8Array {
	const hash = createHash('sha256').update(text).digest();
	const out = new Uint8Array(bytes);
	for (let at = 0; at < bytes; at += hash.length) out.set(hash.subarray(0, bytes - at), at);
	return out;
}

export function fakeVanilla({ proofType, miner, randomness }: SectorChallenge, sector: CommittedSector): Uint8Array {
	const { vanillaBytes } = proofShape(proofType);
	return stretched(`vanilla ${proofType} ${miner} ${randomness} ${sector.number} ${sector.commR}`, vanillaBytes);
}

export function fakeProof({ proofType, randomness, sectors }: PostStatement): Uint8Array {
	const listed = sectors.map(({ number, commR }) => `${number}:${commR}`).join(' ');
	return stretched(`proof ${proofType} ${randomness} ${listed}`, PROOF_BYTES);
}

/** What the real worker says of a sector list or randomness that cannot be right; undefined when it can. */
export function wrongStatement({ proofType, randomness, sectors }: PostStatement): string | undefined {
	if ((Number.parseInt(randomness.slice(62), 16) & 0xc0) !== 0) return 'bad-randomness';
	const ascending = sectors.every(({ number }, i) => i === 0 || (sectors[i - 1]?.number ?? 0) < number);
	const fits = sectors.length > 0 && sectors.length <= proofShape(proofType).partitionSectors;
	return ascending && fits ? undefined : 'bad-sector-list';
}

/** A commitment for a sector that nobody sealed. */
export function fakeCommR(miner: number, sector: number) {
	return hex32(createHash('sha256').update(`comm_r ${miner} ${sector}`).digest('hex'));
}
