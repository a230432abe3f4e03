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
/** One full frame, or the small ones that fit in its place. */
const PIECE_BYTES = HEADER_BYTES + limits.bulkFrameBytes;
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
	#resuming = false;
	/** Bytes that the pending read waits for: a frame may be longer than `PAUSE_ABOVE`. */
	#wanted = 0;

	constructor(stream: Stream) {
		this.#stream = stream;
		stream.addEventListener('close', (event) => {
			this.#failure ??= event.error;
		});
		stream.addEventListener('message', (event) => {
			this.#unread.append(event.data);
			if (!this.#resuming) this.#pauseIfFull();
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
		this.#wanted = count;
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
		// `resume` hands on the buffer first and then lets the sender go on: a pause in between would be forgotten, and the
		// stream be torn down at 4 MiB of unread bytes (@libp2p/utils 7.4.1).
		this.#resuming = true;
		this.#stream.resume();
		this.#resuming = false;
		this.#pauseIfFull();
		return true;
	}

	#pauseIfFull(): void {
		const full = this.#unread.byteLength >= Math.max(PAUSE_ABOVE, this.#wanted);
		if (full && this.#stream.readStatus === 'readable') this.#stream.pause();
	}

	#ended(): boolean {
		const { remoteWriteStatus, readStatus, readBufferLength } = this.#stream;
		return readBufferLength === 0 && (remoteWriteStatus !== 'writable' || readStatus === 'closed');
	}
}

/** Sends one frame and resolves when the transport took it. The bytes must not change afterwards. */
export async function writeFrame(stream: Stream, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
	await writeAll(stream, new Uint8ArrayList(headerOf(bytes), bytes), signal);
}

/**
 * Many frames in a row, sent in pieces of up to `PIECE_BYTES`: each piece costs a cipher, two socket writes and a
 * window update, whatever its size. At most one piece, one window and the socket's buffer wait in this process.
 */
export class FrameWriter {
	readonly #stream: Stream;
	readonly #signal: AbortSignal;
	#pending = new Uint8ArrayList();
	#flushing: NodeJS.Immediate | undefined;
	#writing = false;

	constructor(stream: Stream, signal: AbortSignal) {
		this.#stream = stream;
		this.#signal = signal;
	}

	/** One at a time. Rejects when an earlier frame could not be sent, too. */
	async write(bytes: Uint8Array): Promise<void> {
		assert(!this.#writing, 'the write before has resolved');
		this.#writing = true;
		try {
			await this.#write(bytes);
		} finally {
			this.#writing = false;
		}
	}

	async #write(bytes: Uint8Array): Promise<void> {
		this.#signal.throwIfAborted();
		if (this.#pending.byteLength + HEADER_BYTES + bytes.byteLength > PIECE_BYTES) await this.flush();
		this.#pending.append(headerOf(bytes), bytes);
		if (this.#pending.byteLength === PIECE_BYTES) await this.flush();
		// A sender that has no more frames right now must not hold back those it has.
		else this.#flushing ??= setImmediate(() => this.#flushLate());
	}

	async flush(): Promise<void> {
		clearImmediate(this.#flushing);
		this.#flushing = undefined;
		if (this.#pending.byteLength === 0) return;
		const piece = this.#pending;
		this.#pending = new Uint8ArrayList();
		await writeAll(this.#stream, piece, this.#signal);
	}

	#flushLate(): void {
		this.flush().catch((error: unknown) => {
			this.#stream.abort(error instanceof Error ? error : new Error('write failed', { cause: error }));
		});
	}
}

function headerOf(bytes: Uint8Array): Uint8Array {
	assert(bytes.byteLength <= 0xffffffff, 'a frame has a 32-bit length');
	const header = new Uint8Array(HEADER_BYTES);
	new DataView(header.buffer).setUint32(0, bytes.byteLength);
	return header;
}

async function writeAll(stream: Stream, bytes: Uint8ArrayList, signal: AbortSignal): Promise<void> {
	signal.throwIfAborted();
	stream.send(bytes);
	// A drain event may free less than was queued: go on only when the stream itself says that it takes more.
	while (stream.writableNeedsDrain) {
		if (stream.status !== 'open') throw new PosterError('stream-reset', 'the stream closed while writing');
		await eventOf(stream, ['drain', 'close'], signal);
	}
}
