/**
 * The streams port on libp2p: one stream per exchange, opened on the existing connection (dialled when there is none).
 * This file is the asking side; `stream-server.ts` answers.
 */
import type { Libp2p, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { assert, PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { BulkReader, BulkWriter, CallCost, CallOptions, Streams } from '../../ports/streams.ts';
import { FrameReader, writeFrame } from './frames.ts';
import type { Membership } from './membership.ts';
import { Pace } from './pace.ts';
import type { StreamServer } from './stream-server.ts';

export interface StreamsComponents {
	readonly node: Libp2p;
	readonly membership: Membership;
	readonly server: StreamServer;
	readonly clock: Clock;
	readonly metrics: Metrics;
}

export class Libp2pStreams implements Streams {
	readonly #components: StreamsComponents;
	readonly #outgoing = new Map<NodeId, number>();
	readonly #streamPace: Pace;
	readonly #pullPace: Pace;
	#outgoingTotal = 0;

	constructor(components: StreamsComponents) {
		this.#components = components;
		const { clock, membership } = components;
		this.#streamPace = new Pace(clock, membership, limits.callPace);
		this.#pullPace = new Pace(clock, membership, limits.pullBytesPace);
	}

	onCall(
		protocol: string,
		maxRequestBytes: number,
		handler: (peer: NodeId, request: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>,
		cost?: CallCost,
	): void {
		this.#components.server.onCall(protocol, maxRequestBytes, handler, cost);
	}

	onPull(
		protocol: string,
		maxRequestBytes: number,
		handler: (peer: NodeId, request: Uint8Array, writer: BulkWriter, signal: AbortSignal) => Promise<void>,
	): void {
		this.#components.server.onPull(protocol, maxRequestBytes, handler);
	}

	async call(peer: NodeId, protocol: string, request: Uint8Array, options: CallOptions): Promise<Uint8Array> {
		const exchange = new Exchange(this.#components, this.#take(peer), options);
		try {
			await this.#streamPace.turn(peer, 1, exchange.signal);
			const reader = await exchange.open(peer, protocol, request);
			const answer = await reader.read(options.maxResponseBytes, exchange.signal);
			if (answer === undefined) throw new PosterError('stream-reset', 'the peer closed without an answer');
			// Waiting for the peer's end costs nothing, it travels with the answer, and frees the stream on both sides.
			if ((await reader.read(0, exchange.signal)) !== undefined) {
				throw new PosterError('stream-too-long', 'the peer sent more than one answer');
			}
			exchange.end();
			return answer;
		} catch (error) {
			throw exchange.fail(error);
		}
	}

	async pull(peer: NodeId, protocol: string, request: Uint8Array, options: CallOptions): Promise<BulkReader> {
		const exchange = new Exchange(this.#components, this.#take(peer), options);
		try {
			// Waiting for its turn is not the peer's silence.
			exchange.stopTimer();
			await this.#pullPace.turn(peer, request.byteLength, exchange.signal);
			exchange.restartTimer();
			await this.#streamPace.turn(peer, 1, exchange.signal);
			const reader = await exchange.open(peer, protocol, request);
			return new PullReader(exchange, reader, options.maxResponseBytes);
		} catch (error) {
			throw exchange.fail(error);
		}
	}

	/** Counts an exchange in; the returned function counts it out. */
	#take(peer: NodeId): () => void {
		const running = this.#outgoing.get(peer) ?? 0;
		if (running >= limits.outgoingCallsPerPeer || this.#outgoingTotal >= limits.outgoingCalls) {
			this.#components.metrics.count('poster_stream_failures_total', { side: 'client', reason: 'stream-busy' });
			throw new PosterError('stream-busy', 'too many exchanges are running', { meta: { peer, running } });
		}
		this.#outgoing.set(peer, running + 1);
		this.#outgoingTotal += 1;
		return () => {
			this.#outgoingTotal -= 1;
			const left = (this.#outgoing.get(peer) ?? 1) - 1;
			if (left === 0) this.#outgoing.delete(peer);
			else this.#outgoing.set(peer, left);
		};
	}
}

/** One outgoing stream: its deadline (started anew with every frame of a pull), its end and its typed failure. */
class Exchange {
	readonly #components: StreamsComponents;
	readonly #release: () => void;
	readonly #timeoutMs: number;
	readonly #abort = new AbortController();
	readonly #unlisten: () => void;
	#stream: Stream | undefined;
	#cancelTimer: () => void = () => undefined;
	#over = false;

	constructor(components: StreamsComponents, release: () => void, options: CallOptions) {
		this.#components = components;
		this.#release = release;
		this.#timeoutMs = options.timeoutMs;
		const outer = options.signal;
		const onOuter = (): void =>
			this.#abort.abort(new PosterError('stream-aborted', 'given up by this node', { cause: outer?.reason }));
		outer?.addEventListener('abort', onOuter);
		this.#unlisten = () => outer?.removeEventListener('abort', onOuter);
		if (outer?.aborted === true) onOuter();
		this.restartTimer();
	}

	get signal(): AbortSignal {
		return this.#abort.signal;
	}

	restartTimer(): void {
		this.#cancelTimer();
		this.#cancelTimer = this.#components.clock.after(this.#timeoutMs, () => {
			const meta = { timeoutMs: this.#timeoutMs };
			this.#abort.abort(new PosterError('stream-timeout', 'the peer did not answer in time', { meta }));
		});
	}

	stopTimer(): void {
		this.#cancelTimer();
	}

	async open(peer: NodeId, protocol: string, request: Uint8Array): Promise<FrameReader> {
		const { node, membership } = this.#components;
		this.signal.throwIfAborted();
		if (membership.refusal(peer) !== undefined) {
			throw new PosterError('stream-not-connected', 'not a member of the mesh', { meta: { peer } });
		}
		const id = peerIdFromString(peer);
		const open = node.getConnections(id).find((connection) => connection.status === 'open');
		const connection = open ?? (await this.#dial(peer));
		const stream = await connection.newStream(protocol, {
			signal: this.signal,
			maxOutboundStreams: limits.outgoingCallsPerPeer,
		});
		this.#stream = stream;
		const reader = new FrameReader(stream);
		await writeFrame(stream, request, this.signal);
		await stream.close({ signal: this.signal });
		return reader;
	}

	async #dial(peer: NodeId): ReturnType<Libp2p['dial']> {
		try {
			return await this.#components.node.dial(peerIdFromString(peer), { signal: this.signal });
		} catch (cause) {
			this.signal.throwIfAborted();
			throw new PosterError('stream-not-connected', 'the peer cannot be reached', { cause, meta: { peer } });
		}
	}

	/** The exchange went well. */
	end(): void {
		this.#finish();
	}

	/** Resets the stream; returns what to throw. */
	fail(error: unknown): PosterError {
		const failure = this.#typed(error);
		if (!this.#over) {
			this.#components.metrics.count('poster_stream_failures_total', { side: 'client', reason: failure.code });
		}
		this.#stream?.abort(failure);
		this.#finish();
		return failure;
	}

	#typed(error: unknown): PosterError {
		// An abort shows up as whatever the library makes of it; the signal knows the reason.
		const reason: unknown = this.signal.aborted ? this.signal.reason : error;
		if (reason instanceof PosterError) return reason;
		return new PosterError('stream-reset', 'the stream was reset', { cause: reason });
	}

	#finish(): void {
		if (this.#over) return;
		this.#over = true;
		this.#cancelTimer();
		this.#unlisten();
		this.#release();
	}
}

class PullReader implements BulkReader {
	readonly #exchange: Exchange;
	readonly #reader: FrameReader;
	readonly #maxBytes: number;
	#received = 0;
	#outcome: 'ended' | PosterError | undefined;
	#reading = false;

	constructor(exchange: Exchange, reader: FrameReader, maxBytes: number) {
		this.#exchange = exchange;
		this.#reader = reader;
		this.#maxBytes = maxBytes;
		exchange.stopTimer();
	}

	async read(): Promise<Uint8Array | undefined> {
		assert(!this.#reading, 'one read at a time');
		if (this.#outcome === 'ended') return undefined;
		if (this.#outcome !== undefined) throw this.#outcome;
		this.#reading = true;
		// The time counts only while somebody waits: a paused reader may pause as long as the server allows.
		this.#exchange.restartTimer();
		try {
			return await this.#next();
		} catch (error) {
			this.#outcome = this.#exchange.fail(error);
			throw this.#outcome;
		} finally {
			this.#reading = false;
			this.#exchange.stopTimer();
		}
	}

	async #next(): Promise<Uint8Array | undefined> {
		const frame = await this.#reader.read(limits.bulkFrameBytes, this.#exchange.signal);
		// An empty frame marks the end: a sender that was cut off in between frames must not look finished.
		if (frame === undefined) throw new PosterError('stream-reset', 'the stream ended before its end mark');
		if (frame.byteLength === 0) {
			this.#outcome = 'ended';
			this.#exchange.end();
			return undefined;
		}
		this.#received += frame.byteLength;
		if (this.#received > this.#maxBytes) {
			const meta = { maxBytes: this.#maxBytes };
			throw new PosterError('stream-too-long', 'the peer sent more than was asked for', { meta });
		}
		return frame;
	}

	abort(reason: Error): void {
		if (this.#outcome !== undefined) return;
		this.#outcome = this.#exchange.fail(new PosterError('stream-aborted', 'given up by this node', { cause: reason }));
	}
}
