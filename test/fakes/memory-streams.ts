/** The streams port in memory, with the same bounds and the same backpressure as over a connection. */
import { StreamSlots } from '../../src/adapters/libp2p/stream-slots.ts';
import { assert, PosterError } from '../../src/domain/errors.ts';
import type { NodeId } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { BulkReader, BulkWriter, CallOptions, Streams } from '../../src/ports/streams.ts';

type Call = (peer: NodeId, request: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;
type Pull = (peer: NodeId, request: Uint8Array, writer: BulkWriter, signal: AbortSignal) => Promise<void>;

/** The serving side of one protocol. */
type Served =
	| { readonly kind: 'call'; readonly maxRequestBytes: number; readonly handler: Call }
	| { readonly kind: 'pull'; readonly maxRequestBytes: number; readonly handler: Pull };

export class MemoryStreams implements Streams {
	readonly #self: NodeId;
	readonly #reach: (peer: NodeId) => MemoryStreams | undefined;
	readonly served = new Map<string, Served>();
	readonly slots = new StreamSlots({
		slots: limits.bulkStreams,
		slotsPerPeer: limits.bulkStreamsPerPeer,
		queue: limits.bulkQueue,
		queuePerPeer: limits.bulkQueuePerPeer,
	});
	/** Open exchanges by peer, on the asking and on the serving node. */
	readonly open = new Set<{ readonly peer: NodeId; readonly end: AbortController }>();

	constructor(self: NodeId, reach: (peer: NodeId) => MemoryStreams | undefined) {
		this.#self = self;
		this.#reach = reach;
	}

	onCall(protocol: string, maxRequestBytes: number, handler: Call): void {
		this.served.set(protocol, { kind: 'call', maxRequestBytes, handler });
	}

	onPull(protocol: string, maxRequestBytes: number, handler: Pull): void {
		this.served.set(protocol, { kind: 'pull', maxRequestBytes, handler });
	}

	/** Resets every exchange with a peer. */
	cut(peer: NodeId): void {
		for (const entry of this.open) if (entry.peer === peer) entry.end.abort(reset('the connection is gone'));
	}

	async call(peer: NodeId, protocol: string, request: Uint8Array, options: CallOptions): Promise<Uint8Array> {
		const end = this.#begin(peer, options.signal);
		const timer = setTimeout(() => end.abort(timeout()), options.timeoutMs);
		try {
			const served = this.#handlerOf(peer, protocol, request, 'call', end.signal);
			const answer = await orEnd(served.handler(this.#self, Uint8Array.from(request), end.signal), end.signal);
			if (answer.byteLength > options.maxResponseBytes) throw tooLong();
			return Uint8Array.from(answer);
		} catch (error) {
			throw failed(end, error);
		} finally {
			clearTimeout(timer);
			end.abort(reset('over'));
		}
	}

	async pull(peer: NodeId, protocol: string, request: Uint8Array, options: CallOptions): Promise<BulkReader> {
		const end = this.#begin(peer, options.signal);
		try {
			const served = this.#handlerOf(peer, protocol, request, 'pull', end.signal);
			const pipe = new Pipe(end, options);
			const slots = this.#reach(peer)?.slots;
			assert(slots !== undefined, 'reached above');
			void serve(served.handler, this.#self, Uint8Array.from(request), pipe, slots);
			return pipe;
		} catch (error) {
			throw failed(end, error);
		}
	}

	#begin(peer: NodeId, outer: AbortSignal | undefined): AbortController {
		const end = new AbortController();
		const give = (): void => end.abort(new PosterError('stream-aborted', 'given up'));
		if (outer?.aborted === true) give();
		outer?.addEventListener('abort', give);
		const entries = [this, this.#reach(peer)].map((streams, index) => {
			const entry = { peer: index === 0 ? peer : this.#self, end };
			streams?.open.add(entry);
			return { streams, entry };
		});
		end.signal.addEventListener('abort', () => {
			outer?.removeEventListener('abort', give);
			for (const { streams, entry } of entries) streams?.open.delete(entry);
		});
		return end;
	}

	#handlerOf<K extends Served['kind']>(
		peer: NodeId,
		protocol: string,
		request: Uint8Array,
		kind: K,
		signal: AbortSignal,
	): Extract<Served, { kind: K }> {
		signal.throwIfAborted();
		const remote = this.#reach(peer);
		if (remote === undefined) throw new PosterError('stream-not-connected', 'not connected', { meta: { peer } });
		const served = remote.served.get(protocol);
		if (served?.kind !== kind) throw reset('unknown protocol');
		if (request.byteLength > served.maxRequestBytes) throw reset('request too long');
		return served as Extract<Served, { kind: K }>;
	}
}

async function serve(handler: Pull, peer: NodeId, request: Uint8Array, pipe: Pipe, slots: StreamSlots): Promise<void> {
	try {
		const release = await slots.acquire(peer, pipe.signal);
		try {
			await orEnd(handler(peer, request, pipe, pipe.signal), pipe.signal);
			pipe.finish();
		} finally {
			release();
		}
	} catch (error) {
		pipe.breakOff(error);
	}
}

/** One bulk stream: at most one window of bytes between writer and reader. */
class Pipe implements BulkReader, BulkWriter {
	readonly signal: AbortSignal;
	readonly #end: AbortController;
	readonly #options: CallOptions;
	readonly #frames: Uint8Array[] = [];
	#bytes = 0;
	#received = 0;
	#finished = false;
	#changed = Promise.withResolvers<void>();

	constructor(end: AbortController, options: CallOptions) {
		this.#end = end;
		this.signal = end.signal;
		this.#options = options;
	}

	async write(frame: Uint8Array): Promise<void> {
		assert(frame.byteLength > 0 && frame.byteLength <= limits.bulkFrameBytes, 'size of a bulk frame');
		while (this.#bytes > limits.streamWindowBytes) await orEnd(this.#changed.promise, this.signal);
		this.signal.throwIfAborted();
		this.#frames.push(Uint8Array.from(frame));
		this.#bytes += frame.byteLength;
		this.#notify();
		await new Promise((resolve) => setImmediate(resolve));
	}

	async read(): Promise<Uint8Array | undefined> {
		const timer = setTimeout(() => this.#end.abort(timeout()), this.#options.timeoutMs);
		try {
			while (this.#frames.length === 0 && !this.#finished) await orEnd(this.#changed.promise, this.signal);
			if (this.#frames.length > 0) this.signal.throwIfAborted();
			return this.#take();
		} catch (error) {
			throw failed(this.#end, error);
		} finally {
			clearTimeout(timer);
		}
	}

	#take(): Uint8Array | undefined {
		const frame = this.#frames.shift();
		if (frame === undefined) {
			this.#end.abort(reset('over'));
			return undefined;
		}
		this.#bytes -= frame.byteLength;
		this.#received += frame.byteLength;
		if (this.#received > this.#options.maxResponseBytes) throw tooLong();
		this.#notify();
		return frame;
	}

	abort(reason: Error): void {
		this.#end.abort(new PosterError('stream-aborted', 'given up', { cause: reason }));
	}

	finish(): void {
		this.#finished = true;
		this.#notify();
	}

	breakOff(cause: unknown): void {
		this.#end.abort(new PosterError('stream-reset', 'the handler failed', { cause }));
	}

	#notify(): void {
		this.#changed.resolve();
		this.#changed = Promise.withResolvers<void>();
	}
}

async function orEnd<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	const { promise: ended, reject } = Promise.withResolvers<never>();
	const onAbort = (): void => reject(signal.reason);
	signal.addEventListener('abort', onAbort);
	try {
		signal.throwIfAborted();
		return await Promise.race([work, ended]);
	} finally {
		signal.removeEventListener('abort', onAbort);
	}
}

/** The first failure of an exchange is the one that both sides see. */
function failed(end: AbortController, error: unknown): PosterError {
	end.abort(error instanceof PosterError && error.code.startsWith('stream-') ? error : reset('the handler failed'));
	return end.signal.reason;
}

function reset(why: string): PosterError {
	return new PosterError('stream-reset', why);
}

function timeout(): PosterError {
	return new PosterError('stream-timeout', 'no answer in time');
}

function tooLong(): PosterError {
	return new PosterError('stream-too-long', 'more than was asked for');
}
