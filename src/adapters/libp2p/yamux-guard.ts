/**
 * What yamux leaves open: its decoder waits for as many bytes as a header claims, up to 4 GiB; pings are answered and
 * streams accepted as fast as they come; and an orderly goodbye is told from a death.
 */
import type { Connection, MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface';
import { GoAwayCode, yamux } from '@libp2p/yamux';
import { assert, PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Conduct } from './conduct.ts';
import type { FrameCounts } from './yamux-frames.ts';
import { YamuxFrames } from './yamux-frames.ts';

const YAMUX = 'yamux';

/** A data frame fits the window; the header and a second frame behind it may lie in the buffer as well. */
const BUFFER_BYTES = 2 * limits.streamWindowBytes;

/** Before libp2p tells whose connection it is: the time of some microtasks, for which this is plenty. */
const FRAMES_UNOWNED = 1_000;

const NORMAL_TERMINATION = GoAwayCode.NormalTermination;

/** Private parts of @libp2p/yamux 8.0.3 that nothing public replaces; the assertion notices when they move. */
interface YamuxInside {
	readonly decoder: { readonly buffer: { readonly byteLength: number } };
	readonly remoteGoAway: number | undefined;
	readonly streams: readonly { readonly streamId: number }[];
}

export class YamuxGuard {
	readonly #metrics: Metrics;
	readonly #conduct: Conduct;
	readonly #owners = new WeakMap<StreamMuxer, NodeId>();
	/** Cut before their owner was known. */
	readonly #floodedEarly = new WeakSet<StreamMuxer>();

	constructor(metrics: Metrics, conduct: Conduct) {
		this.#metrics = metrics;
		this.#conduct = conduct;
	}

	/**
	 * yamux with one fixed window, and guarded. The window may not grow: a paused stream is aborted above 4 MiB of unread
	 * bytes, and both sides must assume the same size. Streams that come before this side has finished the handshake are
	 * as many as any others: with its default of 10, yamux cuts a member that has much to ask a busy node.
	 */
	readonly muxer = (): StreamMuxerFactory => {
		const factory = yamux({
			maxInboundStreams: limits.streamsPerConnection,
			maxEarlyStreams: limits.streamsPerConnection,
			streamOptions: {
				initialStreamWindowSize: limits.streamWindowBytes,
				maxStreamWindowSize: limits.streamWindowBytes,
			},
		})();
		return { protocol: factory.protocol, createStreamMuxer: (connection) => this.#guard(connection, factory) };
	};

	/** The peer at the other end is known: its quotas count from now on, and what it did before. */
	owned(connection: Connection, peer: NodeId): void {
		const muxer = muxerOf(connection);
		this.#owners.set(muxer, peer);
		if (this.#floodedEarly.has(muxer)) this.#conduct.flooded(peer, YAMUX, 'flood-mux-frames');
	}

	#guard(connection: MessageStream, factory: StreamMuxerFactory): StreamMuxer {
		const frames = new YamuxFrames((id) => insideOf(muxer).streams.some(({ streamId }) => streamId === id));
		const unowned = { frames: 0 };
		const cut = (event: Event, reason: string): void => {
			// The muxer listens, too, and would still do what these bytes ask for.
			event.stopImmediatePropagation();
			connection.abort(new PosterError('mesh-refused', reason));
		};
		connection.addEventListener('message', (event) => {
			const counts = frames.count(event.data);
			const owner = this.#owners.get(muxer);
			if (owner === undefined) {
				unowned.frames += counts.small;
				if (unowned.frames <= FRAMES_UNOWNED) return;
				this.#floodedEarly.add(muxer);
				cut(event, 'a flood before the first stream');
			} else if (!this.#allowed(owner, counts)) {
				cut(event, 'more than its quota');
			}
		});
		const muxer = factory.createStreamMuxer(connection);
		this.#boundBuffer(connection, muxer);
		closeInOrder(connection, muxer);
		return muxer;
	}

	#allowed(peer: NodeId, { opened, pings, small, stray }: FrameCounts): boolean {
		return (
			this.#conduct.spend(peer, YAMUX, 'streams', opened) &&
			this.#conduct.spend(peer, YAMUX, 'mux-pings', pings) &&
			this.#conduct.spend(peer, YAMUX, 'mux-frames', small) &&
			this.#conduct.spend(peer, YAMUX, 'mux-stray-bytes', stray)
		);
	}

	#boundBuffer(connection: MessageStream, muxer: StreamMuxer): void {
		const { decoder } = insideOf(muxer);
		assert(decoder.buffer.byteLength === 0, 'the yamux decoder is where it was');
		connection.addEventListener('message', () => {
			if (decoder.buffer.byteLength <= BUFFER_BYTES) return;
			this.#metrics.count('poster_mesh_garbage_total', { protocol: YAMUX, reason: 'stream-too-long' });
			connection.abort(new PosterError('stream-too-long', 'a yamux frame is longer than its window'));
		});
	}
}

/**
 * Whoever hears the goodbye closes the socket, and the other waits for that. If the side that says goodbye closed at
 * once, whatever the remote just writes would answer with a reset, which throws away the goodbye unread.
 */
function closeInOrder(connection: MessageStream, muxer: StreamMuxer): void {
	const inside = insideOf(muxer);
	const closed = Promise.withResolvers<void>();
	connection.addEventListener('close', () => closed.resolve());
	connection.addEventListener('message', () => {
		if (inside.remoteGoAway !== NORMAL_TERMINATION || connection.status !== 'open') return;
		connection.close().catch((error: unknown) => {
			connection.abort(error instanceof Error ? error : new Error('close failed', { cause: error }));
		});
	});
	const sayGoodbye = muxer.close.bind(muxer);
	muxer.close = async (options) => {
		await sayGoodbye(options);
		const { promise: waitedLongEnough, resolve } = Promise.withResolvers<void>();
		AbortSignal.timeout(limits.goodbyeMs).addEventListener('abort', () => resolve());
		await Promise.race([closed.promise, waitedLongEnough]);
	};
}

/** True when the remote announced that it closes (yamux GoAway, normal termination), which a killed process cannot. */
export function saidGoodbye(connection: Connection): boolean {
	return insideOf(muxerOf(connection)).remoteGoAway === NORMAL_TERMINATION;
}

function muxerOf(connection: Connection): StreamMuxer {
	return (connection as unknown as { readonly muxer: StreamMuxer }).muxer;
}

function insideOf(muxer: StreamMuxer): YamuxInside {
	return muxer as unknown as YamuxInside;
}
