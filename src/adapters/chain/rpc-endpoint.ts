/**
 * One full node over HTTP: JSON-RPC calls with a token, each bounded in time, size of the answer and number at once.
 * Transport facts: go-jsonrpc; the parameter count must match exactly, trailing optional ones are sent as null.
 */
import { assert, isPosterError, PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { AnswerReader } from './answer-reader.ts';
import { type bulkReaders, errorAnswer, readAnswer } from './answers.ts';
import { badAnswer, badStatus, isConnectionLost, timedOut, unauthorized, unreachable } from './errors.ts';

export interface EndpointOptions {
	/** `http://host:port/rpc/v1`, https, or without the path. */
	readonly url: string;
	/** JWT; without one a node grants read permission at most. */
	readonly token?: string;
}

export interface RpcComponents {
	readonly clock: Clock;
	readonly metrics: Metrics;
	readonly reader: AnswerReader;
}

export interface RpcRequest<T> {
	/** Without the prefix `Filecoin.`. */
	readonly method: string;
	readonly params: readonly unknown[];
	readonly read: ((result: unknown) => T) | BulkRead;
}

/** Names a reader that a worker thread can run; the caller knows its type. */
export interface BulkRead {
	readonly reader: keyof typeof bulkReaders;
	readonly senders: readonly string[];
}

export class RpcEndpoint {
	readonly url: string;
	readonly token: string | undefined;
	readonly #components: RpcComponents;
	readonly #timeoutMs: number;
	readonly #queue: (() => void)[] = [];
	#running = 0;
	#ids = 0;

	constructor(components: RpcComponents, { url, token }: EndpointOptions, timeoutMs: number) {
		this.#components = components;
		this.url = normalizeUrl(url);
		this.token = token;
		this.#timeoutMs = timeoutMs;
	}

	/** Rejects with the errors of the chain port, or with the signal's reason. */
	async call<T>(request: RpcRequest<T>, signal: AbortSignal): Promise<T> {
		const { clock, metrics } = this.#components;
		const { method } = request;
		const started = clock.now();
		const timeout = new AbortController();
		const cancel = clock.after(this.#timeoutMs, () => timeout.abort(timedOut(this.url, method, this.#timeoutMs)));
		try {
			const answer = await this.#callInTurn(request, AbortSignal.any([signal, timeout.signal]));
			metrics.observe('poster_chain_call_seconds', (clock.now() - started) / 1000, { method });
			return answer;
		} catch (error) {
			metrics.count('poster_chain_call_failures_total', {
				method,
				reason: isPosterError(error) ? error.code : 'other',
			});
			throw error;
		} finally {
			cancel();
		}
	}

	async #callInTurn<T>(request: RpcRequest<T>, signal: AbortSignal): Promise<T> {
		await this.#turn(request.method, signal);
		try {
			return await this.#exchange(request, signal);
		} finally {
			const next = this.#queue.shift();
			if (next === undefined) this.#running--;
			else next();
		}
	}

	/** Waits until fewer than `limits.chainCalls` run; who waited takes over the place of a call that ended. */
	async #turn(method: string, signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		if (this.#running < limits.chainCalls) {
			this.#running++;
			return;
		}
		if (this.#queue.length >= limits.chainCallQueue) {
			throw new PosterError('chain-timeout', `${this.#queue.length} calls wait for ${this.url} already`, {
				advice:
					'The full node is too slow for what is asked of it: look at its load, or give this node one of its own.',
				meta: { url: this.url, method },
			});
		}
		await this.#nextTurn(signal);
	}

	#nextTurn(signal: AbortSignal): Promise<void> {
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const take = (): void => {
			signal.removeEventListener('abort', leave);
			resolve();
		};
		const leave = (): void => {
			this.#queue.splice(this.#queue.indexOf(take), 1);
			reject(signal.reason);
		};
		this.#queue.push(take);
		signal.addEventListener('abort', leave, { once: true });
		return promise;
	}

	async #exchange<T>({ method, params, read }: RpcRequest<T>, signal: AbortSignal): Promise<T> {
		const id = ++this.#ids;
		const body = JSON.stringify({ jsonrpc: '2.0', id, method: `Filecoin.${method}`, params });
		const bulk = typeof read !== 'function';
		const response = await this.#post(body, method, signal);
		const bytes = await this.#readBody(
			response,
			method,
			bulk ? limits.chainBulkBytes : limits.chainAnswerBytes,
			signal,
		);
		if (response.status === 401 || response.status === 403) throw unauthorized(this.url);
		if (response.status !== 200) throw errorAnswer(bytes, method) ?? badStatus(this.url, method, response.status);
		if (typeof read === 'function') return readAnswer(bytes, { id, method, read });
		const answer = this.#components.reader.readBulk(bytes, { id, method, ...read });
		return (await Promise.race([answer, aborted(signal)])) as T;
	}

	/**
	 * Sends it a second time when the connection ends before an answer begins: a server may close an idle one just as the
	 * request goes out. It may have been read all the same, and no call of this adapter does more when it is made twice:
	 * they read, sign the same message, or push the same bytes.
	 */
	async #post(body: string, method: string, signal: AbortSignal): Promise<Response> {
		const headers: Record<string, string> = { 'content-type': 'application/json' };
		if (this.token !== undefined) headers['authorization'] = `Bearer ${this.token}`;
		// A redirect would carry the token elsewhere.
		const send = (): Promise<Response> => fetch(this.url, { method: 'POST', headers, body, signal, redirect: 'error' });
		try {
			return await send().catch((error: unknown) => {
				if (!isConnectionLost(error)) throw error;
				return send();
			});
		} catch (error) {
			throw this.#transportError(error, method, signal);
		}
	}

	async #readBody(
		response: Response,
		method: string,
		maxBytes: number,
		signal: AbortSignal,
	): Promise<Uint8Array<ArrayBuffer>> {
		const chunks: Uint8Array[] = [];
		let length = 0;
		try {
			for await (const chunk of response.body ?? []) {
				length += chunk.length;
				if (length > maxBytes) throw badAnswer(method, `it has more than ${maxBytes} bytes`);
				chunks.push(chunk);
			}
		} catch (error) {
			throw isPosterError(error, 'chain-bad-answer') ? error : this.#transportError(error, method, signal);
		}
		return concat(chunks, length);
	}

	#transportError(error: unknown, method: string, signal: AbortSignal): unknown {
		if (signal.aborted) return signal.reason;
		assert(error instanceof Error, `fetch of ${method} rejects with an error`);
		return unreachable(this.url, error);
	}
}

/**
 * The HTTP URL of the API; ws and wss name the same server. Throws `config-invalid` for another protocol and for
 * credentials in the URL, which would end up in logs.
 */
export function normalizeUrl(text: string): string {
	const protocol = /^(?:http|ws)(s?):/i.exec(text);
	const url = protocol && URL.canParse(text) ? new URL(text.replace(/^[^:]*/, `http${protocol[1]}`)) : undefined;
	if (url === undefined || url.search !== '' || url.username !== '' || url.password !== '') {
		throw new PosterError('config-invalid', `${JSON.stringify(text)} is not the URL of a full node`, {
			advice: 'Write http://HOST:PORT/rpc/v1 and give the token apart from it.',
		});
	}
	if (url.pathname === '/') url.pathname = '/rpc/v1';
	return url.href;
}

function aborted(signal: AbortSignal): Promise<never> {
	return new Promise((_resolve, reject) => {
		signal.addEventListener('abort', () => reject(signal.reason), { once: true });
	});
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
	const bytes = new Uint8Array(length);
	let offset = 0;
	for (const chunk of chunks) {
		bytes.set(chunk, offset);
		offset += chunk.length;
	}
	return bytes;
}
