/**
 * Deterministic CBOR in the form that Filecoin uses: tuples as arrays, integers shortest, definite lengths. Decoding
 * accepts exactly what encoding produces, so that equal values have equal bytes and one hash.
 */
import { decode, encode } from '@ipld/dag-cbor';
import { PosterError } from '../domain/errors.ts';

export function encodeCbor(value: unknown): Uint8Array {
	return plainBytes(encode(value));
}

/** The value of canonical CBOR of at most `maxBytes`; throws `bad-cbor` naming `what`. */
export function decodeCbor(bytes: Uint8Array, maxBytes: number, what: string): unknown {
	if (bytes.length > maxBytes) throw badCbor(`${what} has ${bytes.length} bytes, at most ${maxBytes} are allowed`);
	let value: unknown;
	let canonical: Uint8Array;
	try {
		value = decode(plainBytes(bytes));
		canonical = encode(value);
	} catch (cause) {
		throw badCbor(`${what} is not CBOR`, cause);
	}
	if (!equalBytes(canonical, bytes)) throw badCbor(`${what} is not in canonical CBOR`);
	return value;
}

/** An array of exactly `length` members. */
export function cborTuple(value: unknown, length: number, what: string): readonly unknown[] {
	if (!Array.isArray(value) || value.length !== length) throw badCbor(`${what} is not a tuple of ${length}`);
	return value;
}

/** An array of at most `maxLength` members. */
export function cborList(value: unknown, maxLength: number, what: string): readonly unknown[] {
	if (!Array.isArray(value)) throw badCbor(`${what} is not a list`);
	if (value.length > maxLength) throw badCbor(`${what} has ${value.length} members, at most ${maxLength} are allowed`);
	return value;
}

/** An integer within [min, max]; both must be safe integers. */
export function cborInteger(value: unknown, min: number, max: number, what: string): number {
	if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
		throw badCbor(`${what} is not an integer from ${min} to ${max}`);
	}
	return value;
}

/** A byte string of `minLength` to `maxLength` bytes. */
export function cborBytes(value: unknown, minLength: number, maxLength: number, what: string): Uint8Array {
	if (!(value instanceof Uint8Array) || value.length < minLength || value.length > maxLength) {
		throw badCbor(`${what} is not a byte string of ${minLength} to ${maxLength} bytes`);
	}
	return value;
}

/** The same bytes as a plain Uint8Array: cborg hands out Node Buffers, whose `slice` does not copy. */
function plainBytes(bytes: Uint8Array): Uint8Array {
	return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function badCbor(message: string, cause?: unknown): PosterError {
	return new PosterError('bad-cbor', message, { cause });
}
