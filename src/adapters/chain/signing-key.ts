/**
 * Filecoin's two kinds of signatures. secp256k1: blake2b-256 of the message, deterministic, recoverable (r, s, recovery
 * id). BLS: keys in G1, signatures in G2, the message itself, the ciphersuite without augmentation.
 * Source: Lotus `lib/sigs/secp/init.go`, `lib/sigs/bls/init.go`, filecoin-ffi `bls.go`.
 */
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { blake2b } from '@noble/hashes/blake2.js';
import { blsAddress, secpAddress } from '../../codec/address.ts';

export interface SigningKey {
	/** f1 or f3. */
	readonly address: string;
	readonly signatureType: 1 | 2;
	sign(message: Uint8Array): Uint8Array;
}

const BLS_SUITE = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_';
const KEY_BYTES = 32;

/** The key of a Lotus KeyInfo; undefined if the bytes are no key of that kind. */
export function signingKey(type: 'secp256k1' | 'bls', privateKey: Uint8Array): SigningKey | undefined {
	if (privateKey.length !== KEY_BYTES) return undefined;
	return type === 'bls' ? blsKey(privateKey) : secpKey(privateKey);
}

function secpKey(privateKey: Uint8Array): SigningKey | undefined {
	if (!secp256k1.utils.isValidSecretKey(privateKey)) return undefined;
	return {
		address: secpAddress(secp256k1.getPublicKey(privateKey, false)),
		signatureType: 1,
		sign(message) {
			const digest = blake2b(message, { dkLen: 32 });
			// noble puts the recovery id first, Filecoin last.
			const signature = secp256k1.sign(digest, privateKey, { prehash: false, format: 'recovered' });
			return Uint8Array.of(...signature.subarray(1), ...signature.subarray(0, 1));
		},
	};
}

function blsKey(privateKey: Uint8Array): SigningKey | undefined {
	const { longSignatures } = bls12_381;
	// Lotus stores the scalar little endian.
	const secret = Uint8Array.from(privateKey).reverse();
	if (!isScalar(secret)) return undefined;
	return {
		address: blsAddress(longSignatures.getPublicKey(secret).toBytes()),
		signatureType: 2,
		sign(message) {
			const point = longSignatures.hash(message, BLS_SUITE);
			return longSignatures.Signature.toBytes(longSignatures.sign(point, secret));
		},
	};
}

/** A number from 1 to the group's order - 1, big endian. */
function isScalar(bytes: Uint8Array): boolean {
	const { Fr } = bls12_381.fields;
	const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
	return value > 0n && value < Fr.ORDER;
}
