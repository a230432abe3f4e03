/** The digest by which the trusted setup's files are known: first 16 bytes of BLAKE2b-512, hexadecimal. */
import { createHash, type Hash } from 'node:crypto';

const HEX_CHARS = 32;

export class ParameterDigest {
	readonly #hash: Hash = createHash('blake2b512');

	update(bytes: Uint8Array): void {
		this.#hash.update(bytes);
	}

	/** Of all bytes so far; more may follow. */
	soFar(): string {
		return this.#hash.copy().digest('hex').slice(0, HEX_CHARS);
	}
}
