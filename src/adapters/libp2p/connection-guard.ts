/**
 * What libp2p leaves open around a connection: refused and failed handshakes are counted, two processes with one identity
 * are noticed, a yamux frame cannot claim 4 GiB, and an orderly goodbye is told from a death.
 */
import type { Connection, MessageStream, StreamMuxer, StreamMuxerFactory, Upgrader } from '@libp2p/interface';
import { GoAwayCode, yamux } from '@libp2p/yamux';
import { assert, PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { CloneWatch } from './clone-watch.ts';

/** A data frame fits the window; the header and a second frame behind it may lie in the buffer as well. */
const YAMUX_BUFFER_BYTES = 2 * limits.streamWindowBytes;

/** Code of a yamux GoAway frame. */
const NORMAL_TERMINATION = GoAwayCode.NormalTermination;

/** Private parts of @libp2p/yamux 8.0.3 that nothing public replaces; the assertion notices when they move. */
interface YamuxInside {
	readonly decoder: { readonly buffer: { readonly byteLength: number } };
	readonly remoteGoAway: number | undefined;
}

/**
 * yamux with one fixed window. The window may not grow: a paused stream is aborted above 4 MiB of unread bytes, and
 * both sides must assume the same size. Its decoder waits for as many bytes as a frame header claims, up to 4 GiB, so
 * the connection is cut when more than two windows wait.
 */
export function boundedYamux(metrics: Metrics): () => StreamMuxerFactory {
	const factory = yamux({
		streamOptions: {
			initialStreamWindowSize: limits.streamWindowBytes,
			maxStreamWindowSize: limits.streamWindowBytes,
		},
	})();
	return () => ({
		protocol: factory.protocol,
		createStreamMuxer: (connection): StreamMuxer => {
			const muxer = factory.createStreamMuxer(connection);
			const inside = muxer as unknown as YamuxInside;
			assert(inside.decoder.buffer.byteLength === 0, 'the yamux decoder is where it was');
			connection.addEventListener('message', () => {
				if (inside.decoder.buffer.byteLength <= YAMUX_BUFFER_BYTES) return;
				metrics.count('poster_mesh_garbage_total', { protocol: 'yamux', reason: 'stream-too-long' });
				connection.abort(new PosterError('stream-too-long', 'a yamux frame is longer than its window'));
			});
			closeInOrder(connection, muxer, inside);
			return muxer;
		},
	});
}

/**
 * Whoever hears the goodbye closes the socket, and the other waits for that. If the side that says goodbye closed at
 * once, whatever the remote just writes would answer with a reset, which throws away the goodbye unread.
 */
function closeInOrder(connection: MessageStream, muxer: StreamMuxer, inside: YamuxInside): void {
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
	return (connection as unknown as { readonly muxer: YamuxInside }).muxer.remoteGoAway === NORMAL_TERMINATION;
}

/** Reason label of a failed handshake by the name of libp2p's error. `ConnectionInterceptedError`: the gater counted it. */
const REASONS: Readonly<Record<string, string | undefined>> = {
	EncryptionFailedError: 'handshake',
	MuxerUnavailableError: 'handshake',
	ConnectionDeniedError: 'overload',
	InvalidPeerIdError: 'own-identity',
	ConnectionInterceptedError: undefined,
};

/** Counts what fails between the accepted socket and the finished connection; libp2p only logs it. */
export function watchUpgrades(upgrader: Upgrader, metrics: Metrics, clones: CloneWatch): void {
	const failed = (error: unknown, direction: 'inbound' | 'outbound'): void => {
		const name = error instanceof Error ? error.name : '';
		const reason = name in REASONS ? REASONS[name] : 'protocol';
		if (reason !== undefined) metrics.count('poster_mesh_refused_total', { reason });
		if (reason === 'own-identity') clones.met(direction);
	};
	const upgradeInbound = upgrader.upgradeInbound.bind(upgrader);
	const upgradeOutbound = upgrader.upgradeOutbound.bind(upgrader);
	upgrader.upgradeInbound = counting(upgradeInbound, (error) => failed(error, 'inbound'));
	upgrader.upgradeOutbound = counting(upgradeOutbound, (error) => failed(error, 'outbound'));
}

function counting<Args extends unknown[], Result>(
	run: (...args: Args) => Promise<Result>,
	failed: (error: unknown) => void,
): (...args: Args) => Promise<Result> {
	return async (...args) => {
		try {
			return await run(...args);
		} catch (error) {
			failed(error);
			throw error;
		}
	};
}
