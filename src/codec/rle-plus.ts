/**
 * RLE+, the wire form of Filecoin bitfields, version 0, and Lotus's JSON form of them (run lengths, zeros first).
 * Bits are read from the low end of each byte: version 00, value of the first run, then one block for each run:
 * `1` = length 1; `01` + 4 bits = length 2..15; `00` + uvarint = length 16 and more.
 * Source: spec "RLE+ Bitset Encoding", go-bitfield `rle/rleplus.go`.
 */
import { Bitfield, type Run } from '../domain/bitfield.ts';
import { PosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { equalBytes } from './cbor.ts';

export interface BitfieldBounds {
	readonly maxBytes: number;
	readonly maxRuns: number;
	/** Most members; whoever iterates over the field relies on it. */
	readonly maxSize: number;
}

const DEFAULT_BOUNDS: BitfieldBounds = {
	maxBytes: limits.bitfieldBytes,
	maxRuns: limits.bitfieldRuns,
	maxSize: limits.bitfieldMembers,
};

/** Canonical bytes; the empty set has none. */
export function encodeBitfield(field: Bitfield): Uint8Array {
	const lengths = runLengths(field);
	if (lengths.length === 0) return new Uint8Array();
	const writer = new BitWriter();
	const startsWithOnes = lengths[0] === 0;
	writer.write(0, 2);
	writer.write(startsWithOnes ? 1 : 0, 1);
	for (const length of startsWithOnes ? lengths.slice(1) : lengths) writeRun(writer, length);
	return writer.finish();
}

/** Throws `bad-bitfield` unless the bytes are canonical and within the bounds. Members are u53. */
export function decodeBitfield(bytes: Uint8Array, bounds: BitfieldBounds = DEFAULT_BOUNDS): Bitfield {
	if (bytes.length > bounds.maxBytes) throw badBitfield(`${bytes.length} bytes, at most ${bounds.maxBytes} allowed`);
	if (bytes.length === 0) return Bitfield.empty;
	const reader = new BitReader(bytes);
	if (reader.read(2) !== 0) throw badBitfield('its version is not 0');
	const lengths = reader.read(1) === 1 ? [0] : [];
	while (!reader.atEnd()) {
		if (lengths.length > bounds.maxRuns * 2) throw badBitfield(`more than ${bounds.maxRuns} runs`);
		lengths.push(readRun(reader));
	}
	const field = bitfieldOfRunLengths(lengths, bounds);
	if (!equalBytes(encodeBitfield(field), bytes)) throw badBitfield('it is not in canonical form');
	return field;
}

/** Run lengths, zeros first, as Lotus writes a bitfield in JSON: `[0]` empty, `[0,1]` {0}, `[5,1]` {5}. */
export function bitfieldToJson(field: Bitfield): number[] {
	const lengths = runLengths(field);
	return lengths.length === 0 ? [0] : lengths;
}

/** Throws `bad-bitfield`. `[]` is empty too. */
export function bitfieldFromJson(value: unknown, bounds: BitfieldBounds = DEFAULT_BOUNDS): Bitfield {
	if (!Array.isArray(value)) throw badBitfield('it is not a list of run lengths');
	if (value.length > bounds.maxRuns * 2) throw badBitfield(`more than ${bounds.maxRuns} runs`);
	for (const [i, length] of value.entries()) {
		if (!Number.isSafeInteger(length) || length < 0 || (length === 0 && i > 0)) {
			throw badBitfield(`run ${i} has no valid length`);
		}
	}
	return bitfieldOfRunLengths(value, bounds);
}

function runLengths({ runs }: Bitfield): number[] {
	let end = 0;
	return runs.flatMap((run) => {
		const zeros = run.start - end;
		end = run.end;
		return [zeros, run.end - run.start];
	});
}

function bitfieldOfRunLengths(lengths: readonly number[], bounds: BitfieldBounds): Bitfield {
	const runs: Run[] = [];
	let start = 0;
	let size = 0;
	for (const [i, length] of lengths.entries()) {
		const end = start + length;
		if (!Number.isSafeInteger(end)) throw badBitfield('a member is larger than 2^53 - 1');
		if (i % 2 === 1) {
			runs.push({ start, end });
			size += length;
		}
		start = end;
	}
	if (size > bounds.maxSize) throw badBitfield(`${size} members, at most ${bounds.maxSize} allowed`);
	return Bitfield.ofRuns(runs);
}

function writeRun(writer: BitWriter, length: number): void {
	if (length === 1) {
		writer.write(0b1, 1);
	} else if (length < 16) {
		writer.write(0b10, 2);
		writer.write(length, 4);
	} else {
		writer.write(0b00, 2);
		let rest = length;
		for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) writer.write((rest % 0x80) | 0x80, 8);
		writer.write(rest, 8);
	}
}

function readRun(reader: BitReader): number {
	if (reader.read(1) === 1) return 1;
	if (reader.read(1) === 1) return reader.read(4);
	let length = 0;
	for (let factor = 1; ; factor *= 0x80) {
		const byte = reader.read(8);
		length += (byte & 0x7f) * factor;
		if (!Number.isSafeInteger(length)) throw badBitfield('a run is longer than 2^53 - 1');
		if (byte < 0x80) return length;
	}
}

class BitWriter {
	readonly #bytes: number[] = [];
	#bits = 0;

	write(value: number, count: number): void {
		for (let i = 0; i < count; i++, this.#bits++) {
			if (this.#bits % 8 === 0) this.#bytes.push(0);
			const last = this.#bytes.length - 1;
			this.#bytes[last] = (this.#bytes[last] ?? 0) | (((value >>> i) & 1) << (this.#bits % 8));
		}
	}

	finish(): Uint8Array {
		return Uint8Array.from(this.#bytes);
	}
}

class BitReader {
	readonly #bytes: Uint8Array;
	#bits = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	/** True when only padding is left: every block holds a one, except a run of zero length, which is not canonical. */
	atEnd(): boolean {
		const byte = this.#bits >>> 3;
		return (
			byte >= this.#bytes.length ||
			(byte === this.#bytes.length - 1 && (this.#bytes[byte] ?? 0) >>> (this.#bits & 7) === 0)
		);
	}

	read(count: number): number {
		let value = 0;
		for (let i = 0; i < count; i++, this.#bits++) {
			const byte = this.#bytes[this.#bits >>> 3];
			if (byte === undefined) throw badBitfield('it ends within a run');
			value |= ((byte >>> (this.#bits & 7)) & 1) << i;
		}
		return value;
	}
}

function badBitfield(why: string): PosterError {
	return new PosterError('bad-bitfield', `malformed bitfield: ${why}`);
}
