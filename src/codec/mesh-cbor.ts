/** Readers of the scalars that the mesh's bodies are made of; each throws `bad-cbor` naming `what`. */
import { hexToBytes } from '@noble/hashes/utils.js';
import type { Bitfield } from '../domain/bitfield.ts';
import { type Epoch, epoch, type Hex32, hex32, type NodeId, nodeId, type WorkId, workIdOf } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { badCbor, cborBytes, cborInteger, cborList } from './cbor.ts';
import { toHex } from './hex.ts';
import { type BitfieldBounds, decodeBitfield } from './rle-plus.ts';

export const U32_MAX = 0xffff_ffff;
export const U53_MAX = Number.MAX_SAFE_INTEGER;
/** First bytes of a hash where an accidental meeting costs one needless transfer and nothing else. */
export const SHORT_HASH_BYTES = 8;

const HASH_BYTES = 32;
const BASE58 = /^[1-9A-HJ-NP-Za-km-z]+$/;

export function cborText(value: unknown, maxLength: number, what: string): string {
	if (typeof value !== 'string' || value.length > maxLength) {
		throw badCbor(`${what} is not a text of at most ${maxLength} characters`);
	}
	return value;
}

export function cborBoolean(value: unknown, what: string): boolean {
	if (typeof value !== 'boolean') throw badCbor(`${what} is not a boolean`);
	return value;
}

export function cborHex(value: unknown, length: number, what: string): string {
	return toHex(cborBytes(value, length, length, what));
}

export const cborHash = (value: unknown, what: string): Hex32 => hex32(cborHex(value, HASH_BYTES, what));
export const cborWorkId = (value: unknown, what: string): WorkId => workIdOf(cborHex(value, HASH_BYTES, what));
export const cborShortHash = (value: unknown, what: string): string => cborHex(value, SHORT_HASH_BYTES, what);
export const cborEpoch = (value: unknown, what: string): Epoch => epoch(cborInteger(value, -U53_MAX, U53_MAX, what));

export function cborNodeId(value: unknown, what: string): NodeId {
	const text = cborText(value, limits.peerIdChars, what);
	if (!BASE58.test(text)) throw badCbor(`${what} is not a peer id`);
	return nodeId(text);
}

export function cborBitfield(value: unknown, bounds: BitfieldBounds, what: string): Bitfield {
	return decodeBitfield(cborBytes(value, 0, bounds.maxBytes, what), bounds);
}

/** A list whose members' keys strictly ascend, so that a set has one encoding. */
export function cborAscending<T>(
	value: unknown,
	maxLength: number,
	what: string,
	read: (member: unknown) => T,
	keyOf: (member: T) => string | number,
): readonly T[] {
	const members = cborList(value, maxLength, what).map(read);
	for (let i = 1; i < members.length; i++) {
		if (!(keyOf(members[i - 1] as T) < keyOf(members[i] as T))) throw badCbor(`${what} are not in ascending order`);
	}
	return members;
}

/** Index into a closed list of names. */
export function cborName<T extends string>(value: unknown, names: readonly T[], what: string): T {
	return names[cborInteger(value, 0, names.length - 1, what)] as T;
}

export const hexBytes = (hex: string): Uint8Array => hexToBytes(hex);
