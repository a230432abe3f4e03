/** Plain data of the core as bytes. Equal data have equal bytes, whatever the order in which fields were set. */
import { Bitfield } from '../domain/bitfield.ts';
import { assert } from '../domain/errors.ts';
import { HASH_CHARS, isShared, SMALL, TAG } from './packed.ts';
import { SortedMap } from './sorted-map.ts';

const FIRST_BYTES = 4096;
const STATEMENT_FIELDS = JSON.stringify(['envelope', 'raw']);
const encoder = new TextEncoder();

/** Objects whose fields were set in this order: a branch of the tree of all orders. */
interface Shape {
	readonly next: Map<string, Shape>;
	readonly path: readonly string[];
	/** Fields in ascending order, and what names their list. */
	readonly fields: readonly string[];
	readonly name: string;
}

export class Packer {
	#bytes = new Uint8Array(FIRST_BYTES);
	#length = 0;
	readonly #texts = new Map<string, number>();
	readonly #objects = new Map<string, number>();
	readonly #shapes: Shape = shapeOf([]);

	/** Bytes that wait to be taken. */
	get length(): number {
		return this.#length;
	}

	/** The bytes since the last call. What was named by number stays so. */
	take(): Uint8Array {
		const taken = this.#bytes.slice(0, this.#length);
		this.#length = 0;
		return taken;
	}

	/** Begins anew: what follows is read without what came before. */
	reset(): void {
		this.#length = 0;
		this.#texts.clear();
		this.#objects.clear();
	}

	put(value: unknown): void {
		switch (typeof value) {
			case 'string':
				this.#text(value);
				break;
			case 'number':
				this.#number(value);
				break;
			case 'boolean':
				this.#byte(value ? TAG.true : TAG.false);
				break;
			case 'undefined':
				this.#byte(TAG.undefined);
				break;
			case 'bigint':
				this.#byte(TAG.bigint);
				this.#utf8(String(value));
				break;
			default:
				assert(typeof value === 'object', 'the core holds plain data');
				if (value === null) this.#byte(TAG.null);
				else this.#compound(value);
		}
	}

	#compound(value: object): void {
		if (Object.getPrototypeOf(value) === Object.prototype) {
			this.#object(value as Readonly<Record<string, unknown>>);
		} else if (Array.isArray(value)) {
			this.#count(TAG.list, value.length);
			for (const member of value) this.put(member);
		} else if (value instanceof Uint8Array) {
			this.#raw(TAG.bytes, value);
		} else if (value instanceof SortedMap) {
			this.#count(TAG.map, value.size);
			for (const key of value.keys()) {
				this.put(key);
				this.put(value.get(key));
			}
		} else {
			assert(value instanceof Bitfield, 'the core holds plain data');
			this.#bitfield(value);
		}
	}

	#object(value: Readonly<Record<string, unknown>>): void {
		let shape = this.#shapes;
		for (const field in value) shape = shape.next.get(field) ?? grown(shape, field);
		if (shape.name === STATEMENT_FIELDS && value['raw'] instanceof Uint8Array) {
			this.#raw(TAG.statement, value['raw']);
			return;
		}
		const known = this.#objects.get(shape.name);
		if (known === undefined) {
			this.#objects.set(shape.name, this.#objects.size);
			this.#count(TAG.object, shape.fields.length);
			for (const field of shape.fields) this.#utf8(field);
		} else {
			this.#count(TAG.knownObject, known);
		}
		for (const field of shape.fields) this.put(value[field]);
	}

	#text(value: string): void {
		const known = this.#texts.get(value);
		if (known !== undefined) {
			this.#count(TAG.knownText, known);
			return;
		}
		if (isShared(value, this.#texts.size)) this.#texts.set(value, this.#texts.size);
		if (value.length === HASH_CHARS && this.#hash(value)) return;
		this.#byte(TAG.text);
		this.#utf8(value);
	}

	/** False, and nothing is written, when it is not lower-case hexadecimal. */
	#hash(text: string): boolean {
		this.#reserve(1 + HASH_CHARS / 2);
		let end = this.#length;
		this.#bytes[end++] = TAG.hex;
		for (let i = 0; i < HASH_CHARS; i += 2) {
			const byte = (hexDigit(text.charCodeAt(i)) << 4) | hexDigit(text.charCodeAt(i + 1));
			if (byte < 0) return false;
			this.#bytes[end++] = byte;
		}
		this.#length = end;
		return true;
	}

	#number(value: number): void {
		assert(Number.isSafeInteger(value), 'the core holds no floats');
		if (value >= 0 && value < SMALL) this.#byte(SMALL | value);
		else if (value >= 0) this.#count(TAG.positive, value);
		else this.#count(TAG.negative, -1 - value);
	}

	/** Lengths of gaps and runs in turn. */
	#bitfield({ runs }: Bitfield): void {
		this.#count(TAG.bitfield, runs.length);
		let end = 0;
		for (const run of runs) {
			this.#varint(run.start - end);
			this.#varint(run.end - run.start);
			end = run.end;
		}
	}

	#raw(tag: number, bytes: Uint8Array): void {
		this.#count(tag, bytes.length);
		this.#append(bytes);
	}

	#utf8(text: string): void {
		const bytes = encoder.encode(text);
		this.#varint(bytes.length);
		this.#append(bytes);
	}

	#count(tag: number, count: number): void {
		this.#byte(tag);
		this.#varint(count);
	}

	#varint(value: number): void {
		let rest = value;
		for (; rest >= SMALL; rest = Math.floor(rest / SMALL)) this.#byte((rest % SMALL) | SMALL);
		this.#byte(rest);
	}

	#byte(value: number): void {
		this.#reserve(1);
		this.#bytes[this.#length++] = value;
	}

	#append(bytes: Uint8Array): void {
		this.#reserve(bytes.length);
		this.#bytes.set(bytes, this.#length);
		this.#length += bytes.length;
	}

	#reserve(count: number): void {
		if (this.#length + count <= this.#bytes.length) return;
		const larger = new Uint8Array(Math.max(this.#length + count, this.#bytes.length * 2));
		larger.set(this.#bytes.subarray(0, this.#length));
		this.#bytes = larger;
	}
}

/** Negative for everything but a lower-case hexadecimal digit. */
function hexDigit(code: number): number {
	if (code >= 0x30 && code <= 0x39) return code - 0x30;
	return code >= 0x61 && code <= 0x66 ? code - 0x61 + 10 : -1;
}

function shapeOf(path: readonly string[]): Shape {
	const fields = [...path].sort();
	return { next: new Map(), path, fields, name: JSON.stringify(fields) };
}

function grown(shape: Shape, field: string): Shape {
	const next = shapeOf([...shape.path, field]);
	shape.next.set(field, next);
	return next;
}
