/**
 * Bytes as hex digits, in one piece. A string that is built by appending, as libraries do it, stays a tree of its parts
 * until somebody reads it: ten times the memory for each of the thousands of hashes that a node keeps.
 */
const DIGITS = '0123456789abcdef';

/** Lower case, two digits for each byte. For hashes and the like: the digits are arguments of one call. */
export function toHex(bytes: Uint8Array): string {
	const codes = new Array<number>(bytes.length * 2);
	for (let i = 0; i < bytes.length; i++) {
		const byte = bytes[i] as number;
		codes[2 * i] = DIGITS.charCodeAt(byte >> 4);
		codes[2 * i + 1] = DIGITS.charCodeAt(byte & 15);
	}
	return String.fromCharCode(...codes);
}
