/**
 * A Verifier whose proofs are tags: hashes of the statement under a name nobody else uses. As with real proofs, one
 * holds for its statement alone, any change breaks it, and garbage does not verify. Signatures are really checked.
 */
import { createHash } from 'node:crypto';
import { PosterError } from '../../src/domain/errors.ts';
import { hex32 } from '../../src/domain/ids.ts';
import { PROOF_BYTES } from '../../src/domain/proof.ts';
import type { PostStatement, Verdict, Verifier, VerifyingKey } from '../../src/ports/verifier.ts';
import { verifySignature } from '../support/verify-signature.ts';

/** The one proof that holds for a statement. */
export function tagProof(statement: PostStatement): Uint8Array {
	const { proofType, miner, randomness, sectors } = statement;
	const text = JSON.stringify([proofType, miner, randomness, sectors.map(({ number, commR }) => [number, commR])]);
	const blocks = [0, 1, 2].map((i) => createHash('sha512').update(`tag ${i} ${text}`).digest());
	return Buffer.concat(blocks).subarray(0, PROOF_BYTES);
}

export class TagVerifier implements Verifier {
	#closed = false;
	/** What every verification rejects with, while set. */
	outage: PosterError | undefined;
	verified = 0;

	async verifyPost(statement: PostStatement, proof: Uint8Array, signal?: AbortSignal): Promise<Verdict> {
		this.#check();
		signal?.throwIfAborted();
		this.verified++;
		if (!sound(statement)) return { ok: false, detail: 'the statement has no valid proof' };
		return Buffer.from(proof).equals(tagProof(statement)) ? { ok: true } : { ok: false, detail: 'not on curve' };
	}

	async verifySignature(
		kind: 1 | 2,
		address: Uint8Array,
		message: Uint8Array,
		signature: Uint8Array,
	): Promise<Verdict> {
		this.#check();
		return verifySignature(kind, address, message, signature);
	}

	async keys(): Promise<readonly VerifyingKey[]> {
		this.#check();
		return [{ name: 'tag.vk', proofType: 10, sha256: hex32('7a'.repeat(32)), published: false }];
	}

	async close(): Promise<void> {
		this.#closed = true;
	}

	#check(): void {
		if (this.outage !== undefined) throw this.outage;
		if (this.#closed) throw new PosterError('verifier-unavailable', 'the verifier was closed');
	}
}

function sound({ sectors, randomness }: PostStatement): boolean {
	const ascending = sectors.every(({ number }, i) => i === 0 || number > (sectors[i - 1]?.number ?? number));
	return sectors.length > 0 && ascending && Number.parseInt(randomness.slice(62), 16) < 0x40;
}
