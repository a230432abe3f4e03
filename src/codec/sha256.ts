/**
 * SHA-256 of bytes and of text. A node hashes thousands of short texts a minute, and to make a hasher for one of them
 * takes longer than to hash it: one is used again and again, and so is the buffer that text is encoded into.
 */
import { sha256 as hash } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

const untouched = hash.create();
const hasher = hash.create();
const encoder = new TextEncoder();
const scratch = new Uint8Array(4_096);
/** Bytes that UTF-8 takes at most for one unit of a string. */
const UNIT_BYTES = 3;

export function sha256(bytes: Uint8Array): Uint8Array {
	return untouched._cloneInto(hasher).update(bytes).digest();
}

/** Of its UTF-8 form. */
export function sha256Text(text: string): Uint8Array {
	if (text.length * UNIT_BYTES > scratch.length) return sha256(utf8ToBytes(text));
	return sha256(scratch.subarray(0, encoder.encodeInto(text, scratch).written));
}
