/**
 * Serves calls and bulk pulls: reads one request frame, runs the handler, writes the answer. Whatever goes wrong resets
 * this one stream and is counted; garbage is reported, and its sender hung up when it repeats.
 */
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { assert, PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { BulkWriter, CallCost } from '../../ports/streams.ts';
import type { Conduct } from './conduct.ts';
import { FrameReader, FrameWriter, isGarbage, writeFrame } from './frames.ts';
import type { Quota } from './peer-quotas.ts';
import { StreamSlots } from './stream-slots.ts';

export interface StreamServerComponents {
	readonly node: Libp2p;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
	readonly conduct: Conduct;
}

/** What a handler gets beside the request. */
interface Serving {
	readonly peer: NodeId;
	readonly connection: Connection;
	readonly stream: Stream;
	readonly abort: AbortController;
}

interface RequestBounds {
	readonly maxBytes: number;
	/** What its bytes are taken from. */
	readonly quota: Quota;
}

export class StreamServer {
	readonly #components: StreamServerComponents;
	readonly #bulk = new StreamSlots({
		slots: limits.bulkStreams,
		slotsPerPeer: limits.bulkStreamsPerPeer,
		queue: limits.bulkQueue,
		queuePerPeer: limits.bulkQueuePerPeer,
	});
	readonly #serving = new Set<Serving>();

	constructor(components: StreamServerComponents) {
		this.#components = components;
	}

	onCall(
		protocol: string,
		maxRequestBytes: number,
		handler: (peer: NodeId, request: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>,
		cost?: CallCost,
	): void {
		this.#handle(protocol, 'request-bytes', maxRequestBytes, async ({ peer, stream, abort }, request) => {
			if (cost !== undefined && !this.#components.conduct.spend(peer, protocol, cost)) {
				throw new PosterError('stream-busy', 'asked more often than allowed');
			}
			const stop = this.#abortAfter(abort, limits.callHandlerMs, 'the handler took too long');
			try {
				const answer = await orAborted(handler(peer, request, abort.signal), abort.signal);
				await writeFrame(stream, answer, abort.signal);
				await stream.close({ signal: abort.signal });
			} finally {
				stop();
			}
		});
	}

	onPull(
		protocol: string,
		maxRequestBytes: number,
		handler: (peer: NodeId, request: Uint8Array, writer: BulkWriter, signal: AbortSignal) => Promise<void>,
	): void {
		this.#handle(protocol, 'pull-bytes', maxRequestBytes, async (serving, request) => {
			const { peer, stream, abort } = serving;
			const release = await this.#bulk.acquire(peer, abort.signal);
			const frames = new FrameWriter(stream, abort.signal);
			const writer: BulkWriter = {
				write: (frame) => {
					assert(frame.byteLength > 0 && frame.byteLength <= limits.bulkFrameBytes, 'size of a bulk frame');
					return this.#unlessStalled(abort, frames.write(frame));
				},
			};
			try {
				await orAborted(handler(peer, request, writer, abort.signal), abort.signal);
				await this.#unlessStalled(abort, frames.write(END_MARK));
				await this.#unlessStalled(abort, frames.flush());
				await stream.close({ signal: abort.signal });
			} finally {
				release();
			}
		});
	}

	/** Resets every stream that is being served. */
	stop(): void {
		for (const { abort } of this.#serving) abort.abort(new PosterError('stream-reset', 'this node stops'));
	}

	/** A reader that takes nothing for `bulkStallMs` loses the stream, so that its slot comes free. */
	async #unlessStalled(abort: AbortController, writing: Promise<void>): Promise<void> {
		const stop = this.#abortAfter(abort, limits.bulkStallMs, 'the reader stalled');
		try {
			await writing;
		} finally {
			stop();
		}
	}

	#handle(
		protocol: string,
		quota: Quota,
		maxRequestBytes: number,
		answer: (serving: Serving, request: Uint8Array) => Promise<void>,
	): void {
		const { node, log } = this.#components;
		node
			.handle(
				protocol,
				(stream, connection) => this.#serve(stream, connection, { quota, maxBytes: maxRequestBytes }, answer),
				{
					maxInboundStreams: limits.streamsPerProtocol,
					maxOutboundStreams: limits.outgoingCallsPerPeer,
				},
			)
			.catch((error: unknown) => log.error({ err: error, protocol }, 'protocol cannot be registered'));
	}

	async #serve(
		stream: Stream,
		connection: Connection,
		bounds: RequestBounds,
		answer: (serving: Serving, request: Uint8Array) => Promise<void>,
	): Promise<void> {
		const abort = new AbortController();
		const serving: Serving = { peer: nodeId(connection.remotePeer.toString()), connection, stream, abort };
		stream.addEventListener('close', () => abort.abort(new PosterError('stream-reset', 'the stream closed')));
		this.#serving.add(serving);
		try {
			if (this.#serving.size > limits.incomingCalls || this.#servingOf(serving.peer) > limits.incomingCallsPerPeer) {
				throw new PosterError('stream-busy', 'too many streams are served');
			}
			await answer(serving, await this.#request(serving, bounds));
		} catch (error) {
			this.#failed(serving, error);
		} finally {
			this.#serving.delete(serving);
		}
	}

	#servingOf(peer: NodeId): number {
		let streams = 0;
		for (const serving of this.#serving) if (serving.peer === peer) streams += 1;
		return streams;
	}

	async #request({ peer, stream, abort }: Serving, { quota, maxBytes }: RequestBounds): Promise<Uint8Array> {
		const stop = this.#abortAfter(abort, limits.requestReadMs, 'the request did not come');
		try {
			const request = await new FrameReader(stream).read(maxBytes, abort.signal);
			if (request === undefined) throw new PosterError('stream-truncated', 'the stream ended without a request');
			if (!this.#components.conduct.spend(peer, stream.protocol, quota, request.byteLength)) {
				throw new PosterError('stream-busy', 'larger requests than allowed');
			}
			return request;
		} finally {
			stop();
		}
	}

	#failed({ peer, connection, stream, abort }: Serving, error: unknown): void {
		const { metrics, log, conduct } = this.#components;
		const cause: unknown = abort.signal.aborted ? abort.signal.reason : error;
		const reason = cause instanceof PosterError ? cause.code : 'handler-failed';
		metrics.count('poster_stream_failures_total', { side: 'server', reason });
		log.debug({ peer, protocol: stream.protocol, reason, err: cause }, 'stream reset');
		// A connection that was cut truncates its streams: that is nobody's garbage.
		if (isGarbage(cause) && connection.status === 'open') conduct.garbage(peer, stream.protocol, cause.code);
		stream.abort(cause instanceof Error ? cause : new Error('stream failed', { cause }));
	}

	#abortAfter(abort: AbortController, ms: number, why: string): () => void {
		return this.#components.clock.after(ms, () => abort.abort(new PosterError('stream-timeout', why)));
	}
}

const END_MARK = new Uint8Array(0);

/** A handler that ignores its signal must not keep the stream and its slot for ever. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	const { promise: aborted, reject } = Promise.withResolvers<never>();
	const onAbort = (): void => reject(signal.reason);
	signal.addEventListener('abort', onAbort);
	// The caller may have gone before its handler was called; the race hears what the handler rejects all the same.
	if (signal.aborted) onAbort();
	try {
		return await Promise.race([work, aborted]);
	} finally {
		signal.removeEventListener('abort', onAbort);
	}
}
