import type { NodeId } from '../domain/ids.ts';

export interface CallOptions {
	readonly signal?: AbortSignal;
	readonly timeoutMs: number;
	/** Most bytes of the answer; more aborts the stream with `stream-too-long`. */
	readonly maxResponseBytes: number;
}

/**
 * A stream of bulk frames that is pulled: while nobody asks for the next frame the reader is paused and the sender
 * stops (real backpressure through the whole path).
 */
export interface BulkReader {
	/** Next frame or undefined at the end; rejects `stream-reset`, `stream-timeout`, `stream-too-long`. */
	read(): Promise<Uint8Array | undefined>;
	abort(reason: Error): void;
}

export interface BulkWriter {
	/** Resolves when the frame was taken by the transport: never buffers more than one window. */
	write(frame: Uint8Array): Promise<void>;
}

/** Direct exchanges with one member. Every error is a PosterError whose code starts with `stream-`. */
export interface Streams {
	/** One request frame, one answer frame. */
	call(peer: NodeId, protocol: string, request: Uint8Array, options: CallOptions): Promise<Uint8Array>;
	/** One request frame, many answer frames of at most `limits.bulkFrameBytes`. */
	pull(peer: NodeId, protocol: string, request: Uint8Array, options: CallOptions): Promise<BulkReader>;
	/** Serves `call`. A rejected handler resets the stream and is counted. */
	onCall(
		protocol: string,
		maxRequestBytes: number,
		handler: (peer: NodeId, request: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>,
	): void;
	/** Serves `pull`; the stream ends when the handler resolves. */
	onPull(
		protocol: string,
		maxRequestBytes: number,
		handler: (peer: NodeId, request: Uint8Array, writer: BulkWriter, signal: AbortSignal) => Promise<void>,
	): void;
}
