/** Message signatures as the chain makes them, for what verifies them. */
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { blake2b } from '@noble/hashes/blake2.js';
import type { SignedText } from '../compliance/verifier.ts';

const BLS_TAG = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_';

export function secpSigned(message: Uint8Array): SignedText {
	const secret = new Uint8Array(32).fill(7);
	const [recovery, ...compact] = secp256k1.sign(blake2b(message, { dkLen: 32 }), secret, {
		prehash: false,
		format: 'recovered',
	});
	return {
		kind: 1,
		address: blake2b(secp256k1.getPublicKey(secret, false), { dkLen: 20 }),
		message,
		signature: Uint8Array.from([...compact, recovery as number]),
	};
}

export function blsSigned(message: Uint8Array): SignedText {
	const secret = new Uint8Array(32).fill(9);
	const { longSignatures } = bls12_381;
	const signature = longSignatures.sign(longSignatures.hash(message, BLS_TAG), secret);
	return {
		kind: 2,
		address: longSignatures.getPublicKey(secret).toBytes(),
		message,
		signature: longSignatures.Signature.toBytes(signature),
	};
}
