/**
 * Frames of the native worker's pipes (docs/native-protocol.md 1): u32 LE total ‖ u32 LE header length ‖ JSON ‖ body.
 * The decoder copies a byte at most once and holds only bytes that arrived: a prefix alone allocates nothing.
 */
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';

export type FrameHeader = Readonly<Record<string, unknown>>;

export interface NativeFrame {
	readonly header: FrameHeader;
	/** May be a view of a larger chunk: copy what is kept for long. */
	readonly body: Uint8Array;
}

/** How requests become bytes on a worker's stdin, and the bytes on its stdout answers: frames, or another program's lines. */
export interface WireFormat {
	decoder(): { push(chunk: Buffer): Iterable<NativeFrame> };
	/** In the order in which they are written. */
	encode(header: FrameHeader, body: Uint8Array): readonly Uint8Array[];
}

const PREFIX_BYTES = 8;
const NO_BODY = new Uint8Array(0);

/** Prefix and header as one buffer; the body follows as it is, so that bulk bytes are not copied. */
export function frameHead(header: FrameHeader, bodyBytes: number): Buffer {
	const json = Buffer.from(JSON.stringify(header));
	if (json.length > limits.nativeHeaderBytes) throw frameError(`a header of ${json.length} bytes`);
	const total = 4 + json.length + bodyBytes;
	if (total > limits.nativeFrameBytes) throw frameError(`a frame of ${total} bytes`);
	const head = Buffer.allocUnsafe(PREFIX_BYTES + json.length);
	head.writeUInt32LE(total, 0);
	head.writeUInt32LE(json.length, 4);
	json.copy(head, PREFIX_BYTES);
	return head;
}

/** Cuts a byte stream into frames. Throws `native-protocol` at the first byte that cannot belong to one. */
export class FrameDecoder {
	#chunks: Buffer[] = [];
	#held = 0;
	/** Bytes of the frame that is being collected, prefix included; 0 while its prefix is incomplete. */
	#frameBytes = 0;
	#headerBytes = 0;

	/** Frames completed by the chunk, in order. */
	*push(chunk: Buffer): Generator<NativeFrame> {
		this.#chunks.push(chunk);
		this.#held += chunk.length;
		for (;;) {
			if (this.#frameBytes === 0 && !this.#readPrefix()) return;
			if (this.#held < this.#frameBytes) return;
			const frame = this.#take(this.#frameBytes);
			const body = frame.subarray(PREFIX_BYTES + this.#headerBytes);
			const header = parseHeader(frame.subarray(PREFIX_BYTES, PREFIX_BYTES + this.#headerBytes));
			this.#frameBytes = 0;
			yield { header, body: body.length === 0 ? NO_BODY : body };
		}
	}

	/** True between frames: the end of the stream is in order only then. */
	get idle(): boolean {
		return this.#held === 0;
	}

	#readPrefix(): boolean {
		if (this.#held < PREFIX_BYTES) return false;
		const prefix = this.#peek(PREFIX_BYTES);
		const total = prefix.readUInt32LE(0);
		const header = prefix.readUInt32LE(4);
		if (total > limits.nativeFrameBytes) throw frameError(`a frame of ${total} bytes`);
		if (header > limits.nativeHeaderBytes || total < 4 + header) throw frameError(`a header of ${header} bytes`);
		this.#frameBytes = 4 + total;
		this.#headerBytes = header;
		return true;
	}

	#peek(bytes: number): Buffer {
		const first = this.#chunks[0];
		if (first !== undefined && first.length >= bytes) return first;
		const joined = this.#take(bytes);
		this.#chunks.unshift(joined);
		this.#held += bytes;
		return joined;
	}

	/** Removes the first bytes: a view when they lie in one chunk, else one copy of exactly them. */
	#take(bytes: number): Buffer {
		const parts: Buffer[] = [];
		let missing = bytes;
		let taken = 0;
		while (missing > 0) {
			const chunk = this.#chunks[taken] as Buffer;
			const part = chunk.length <= missing ? chunk : chunk.subarray(0, missing);
			parts.push(part);
			missing -= part.length;
			if (part.length === chunk.length) taken++;
			else this.#chunks[taken] = chunk.subarray(part.length);
		}
		this.#chunks.splice(0, taken);
		this.#held -= bytes;
		return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, bytes);
	}
}

/** The format of docs/native-protocol.md. */
export const FRAMES: WireFormat = {
	decoder: () => new FrameDecoder(),
	encode: (header, body) => [frameHead(header, body.length), body],
};

function parseHeader(bytes: Buffer): FrameHeader {
	let value: unknown;
	try {
		value = JSON.parse(bytes.toString('utf8'));
	} catch (cause) {
		throw frameError('a header that is not JSON', cause);
	}
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw frameError('a header that is no object');
	return value as FrameHeader;
}

/** A frame or field that docs/native-protocol.md does not allow. */
export function frameError(what: string, cause?: unknown): PosterError {
	return new PosterError('native-protocol', `the native worker's pipe carried ${what}`, {
		cause,
		advice: 'The binary is not a poster-native of this version: unset POSTER_NATIVE, or rebuild it.',
	});
}

/** Field of a header that must be a string. */
export function textField(header: FrameHeader, name: string): string {
	const value = header[name];
	if (typeof value !== 'string') throw frameError(`a ${String(header['type'])} frame without text "${name}"`);
	return value;
}

/** Field of a header that must be a finite number >= 0. */
export function numberField(header: FrameHeader, name: string): number {
	const value = header[name];
	if (typeof value !== 'number' || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
		throw frameError(`a ${String(header['type'])} frame without number "${name}"`);
	}
	return value;
}

/** Field of a header that must be true or false. */
export function booleanField(header: FrameHeader, name: string): boolean {
	const value = header[name];
	if (typeof value !== 'boolean') throw frameError(`a ${String(header['type'])} frame without boolean "${name}"`);
	return value;
}
