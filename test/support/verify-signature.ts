/** The signature half of the verifier port in JavaScript, for tests that need no native worker. */
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { blake2b } from '@noble/hashes/blake2.js';
import { equalBytes } from '../../src/codec/cbor.ts';
import type { Verifier } from '../../src/ports/verifier.ts';

const BLS_SUITE = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_';

/** `kind` 1 secp256k1, 2 BLS; `address` = payload bytes of the f1 or f3 address. Malformed bytes do not hold. */
export function signatureHolds(kind: 1 | 2, address: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
	try {
		return kind === 1 ? secpVerifies(address, message, signature) : blsVerifies(address, message, signature);
	} catch {
		// noble throws for bytes that are no point or no scalar, each in its own words.
		return false;
	}
}

export const verifySignature: Verifier['verifySignature'] = async (...signed) => ({ ok: signatureHolds(...signed) });

function secpVerifies(address: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
	const recovered = Uint8Array.of(...signature.subarray(64), ...signature.subarray(0, 64));
	const digest = blake2b(message, { dkLen: 32 });
	const publicKey = secp256k1.recoverPublicKey(recovered, digest, { prehash: false });
	const uncompressed = secp256k1.Point.fromBytes(publicKey).toBytes(false);
	return equalBytes(blake2b(uncompressed, { dkLen: 20 }), address);
}

function blsVerifies(address: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
	const { longSignatures } = bls12_381;
	return longSignatures.verify(signature, longSignatures.hash(message, BLS_SUITE), address);
}
