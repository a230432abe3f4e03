/**
 * Filecoin addresses: text, bytes and the actor id of f0. Source: spec appendix "Address", go-address `address.go`.
 * Text is normalised to the mainnet prefix `f`, as Lotus prints it by default; `t` is accepted.
 */
import { blake2b } from '@noble/hashes/blake2.js';
import { base32 } from 'multiformats/bases/base32';
import { PosterError } from '../domain/errors.ts';
import { type ActorId, actorId } from '../domain/ids.ts';
import { equalBytes } from './cbor.ts';

/** 0 actor id, 1 secp256k1, 2 actor, 3 BLS, 4 delegated. */
export type AddressProtocol = 0 | 1 | 2 | 3 | 4;

export interface Address {
	readonly protocol: AddressProtocol;
	/** f0: LEB128 of the id; f1, f2: 20-byte hash; f3: 48-byte public key; f4: LEB128 of the namespace, then the subaddress. */
	readonly payload: Uint8Array;
}

const CHECKSUM_BYTES = 4;
const HASH_BYTES = 20;
const BLS_PUBLIC_KEY_BYTES = 48;
/** Largest subaddress of f4 (go-address `MaxSubaddressLen`). */
const SUBADDRESS_BYTES = 54;
/** Longest text: f4, a 16-digit namespace, f, 58 bytes in base32. */
const TEXT_LENGTH_MAX = 120;

/** Throws `bad-address`. */
export function parseAddress(text: string): Address {
	const prefix = text[0];
	const protocol = '01234'.indexOf(text[1] ?? '-');
	if (text.length > TEXT_LENGTH_MAX || (prefix !== 'f' && prefix !== 't') || protocol < 0) throw badAddress(text);
	const rest = text.slice(2);
	if (protocol === 0) return { protocol, payload: encodeLeb128(parseDecimal(rest, text)) };
	const split = protocol === 4 ? rest.indexOf('f') : -1;
	if (protocol === 4 && split < 1) throw badAddress(text);
	const namespace = protocol === 4 ? encodeLeb128(parseDecimal(rest.slice(0, split), text)) : new Uint8Array();
	const decoded = decodeBase32(rest.slice(split + 1), text);
	const payload = concat(namespace, decoded.subarray(0, -CHECKSUM_BYTES));
	const address = checkedAddress(protocol, payload, text);
	if (decoded.length < CHECKSUM_BYTES || !equalBytes(checksum(address), decoded.subarray(-CHECKSUM_BYTES))) {
		throw badAddress(text, 'its checksum does not match');
	}
	return address;
}

export function addressText({ protocol, payload }: Address): string {
	if (protocol === 0) return `f0${decodeLeb128(payload, 'f0').value}`;
	const namespace = protocol === 4 ? decodeLeb128(payload, 'f4') : { value: '', length: 0 };
	const tail = concat(payload.subarray(namespace.length), checksum({ protocol, payload }));
	return `f${protocol}${protocol === 4 ? `${namespace.value}f` : ''}${base32.baseEncode(tail)}`;
}

/** Bytes as they stand in CBOR: the protocol, then the payload. */
export function addressBytes({ protocol, payload }: Address): Uint8Array {
	return concat(Uint8Array.of(protocol), payload);
}

/** Throws `bad-address`. */
export function addressFromBytes(bytes: Uint8Array): Address {
	const protocol = bytes[0] ?? -1;
	if (protocol < 0 || protocol > 4) throw badAddress('(bytes)');
	return checkedAddress(protocol, bytes.slice(1), '(bytes)');
}

/** The same address with the prefix `f`; throws `bad-address`. */
export function normalizeAddress(text: string): string {
	return addressText(parseAddress(text));
}

export function minerAddress(id: ActorId): string {
	return `f0${id}`;
}

/** Actor id of an f0 address; throws `bad-address` for any other. */
export function actorIdOfAddress(text: string): ActorId {
	const { protocol, payload } = parseAddress(text);
	if (protocol !== 0) throw badAddress(text, 'an id address (f0…) is expected');
	return actorId(decodeLeb128(payload, text).value);
}

/** f1 address of an uncompressed secp256k1 public key (65 bytes). */
export function secpAddress(publicKey: Uint8Array): string {
	return addressText({ protocol: 1, payload: blake2b(publicKey, { dkLen: HASH_BYTES }) });
}

/** f3 address of a compressed BLS12-381 G1 public key (48 bytes). */
export function blsAddress(publicKey: Uint8Array): string {
	return addressText(checkedAddress(3, publicKey, '(BLS key)'));
}

function checkedAddress(protocol: number, payload: Uint8Array, text: string): Address {
	const good = (): boolean => {
		switch (protocol) {
			case 0:
				return decodeLeb128(payload, text).length === payload.length;
			case 1:
			case 2:
				return payload.length === HASH_BYTES;
			case 3:
				return payload.length === BLS_PUBLIC_KEY_BYTES;
			default:
				return payload.length - decodeLeb128(payload, text).length <= SUBADDRESS_BYTES;
		}
	};
	if (!good()) throw badAddress(text, 'its payload has the wrong length');
	return { protocol: protocol as AddressProtocol, payload };
}

function checksum({ protocol, payload }: Address): Uint8Array {
	return blake2b(concat(Uint8Array.of(protocol), payload), { dkLen: CHECKSUM_BYTES });
}

function parseDecimal(digits: string, text: string): number {
	const value = /^(0|[1-9]\d{0,15})$/.test(digits) ? Number(digits) : -1;
	if (value < 0 || !Number.isSafeInteger(value)) throw badAddress(text, 'its number is not a u53 in decimal');
	return value;
}

function encodeLeb128(value: number): Uint8Array {
	const bytes: number[] = [];
	let rest = value;
	for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
	return Uint8Array.from([...bytes, rest]);
}

/** The number at the start of `bytes` in its shortest form, and how many bytes it takes. */
function decodeLeb128(bytes: Uint8Array, text: string): { readonly value: number; readonly length: number } {
	let value = 0;
	let factor = 1;
	for (const [i, byte] of bytes.entries()) {
		value += (byte & 0x7f) * factor;
		factor *= 0x80;
		if (!Number.isSafeInteger(value)) break;
		if (byte >= 0x80) continue;
		if (byte === 0 && i > 0) break;
		return { value, length: i + 1 };
	}
	throw badAddress(text, 'its number is not a u53 in LEB128');
}

function decodeBase32(characters: string, text: string): Uint8Array {
	try {
		return base32.baseDecode(characters);
	} catch (cause) {
		throw badAddress(text, 'it is not base32', cause);
	}
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
	const joined = new Uint8Array(a.length + b.length);
	joined.set(a);
	joined.set(b, a.length);
	return joined;
}

function badAddress(text: string, why = 'it is malformed', cause?: unknown): PosterError {
	return new PosterError('bad-address', `${JSON.stringify(text)} is not a Filecoin address: ${why}`, { cause });
}
