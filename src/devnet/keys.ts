/**
 * Keys that the embedded full node holds, as a Lotus wallet does. They follow from the seed or are given; they are worth
 * nothing outside of this chain.
 */
import { blake2b } from '@noble/hashes/blake2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { type SigningKey, signingKey } from '../adapters/chain/signing-key.ts';
import { signingBytes } from '../codec/message.ts';
import { PosterError } from '../domain/errors.ts';
import type { Message, SignedMessage } from '../domain/message.ts';

export type KeyType = 'secp256k1' | 'bls';

export interface Key extends SigningKey {
	readonly type: KeyType;
	/** 32 bytes as in a Lotus KeyInfo: BLS little endian. */
	readonly privateKey: Uint8Array;
}

/** Throws `devnet-genesis` when the bytes are no key. */
export function keyOf(type: KeyType, privateKey: Uint8Array): Key {
	const key = signingKey(type, privateKey);
	if (key === undefined) {
		throw new PosterError('devnet-genesis', `the bytes are no ${type} private key`, {
			advice: 'Leave the key out of the genesis: one is made from the seed.',
		});
	}
	return { ...key, type, privateKey };
}

export function keyFromSeed(seed: string, name: string, type: KeyType): Key {
	const bytes = blake2b(utf8ToBytes(`${seed}\0key\0${name}`), { dkLen: 32 });
	// Below both group orders, whichever end is the high one, and never zero.
	for (const end of [0, 31]) bytes[end] = ((bytes[end] ?? 0) & 0x3f) | 0x01;
	return keyOf(type, bytes);
}

export function signMessage(key: Key, message: Message): SignedMessage {
	return { message, signatureType: key.signatureType, signature: key.sign(signingBytes(message)) };
}

/** What `lotus wallet export` writes: the KeyInfo's JSON in hex. A node's wallet file holds it. */
export function exportedKey({ type, privateKey }: Key): string {
	const info = { Type: type, PrivateKey: Buffer.from(privateKey).toString('base64') };
	return Buffer.from(JSON.stringify(info)).toString('hex');
}
