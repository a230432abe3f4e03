/**
 * Frames on a stream: a u32 big-endian length, then the bytes. Reader and writer hold real backpressure, which the
 * helpers of libp2p do not: they take whatever arrives, `for await` buffers without bound, and `onDrain()` resolves at
 * once after its first use (@libp2p/utils 7.4.1).
 */
import type { Stream } from '@libp2p/interface';
import { Uint8ArrayList } from 'uint8arraylist';
import { assert, PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';

const HEADER_BYTES = 4;
/** Unread bytes at which the sender is stopped, and below which it is let go on: two frames ahead keep the pipe busy. */
const PAUSE_ABOVE = 2 * limits.bulkFrameBytes;
const RESUME_BELOW = limits.bulkFrameBytes;

/** What a peer that keeps to the protocol never sends. `code` is `stream-too-long` or `stream-truncated`. */
export function isGarbage(error: unknown): error is PosterError {
	return error instanceof PosterError && GARBAGE.has(error.code);
}
const GARBAGE: ReadonlySet<string> = new Set(['stream-too-long', 'stream-truncated', 'stream-bad-request']);

/** Resolves at the next of the stream's events, rejects with the signal's reason. */
async function eventOf(stream: Stream, names: readonly StreamEvent[], signal: AbortSignal): Promise<void> {
	signal.throwIfAborted();
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	const onEvent = (): void => resolve();
	const onAbort = (): void => reject(signal.reason);
	for (const name of names) stream.addEventListener(name, onEvent);
	signal.addEventListener('abort', onAbort);
	try {
		await promise;
	} finally {
		for (const name of names) stream.removeEventListener(name, onEvent);
		signal.removeEventListener('abort', onAbort);
	}
}
type StreamEvent = 'message' | 'drain' | 'close' | 'remoteCloseWrite' | 'end';

/** Takes over reading of the stream. While nobody reads, at most `PAUSE_ABOVE` and one window of bytes lie here. */
export class FrameReader {
	readonly #stream: Stream;
	readonly #unread = new Uint8ArrayList();
	#failure: Error | undefined;

	constructor(stream: Stream) {
		this.#stream = stream;
		stream.addEventListener('close', (event) => {
			this.#failure ??= event.error;
		});
		stream.addEventListener('message', (event) => {
			this.#unread.append(event.data);
			if (this.#unread.byteLength >= PAUSE_ABOVE && stream.readStatus === 'readable') stream.pause();
		});
	}

	/** The next frame; undefined when the sender closed its side after a whole frame. */
	async read(maxBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
		if (!(await this.#has(HEADER_BYTES, signal))) {
			if (this.#unread.byteLength === 0) return undefined;
			throw new PosterError('stream-truncated', 'the stream ended inside a frame header');
		}
		const length = this.#unread.getUint32(0);
		if (length > maxBytes) {
			throw new PosterError('stream-too-long', 'a frame is longer than allowed', { meta: { length, maxBytes } });
		}
		if (!(await this.#has(HEADER_BYTES + length, signal))) {
			throw new PosterError('stream-truncated', 'the stream ended inside a frame', { meta: { length } });
		}
		const frame = this.#unread.subarray(HEADER_BYTES, HEADER_BYTES + length);
		this.#unread.consume(HEADER_BYTES + length);
		if (this.#unread.byteLength < RESUME_BELOW) this.#resume();
		return frame;
	}

	/** Waits until `count` bytes lie here; false when the sender closed before. */
	async #has(count: number, signal: AbortSignal): Promise<boolean> {
		while (this.#unread.byteLength < count) {
			if (this.#resume()) continue;
			if (this.#failure !== undefined) throw this.#failure;
			if (this.#ended()) return false;
			await eventOf(this.#stream, ['message', 'close', 'remoteCloseWrite', 'end'], signal);
		}
		return true;
	}

	/** Hands on what the paused stream holds and lets the sender go on; true if it was paused. */
	#resume(): boolean {
		if (this.#stream.readStatus !== 'paused') return false;
		this.#stream.resume();
		return true;
	}

	#ended(): boolean {
		const { remoteWriteStatus, readStatus, readBufferLength } = this.#stream;
		return readBufferLength === 0 && (remoteWriteStatus !== 'writable' || readStatus === 'closed');
	}
}

/**
 * Resolves when the transport took the frame: at most one window and one frame wait in this process. The bytes must
 * not change afterwards.
 */
export async function writeFrame(stream: Stream, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
	signal.throwIfAborted();
	assert(bytes.byteLength <= 0xffffffff, 'a frame has a 32-bit length');
	const header = new Uint8Array(HEADER_BYTES);
	new DataView(header.buffer).setUint32(0, bytes.byteLength);
	if (stream.send(new Uint8ArrayList(header, bytes))) return;
	// A drain event may free less than was queued: go on only when the stream itself says that it takes more.
	while (stream.writableNeedsDrain) {
		if (stream.status !== 'open') throw new PosterError('stream-reset', 'the stream closed while writing');
		await eventOf(stream, ['drain', 'close'], signal);
	}
}
