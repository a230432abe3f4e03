/** Bytes of a packer back to data. Trusts nothing: what it builds is bounded by the bytes that it is given. */
import { decodeEnvelope } from '../codec/envelope.ts';
import { toHex } from '../codec/hex.ts';
import { Bitfield, type Run } from '../domain/bitfield.ts';
import { PosterError } from '../domain/errors.ts';
import { HASH_CHARS, isShared, SMALL, TAG } from './packed.ts';
import { SortedMap } from './sorted-map.ts';

/** Values lie in values at most this deep; the core's lie about ten deep. */
const DEPTH = 32;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class Unpacker {
	readonly #texts: string[] = [];
	readonly #objects: (readonly string[])[] = [];
	#bytes: Uint8Array = new Uint8Array();
	#at = 0;
	#depth = 0;

	/** All values of the next bytes that the packer gave. Throws `bad-packed`. */
	*read(bytes: Uint8Array): Generator<unknown> {
		// Plain, whatever it is given: the slices of a Node Buffer are no copies.
		this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
		this.#at = 0;
		while (this.#at < bytes.length) yield this.#value();
	}

	#value(): unknown {
		const tag = this.#byte();
		if (tag >= SMALL) return tag - SMALL;
		switch (tag) {
			case TAG.null:
				return null;
			case TAG.undefined:
				return undefined;
			case TAG.false:
				return false;
			case TAG.true:
				return true;
			case TAG.positive:
				return this.#varint();
			case TAG.negative:
				return -1 - this.#varint();
			case TAG.bigint:
				return this.#bigint();
			case TAG.text:
				return this.#shared(this.#utf8());
			case TAG.hex:
				return this.#shared(toHex(this.#slice(HASH_CHARS / 2)));
			case TAG.knownText:
				return known(this.#texts, this.#varint());
			case TAG.bytes:
				return this.#slice(this.#varint());
			case TAG.bitfield:
				return this.#bitfield(this.#count());
			default:
				return this.#compound(tag);
		}
	}

	#compound(tag: number): unknown {
		if (++this.#depth > DEPTH) throw badPacked(`values lie in values more than ${DEPTH} deep`);
		try {
			switch (tag) {
				case TAG.list:
					return Array.from({ length: this.#count() }, () => this.#value());
				case TAG.map:
					return this.#map(this.#count());
				case TAG.object:
					return this.#newObject(this.#count());
				case TAG.knownObject:
					return this.#object(known(this.#objects, this.#varint()));
				case TAG.statement: {
					const raw = this.#slice(this.#varint());
					return { envelope: decodeEnvelope(raw).envelope, raw };
				}
				default:
					throw badPacked(`no value begins with the byte ${tag}`);
			}
		} finally {
			this.#depth--;
		}
	}

	#newObject(count: number): unknown {
		const fields: string[] = [];
		for (let i = 0; i < count; i++) fields.push(this.#utf8());
		this.#objects.push(fields);
		return this.#object(fields);
	}

	#object(fields: readonly string[]): unknown {
		if (fields.length > this.#bytes.length - this.#at) throw torn();
		return Object.fromEntries(fields.map((field) => [field, this.#value()]));
	}

	#map(count: number): SortedMap<string | number, unknown> {
		const map = new SortedMap<string | number, unknown>();
		for (let i = 0; i < count; i++) {
			const key = this.#value();
			if (typeof key !== 'string' && typeof key !== 'number') throw badPacked('a key is no text and no number');
			map.set(key, this.#value());
		}
		return map;
	}

	#bitfield(count: number): Bitfield {
		const runs: Run[] = [];
		let end = 0;
		for (let i = 0; i < count; i++) {
			const start = end + this.#varint();
			end = start + this.#varint();
			if (!Number.isSafeInteger(end)) throw badPacked('a member of a set is larger than 2^53 - 1');
			runs.push({ start, end });
		}
		return Bitfield.ofRuns(runs);
	}

	#bigint(): bigint {
		const text = this.#utf8();
		if (!/^-?\d{1,400}$/.test(text)) throw badPacked('a number is not made of digits');
		return BigInt(text);
	}

	#shared(text: string): string {
		if (isShared(text, this.#texts.length)) this.#texts.push(text);
		return text;
	}

	#utf8(): string {
		const bytes = this.#slice(this.#varint());
		try {
			return decoder.decode(bytes);
		} catch (cause) {
			throw badPacked('a text is not UTF-8', cause);
		}
	}

	/** Members that follow, of which each takes a byte or more. */
	#count(): number {
		const count = this.#varint();
		if (count > this.#bytes.length - this.#at) throw torn();
		return count;
	}

	#varint(): number {
		let value = 0;
		for (let factor = 1; ; factor *= SMALL) {
			const byte = this.#byte();
			value += (byte % SMALL) * factor;
			if (!Number.isSafeInteger(value)) throw badPacked('a number is larger than 2^53 - 1');
			if (byte < SMALL) return value;
		}
	}

	#slice(length: number): Uint8Array {
		if (length > this.#bytes.length - this.#at) throw torn();
		this.#at += length;
		return this.#bytes.slice(this.#at - length, this.#at);
	}

	#byte(): number {
		const byte = this.#bytes[this.#at++];
		if (byte === undefined) throw torn();
		return byte;
	}
}

function known<T>(values: readonly T[], index: number): T {
	const value = values[index];
	if (value === undefined) throw badPacked(`number ${index} names nothing that came before`);
	return value;
}

function torn(): PosterError {
	return badPacked('it ends within a value');
}

function badPacked(why: string, cause?: unknown): PosterError {
	return new PosterError('bad-packed', `malformed recording: ${why}`, { cause });
}
