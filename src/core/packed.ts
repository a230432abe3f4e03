/**
 * The form in which recordings hold the core's data: by structure, not by name, so that a new field needs no code and a
 * new kind of value does. A text of moderate length and a list of field names are written once and named by number from
 * then on, over all values of one packer: whoever reads begins where the packer began.
 */
import { limits } from '../domain/limits.ts';

/** First byte of each value; from `SMALL` on it is a whole number below 128 itself. */
export const TAG = {
	null: 0,
	undefined: 1,
	false: 2,
	true: 3,
	positive: 4,
	negative: 5,
	bigint: 6,
	text: 7,
	hex: 8,
	knownText: 9,
	bytes: 10,
	bitfield: 11,
	map: 12,
	list: 13,
	object: 14,
	knownObject: 15,
	/** An object of `envelope` and `raw` is its raw bytes: the envelope follows from them. */
	statement: 16,
} as const;
export const SMALL = 0x80;

/** Hashes and identities of the core: 32 bytes in lower-case hexadecimal. */
export const HASH_CHARS = 64;

/** True if the text gets a number when so many have one. */
export function isShared(text: string, known: number): boolean {
	return text.length <= limits.packedTextChars && known < limits.packedTexts;
}
