import type { NodeId } from '../domain/ids.ts';

export interface CallOptions {
	readonly signal?: AbortSignal;
	/** Of `call`: until the answer is complete. Of `pull`: until the stream is open, and for each frame while one is awaited. */
	readonly timeoutMs: number;
	/** Most bytes of the answer; more aborts the stream with `stream-too-long`. */
	readonly maxResponseBytes: number;
}

/**
 * A stream of bulk frames that is pulled: while nobody asks for the next frame the reader is paused and the sender
 * stops (real backpressure through the whole path).
 */
export interface BulkReader {
	/** Next frame or undefined at the end; rejects with a stream error, and with the same one ever after. One at a time. */
	read(): Promise<Uint8Array | undefined>;
	abort(reason: Error): void;
}

export interface BulkWriter {
	/**
	 * Resolves when the frame (1 to `limits.bulkFrameBytes` bytes, not changed afterwards) was taken by the transport:
	 * never buffers more than one window. One at a time. Rejects when the reader took nothing for `limits.bulkStallMs`.
	 */
	write(frame: Uint8Array): Promise<void>;
}

export type CallCost = 'costly';

/**
 * Direct exchanges with one member, which is dialled when it is not connected. Every error is a PosterError:
 * `stream-not-connected`, `stream-reset` (also: the peer does not know the protocol, or its handler failed),
 * `stream-truncated`, `stream-too-long`, `stream-timeout`, `stream-aborted` (this side gave up), `stream-busy`.
 */
export interface Streams {
	/** One request frame, one answer frame. */
	call(peer: NodeId, protocol: string, request: Uint8Array, options: CallOptions): Promise<Uint8Array>;
	/** One request frame, many answer frames of at most `limits.bulkFrameBytes`. */
	pull(peer: NodeId, protocol: string, request: Uint8Array, options: CallOptions): Promise<BulkReader>;
	/**
	 * Serves `call`. A rejected handler resets the stream and is counted; rejected with `stream-bad-request` it counts as
	 * garbage of the peer, which is hung up when it goes on. The handler's time is `limits.callHandlerMs`. A member that
	 * asks more often than its quota allows is banned; that of `costly` is for answers that take milliseconds.
	 */
	onCall(
		protocol: string,
		maxRequestBytes: number,
		handler: (peer: NodeId, request: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>,
		cost?: CallCost,
	): void;
	/** Serves `pull`; the stream ends when the handler resolves. At most `limits.bulkStreams` handlers run at a time. */
	onPull(
		protocol: string,
		maxRequestBytes: number,
		handler: (peer: NodeId, request: Uint8Array, writer: BulkWriter, signal: AbortSignal) => Promise<void>,
	): void;
}
