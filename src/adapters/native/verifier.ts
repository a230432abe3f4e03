/** Port `Verifier` over `poster-native verify`: proofs and message signatures are judged in a process of their own. */
import { isPosterError, PosterError } from '../../domain/errors.ts';
import { hex32 } from '../../domain/ids.ts';
import { PROOF_BYTES, proofTypeOf } from '../../domain/proof.ts';
import type { PostStatement, Verdict, Verifier, VerifyingKey } from '../../ports/verifier.ts';
import { booleanField, type FrameHeader, frameError, numberField, textField } from './frame.ts';
import type { NativeChild } from './native-child.ts';
import { encodeSectorList } from './sector-list.ts';

/** Codes of a failed job that speak about what was to be verified: such a statement has no valid proof. */
const WRONG_STATEMENT: ReadonlySet<unknown> = new Set(['bad-sector-list', 'bad-randomness', 'unsupported-proof-type']);
const NO_KEY: ReadonlySet<unknown> = new Set(['no-key', 'key-refused']);
/** A secp256k1 payload is 20 bytes, a BLS public key 48; signatures are 65 and 96. */
const SIGNATURE_SHAPE = { 1: { signer: 20, signature: 65 }, 2: { signer: 48, signature: 96 } } as const;
const MAX_SIGNED_BYTES = 65_536;

export class NativeVerifier implements Verifier {
	readonly #child: NativeChild;

	constructor(child: NativeChild) {
		this.#child = child;
	}

	async verifyPost(statement: PostStatement, proof: Uint8Array, signal?: AbortSignal): Promise<Verdict> {
		if (proof.length !== PROOF_BYTES) return { ok: false, detail: `a proof of ${proof.length} bytes` };
		return this.#verify(
			{
				type: 'verify-post',
				proofType: statement.proofType,
				minerId: statement.miner,
				randomness: statement.randomness,
				proofLen: proof.length,
			},
			encodeSectorList(statement.sectors, proof),
			signal,
		);
	}

	async verifySignature(
		kind: 1 | 2,
		address: Uint8Array,
		message: Uint8Array,
		signature: Uint8Array,
	): Promise<Verdict> {
		const shape = SIGNATURE_SHAPE[kind];
		if (address.length !== shape.signer || signature.length !== shape.signature) {
			return { ok: false, detail: `a signer of ${address.length} or a signature of ${signature.length} bytes` };
		}
		if (message.length === 0 || message.length > MAX_SIGNED_BYTES) {
			return { ok: false, detail: `${message.length} signed bytes` };
		}
		return this.#verify({ type: 'verify-signature', sigType: kind }, Buffer.concat([address, signature, message]));
	}

	keys(): Promise<readonly VerifyingKey[]> {
		return this.#ask({ type: 'keys' }, new Uint8Array(0), readKeys);
	}

	close(): Promise<void> {
		return this.#child.close();
	}

	#verify(header: FrameHeader, body: Uint8Array, signal?: AbortSignal): Promise<Verdict> {
		return this.#ask(header, body, readVerdict, signal).catch(wrongStatement);
	}

	async #ask<T>(
		header: FrameHeader,
		body: Uint8Array,
		read: (answer: FrameHeader) => T,
		signal?: AbortSignal,
	): Promise<T> {
		try {
			return read((await this.#child.request(header, body, signal)).header);
		} catch (cause) {
			throw signal?.aborted === true ? signal.reason : unavailable(cause);
		}
	}
}

function unavailable(cause: unknown): PosterError {
	const failed = isPosterError(cause, 'native-failed') ? cause : undefined;
	const advice = isPosterError(cause) && cause.advice !== undefined ? { advice: cause.advice } : {};
	if (failed !== undefined && NO_KEY.has(failed.meta['code'])) {
		return new PosterError('verifier-no-key', failed.message, { cause, ...advice });
	}
	if (isPosterError(cause, 'native-refused')) return cause;
	// A worker that cannot start says why, and nobody looks for it in the causes.
	const why = isPosterError(cause, 'native-fatal', 'native-spawn', 'native-exited') ? `: ${cause.message}` : '';
	return new PosterError('verifier-unavailable', `the verifier gave no verdict${why}`, { cause, ...advice });
}

function wrongStatement(error: unknown): Verdict {
	if (isPosterError(error, 'verifier-unavailable') && isPosterError(error.cause, 'native-failed')) {
		if (WRONG_STATEMENT.has(error.cause.meta['code'])) return { ok: false, detail: error.cause.message };
	}
	throw error;
}

function readVerdict(answer: FrameHeader): Verdict {
	return booleanField(answer, 'ok') ? { ok: true } : { ok: false, detail: textField(answer, 'detail') };
}

function readKeys(answer: FrameHeader): readonly VerifyingKey[] {
	const keys = answer['keys'];
	if (!Array.isArray(keys)) throw frameError('a keys frame without keys');
	return keys.map((value: unknown) => {
		if (typeof value !== 'object' || value === null) throw frameError('a key that is no object');
		const key = value as FrameHeader;
		const kind = textField(key, 'kind') === 'winning' ? 'winning' : 'window';
		const proofType = proofTypeOf(kind, numberField(key, 'sectorSize'));
		if (proofType === undefined) throw frameError('a key of an unknown sector size');
		return {
			name: textField(key, 'name'),
			proofType,
			sha256: hex32(textField(key, 'sha256')),
			published: booleanField(key, 'published'),
		};
	});
}
