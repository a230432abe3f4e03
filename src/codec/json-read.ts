/** Checked reading of parsed JSON: what is not of the expected shape throws `bad-json` with the path to it. */
import { base64pad } from 'multiformats/bases/base64';
import { PosterError } from '../domain/errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function readObject(value: unknown, path: string): JsonObject {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badJson(path, 'an object', value);
	return value as JsonObject;
}

/** A list; Go writes a nil slice as `null`. */
export function readList(value: unknown, path: string): readonly unknown[] {
	if (value === null) return [];
	if (!Array.isArray(value)) throw badJson(path, 'a list', value);
	return value;
}

export function readString(value: unknown, path: string): string {
	if (typeof value !== 'string') throw badJson(path, 'a string', value);
	return value;
}

export function readBoolean(value: unknown, path: string): boolean {
	if (typeof value !== 'boolean') throw badJson(path, 'true or false', value);
	return value;
}

/** A safe integer of at least `min`. */
export function readInteger(value: unknown, path: string, min = 0): number {
	if (!Number.isSafeInteger(value) || (value as number) < min) throw badJson(path, `an integer from ${min}`, value);
	return value as number;
}

/** A decimal string, as Lotus writes token amounts. */
export function readBigInt(value: unknown, path: string): bigint {
	if (typeof value !== 'string' || !/^-?\d{1,80}$/.test(value)) throw badJson(path, 'a decimal string', value);
	return BigInt(value);
}

/** Bytes in padded base64; `null` is none. */
export function readBytes(value: unknown, path: string): Uint8Array {
	if (value === null) return new Uint8Array();
	try {
		return base64pad.baseDecode(readString(value, path));
	} catch (cause) {
		throw badJson(path, 'base64', value, cause);
	}
}

export function writeBytes(bytes: Uint8Array): string {
	return base64pad.baseEncode(bytes);
}

export function badJson(path: string, expected: string, value: unknown, cause?: unknown): PosterError {
	const found = JSON.stringify(value) ?? String(value);
	return new PosterError('bad-json', `${path} should be ${expected}, not ${found.slice(0, 80)}`, { cause });
}
