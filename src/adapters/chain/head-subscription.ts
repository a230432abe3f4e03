/**
 * One ChainNotify subscription on its own WebSocket connection: channel ids count per connection, so there is exactly
 * one. It ends with an error whenever the heads can no longer be trusted; `heads.ts` subscribes again.
 */
import { WebSocket } from 'ws';
import { headChangesFromJson } from '../../codec/lotus-json-state.ts';
import type { HeadChange } from '../../domain/chain.ts';
import { isPosterError, PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import { readError } from './answers.ts';
import { badAnswer, badStatus, timedOut, unreachable } from './errors.ts';
import type { RpcEndpoint } from './rpc-endpoint.ts';

const METHOD = 'ChainNotify';

export interface SubscriptionOptions {
	/** Longest time without a head change. */
	readonly silenceMs: number;
}

/**
 * Head changes as the node sends them, one list for each frame. Rejects `chain-no-websocket` where the server speaks
 * HTTP only, else with the errors of the chain port. Ends quietly when the signal aborts.
 */
export async function* subscribeHeads(
	clock: Clock,
	endpoint: RpcEndpoint,
	{ silenceMs }: SubscriptionOptions,
	signal: AbortSignal,
): AsyncGenerator<readonly HeadChange[]> {
	if (signal.aborted) return;
	const subscription = new Subscription(clock, endpoint, silenceMs);
	const abort = (): void => subscription.end(undefined);
	signal.addEventListener('abort', abort, { once: true });
	try {
		yield* subscription.frames();
	} finally {
		signal.removeEventListener('abort', abort);
		subscription.end(undefined);
	}
}

class Subscription {
	readonly #clock: Clock;
	readonly #endpoint: RpcEndpoint;
	readonly #silenceMs: number;
	readonly #socket: WebSocket;
	readonly #frames: (readonly HeadChange[])[] = [];
	#wake: () => void = () => undefined;
	#ended = false;
	#error: PosterError | undefined;
	/** Undefined until the node answered; a frame of the channel may come first. */
	#channel: unknown;
	#cancelSilence: () => void = () => undefined;
	#cancelLiveness: () => void = () => undefined;

	constructor(clock: Clock, endpoint: RpcEndpoint, silenceMs: number) {
		this.#clock = clock;
		this.#endpoint = endpoint;
		this.#silenceMs = silenceMs;
		this.#socket = new WebSocket(endpoint.url.replace(/^http/, 'ws'), {
			headers: endpoint.token === undefined ? {} : { authorization: `Bearer ${endpoint.token}` },
			maxPayload: limits.headFrameBytes,
			handshakeTimeout: limits.chainCallMs,
			perMessageDeflate: false,
		});
		this.#listen();
	}

	async *frames(): AsyncGenerator<readonly HeadChange[]> {
		for (;;) {
			const frame = this.#frames.shift();
			if (frame !== undefined) {
				yield frame;
				continue;
			}
			if (this.#error !== undefined) throw this.#error;
			if (this.#ended) return;
			const { promise, resolve } = Promise.withResolvers<void>();
			this.#wake = resolve;
			await promise;
		}
	}

	/** Idempotent; the first reason counts. */
	end(error: PosterError | undefined): void {
		if (this.#ended) return;
		this.#ended = true;
		this.#error = error;
		this.#cancelSilence();
		this.#cancelLiveness();
		this.#socket.terminate();
		this.#wake();
	}

	#listen(): void {
		const { url } = this.#endpoint;
		this.#heard();
		this.#headSeen();
		this.#socket.on('open', () => {
			this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: `Filecoin.${METHOD}`, params: [] }));
		});
		this.#socket.on('unexpected-response', (_request, response) => this.end(refused(url, response.statusCode ?? 0)));
		this.#socket.on('error', (error) => this.end(unreachable(url, error)));
		this.#socket.on('close', () => this.end(unreachable(url, new Error('the connection for heads was closed'))));
		// Lotus pings every 5 s; ours are for servers that do not.
		this.#socket.on('ping', () => this.#heard());
		this.#socket.on('pong', () => this.#heard());
		this.#socket.on('message', (data, isBinary) => {
			this.#heard();
			if (isBinary) return this.end(badAnswer(METHOD, 'it sent a binary frame'));
			// The default binaryType hands out one Buffer.
			this.#take((data as Buffer).toString('utf8'));
		});
	}

	/** Any frame proves that the connection lives. Half of the time is left for the answer to our own ping. */
	#heard(): void {
		if (this.#ended) return;
		this.#cancelLiveness();
		const halfMs = limits.headConnectionSilenceMs / 2;
		this.#cancelLiveness = this.#clock.after(halfMs, () => {
			if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
			this.#cancelLiveness = this.#clock.after(halfMs, () =>
				this.end(timedOut(this.#endpoint.url, METHOD, limits.headConnectionSilenceMs)),
			);
		});
	}

	#headSeen(): void {
		this.#cancelSilence();
		this.#cancelSilence = this.#clock.after(this.#silenceMs, () =>
			this.end(timedOut(this.#endpoint.url, METHOD, this.#silenceMs)),
		);
	}

	#take(text: string): void {
		try {
			this.#takeFrame(JSON.parse(text));
		} catch (error) {
			if (isPosterError(error))
				this.end(isPosterError(error, 'bad-json') ? badAnswer(METHOD, error.message, error) : error);
			else if (error instanceof SyntaxError) this.end(badAnswer(METHOD, 'a frame is no JSON', error));
			else throw error;
		}
	}

	#takeFrame(frame: unknown): void {
		if (typeof frame !== 'object' || frame === null) throw badAnswer(METHOD, 'a frame is no object');
		const { id, method, params, result, error } = frame as Record<string, unknown>;
		if (id === 1) {
			if (error !== undefined && error !== null) throw readError(error, METHOD);
			this.#channel = result;
			return;
		}
		const [channel, changes] = Array.isArray(params) ? params : [];
		if (this.#channel !== undefined && channel !== this.#channel) return;
		if (method === 'xrpc.ch.close') throw unreachable(this.#endpoint.url, new Error('the node ended the subscription'));
		if (method !== 'xrpc.ch.val') return;
		// A reader that is this far behind is better off with a new `current`.
		if (this.#frames.length >= limits.headFrames) throw badAnswer(METHOD, 'more head changes came than were read');
		this.#headSeen();
		this.#frames.push(headChangesFromJson(changes));
		this.#wake();
	}
}

function refused(url: string, status: number): PosterError {
	const error = badStatus(url, METHOD, status);
	if (error.code !== 'chain-bad-answer') return error;
	return new PosterError('chain-no-websocket', `${url} does not speak WebSocket (HTTP ${status})`, {
		meta: { url, status },
	});
}
