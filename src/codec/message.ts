/**
 * Chain messages in CBOR, their CIDs and what is signed of them. Source: Lotus `chain/types/message.go`,
 * `signedmessage.go` and `cbor_gen.go`; go-state-types `big/int.go`, `crypto/signature.go`.
 */
import { assert } from '../domain/errors.ts';
import { type AttoFil, attoFil, type CidText } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Message, SignedMessage } from '../domain/message.ts';
import { addressBytes, addressFromBytes, addressText, parseAddress } from './address.ts';
import { badCbor, cborBytes, cborInteger, cborTuple, decodeCbor, encodeCbor } from './cbor.ts';
import { cidBytes, cidOfCbor } from './cid.ts';

/** Bytes of a signature by its type: 1 secp256k1 (r, s, recovery id), 2 BLS (compressed G2 point). */
export const SIGNATURE_BYTES = { 1: 65, 2: 96 } as const;

const ADDRESS_BYTES_MAX = 64;

export function encodeMessage(message: Message): Uint8Array {
	return encodeCbor(messageTuple(message));
}

/** Throws `bad-cbor`, `bad-address`. */
export function decodeMessage(bytes: Uint8Array): Message {
	return messageOfTuple(decodeCbor(bytes, limits.messageBytes, 'message'));
}

export function encodeSignedMessage(signed: SignedMessage): Uint8Array {
	const signature = new Uint8Array(signed.signature.length + 1);
	signature[0] = signed.signatureType;
	signature.set(signed.signature, 1);
	return encodeCbor([messageTuple(signed.message), signature]);
}

/** Throws `bad-cbor`, `bad-address`. */
export function decodeSignedMessage(bytes: Uint8Array): SignedMessage {
	const [message, rawSignature] = cborTuple(
		decodeCbor(bytes, limits.messageBytes, 'signed message'),
		2,
		'signed message',
	);
	const signature = cborBytes(rawSignature, 1, 1 + SIGNATURE_BYTES[2], 'signature');
	const signatureType = cborInteger(signature[0], 1, 2, 'signature type') as 1 | 2;
	if (signature.length !== 1 + SIGNATURE_BYTES[signatureType]) throw badCbor('the signature has the wrong length');
	return { message: messageOfTuple(message), signatureType, signature: signature.slice(1) };
}

/** CID of the unsigned message. */
export function messageCid(message: Message): CidText {
	return cidOfCbor(encodeMessage(message));
}

/** CID under which the chain knows a signed message: BLS messages are stored without their signature. */
export function signedMessageCid(signed: SignedMessage): CidText {
	return signed.signatureType === 2 ? messageCid(signed.message) : cidOfCbor(encodeSignedMessage(signed));
}

/** What is signed: the bytes of the unsigned message's CID (secp256k1 hashes them with blake2b-256 first). */
export function signingBytes(message: Message): Uint8Array {
	return cidBytes(messageCid(message));
}

/** A sign byte (0 positive, 1 negative) and the magnitude, big endian; zero is empty. */
export function encodeBigInt(value: bigint): Uint8Array {
	if (value === 0n) return new Uint8Array();
	const bytes = [value < 0n ? 1 : 0];
	const digits = (value < 0n ? -value : value).toString(16);
	for (let i = digits.length % 2 === 0 ? 0 : -1; i < digits.length; i += 2) {
		bytes.push(Number.parseInt(digits.slice(Math.max(i, 0), i + 2), 16));
	}
	return Uint8Array.from(bytes);
}

/** Throws `bad-cbor` unless the form is the shortest. */
export function decodeBigInt(value: unknown, what: string): bigint {
	const bytes = cborBytes(value, 0, limits.bigIntBytes, what);
	if (bytes.length === 0) return 0n;
	if ((bytes[0] !== 0 && bytes[0] !== 1) || (bytes[1] ?? 0) === 0) throw badCbor(`${what} is not a canonical integer`);
	const magnitude = bytes.subarray(1).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
	return bytes[0] === 1 ? -magnitude : magnitude;
}

function messageTuple(message: Message): readonly unknown[] {
	assert(message.version === 0, 'messages have version 0');
	return [
		message.version,
		addressBytes(parseAddress(message.to)),
		addressBytes(parseAddress(message.from)),
		message.nonce,
		encodeBigInt(message.value),
		message.gasLimit,
		encodeBigInt(message.gasFeeCap),
		encodeBigInt(message.gasPremium),
		message.method,
		message.params,
	];
}

function messageOfTuple(value: unknown): Message {
	const [version, to, from, nonce, amount, gasLimit, gasFeeCap, gasPremium, method, params] = cborTuple(
		value,
		10,
		'message',
	);
	const address = (raw: unknown, what: string): string =>
		addressText(addressFromBytes(cborBytes(raw, 1, ADDRESS_BYTES_MAX, what)));
	const tokens = (raw: unknown, what: string): AttoFil => {
		const atto = decodeBigInt(raw, what);
		if (atto < 0n) throw badCbor(`${what} is negative`);
		return attoFil(atto);
	};
	return {
		version: cborInteger(version, 0, 0, 'version') as 0,
		to: address(to, 'to'),
		from: address(from, 'from'),
		nonce: cborInteger(nonce, 0, Number.MAX_SAFE_INTEGER, 'nonce'),
		value: tokens(amount, 'value'),
		gasLimit: cborInteger(gasLimit, 0, Number.MAX_SAFE_INTEGER, 'gas limit'),
		gasFeeCap: tokens(gasFeeCap, 'gas fee cap'),
		gasPremium: tokens(gasPremium, 'gas premium'),
		method: cborInteger(method, 0, Number.MAX_SAFE_INTEGER, 'method'),
		params: cborBytes(params, 0, limits.messageBytes, 'params'),
	};
}
