/**
 * Services of libp2p register their protocols through this: what their handlers could not parse is counted and reported
 * as garbage, where libp2p only resets the stream. `registrar.use()` cannot do it: libp2p 3.3 appends the handler to
 * the middleware again with every stream.
 */
import type { Connection, Stream, StreamHandler, StreamHandlerOptions } from '@libp2p/interface';
import type { KadDHTComponents } from '@libp2p/kad-dht';
import { PosterError } from '../../domain/errors.ts';
import { FrameCounter } from './frame-counter.ts';
import { type StreamWatch, watchFrames, watchLife } from './stream-watch.ts';

type Registrar = KadDHTComponents['registrar'];

export interface RegistrarGuard {
	/** Sees each inbound stream before its handler. */
	readonly opened: (stream: Stream, connection: Connection, protocol: string) => void;
	/** Told of handlers that rejected with an error that is not the end of the stream itself, and of time-outs. */
	readonly watch: StreamWatch;
}

type Spend = (connection: Connection, protocol: string, cost: number) => boolean;

/** Resets streams whose frames claim more than `maxBytes` or do not come; `spend` is false when there were too many. */
export function boundFrames(maxBytes: number, watch: StreamWatch, spend: Spend): RegistrarGuard {
	return {
		watch,
		opened: (stream, connection, protocol) => {
			const counter = new FrameCounter(maxBytes);
			stream.addEventListener('message', (event) => {
				if (stream.status !== 'open') return;
				const frames = counter.count(event.data);
				if (frames === undefined) {
					watch.garbage(connection, protocol, 'stream-too-long');
					stream.abort(new PosterError('stream-too-long', 'a frame is longer than allowed'));
				} else if (!spend(connection, protocol, frames)) {
					event.stopImmediatePropagation();
				}
			});
			watchFrames(stream, connection, counter, watch);
		},
	};
}

/** The same for streams that bring frames once: libp2p then closes its own side, and the other one stays for who sends on. */
export function boundPush(maxBytes: number, watch: StreamWatch, spend: Spend): RegistrarGuard {
	const frames = boundFrames(maxBytes, watch, spend);
	return {
		watch,
		opened: (stream, connection, protocol) => {
			watchLife(stream, watch);
			frames.opened(stream, connection, protocol);
		},
	};
}

/** For protocols without frames, where what comes is answered byte by byte, or not read at all. */
export function boundBytes(watch: StreamWatch, spend: Spend): RegistrarGuard {
	return {
		watch,
		opened: (stream, connection, protocol) => {
			watchLife(stream, watch);
			stream.addEventListener('message', (event) => {
				if (!spend(connection, protocol, event.data.byteLength)) event.stopImmediatePropagation();
			});
		},
	};
}

/** Endings that are nobody's fault: reset, closed, node stopping. */
const ENDINGS: ReadonlySet<string> = new Set([
	'AbortError',
	'StreamResetError',
	'StreamClosedError',
	'StreamStateError',
	'ConnectionClosedError',
	'MuxerClosedError',
	'UnexpectedEOFError',
	// Ours, counted where it was thrown.
	'PosterError',
]);

/** A service whose protocols are guarded. */
export function guarded<C extends { registrar: Registrar }, Service>(
	create: (components: C) => Service,
	guard: RegistrarGuard,
): (components: C) => Service {
	return (components) => create(guardRegistrar(components, guard));
}

/** The same components with a guarded registrar; everything else is looked up in the originals. */
function guardRegistrar<C extends { registrar: Registrar }>(components: C, guard: RegistrarGuard): C {
	const { registrar } = components;
	const guarded: Registrar = Object.create(registrar);
	guarded.handle = (protocol: string, handler: StreamHandler, options?: StreamHandlerOptions) =>
		registrar.handle(protocol, guardHandler(protocol, handler, guard), options);
	return Object.create(components, { registrar: { value: guarded } });
}

function guardHandler(protocol: string, handler: StreamHandler, guard: RegistrarGuard): StreamHandler {
	return async (stream, connection) => {
		let told = false;
		const tell = (error: unknown): void => {
			const name = error instanceof Error ? error.name : '';
			if (told || ENDINGS.has(name)) return;
			told = true;
			if (name === 'TimeoutError') guard.watch.late(protocol);
			else guard.watch.garbage(connection, protocol, 'unparsable');
		};
		// Some handlers give a stream up themselves and return as if nothing had been.
		stream.addEventListener('close', ({ local, error }) => {
			if (local === true && error !== undefined) tell(error);
		});
		try {
			guard.opened(stream, connection, protocol);
			await handler(stream, connection);
		} catch (error) {
			tell(error);
			throw error;
		}
	};
}
