/**
 * One JSON-RPC request in, one answer out, as go-jsonrpc does it: unknown method, wrong parameters and bad JSON come with
 * HTTP status 500, errors of methods with 200, a request without id gets no answer.
 */
import { isPosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Log } from '../../ports/log.ts';
import { RpcError, rpcCode } from '../rpc-error.ts';
import type { Caller, MethodTable } from './method.ts';
import { decodeParams } from './params.ts';

export interface Answer {
	readonly status: number;
	/** Undefined for an empty body. */
	readonly body: object | undefined;
}

export interface RpcRequest {
	readonly id: string | number | null | undefined;
	readonly method: string;
	readonly params: unknown;
}

const NOTHING: Answer = { status: 200, body: undefined };

export function parseRequest(value: unknown): RpcRequest {
	const { id, method, params } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
	return {
		id: typeof id === 'string' || typeof id === 'number' ? id : null,
		method: typeof method === 'string' ? method : '',
		params,
	};
}

export class Dispatcher {
	readonly #methods: MethodTable;
	readonly #log: Log;

	/** Names with their namespace, e.g. `Filecoin.ChainHead`. */
	constructor(methods: MethodTable, log: Log) {
		this.#methods = methods;
		this.#log = log;
	}

	/** A body of HTTP: one request or a batch. */
	async body(text: string, caller: Caller): Promise<Answer> {
		if (text.trim() === '') return failed(400, null, new RpcError('Invalid request', rpcCode.invalidRequest));
		let value: unknown;
		try {
			value = JSON.parse(text);
		} catch (error) {
			this.#log.debug({ error: error }, 'a request is not JSON');
			return failed(500, null, new RpcError('Parse error', rpcCode.parse));
		}
		if (!Array.isArray(value)) return this.request(parseRequest(value), caller);
		if (value.length === 0 || value.length > limits.devnetBatchCalls) {
			return failed(400, null, new RpcError('Invalid request', rpcCode.invalidRequest));
		}
		const answers = await Promise.all(value.map((one) => this.request(parseRequest(one), caller)));
		return { status: 200, body: answers.map(({ body }) => body).filter((body) => body !== undefined) };
	}

	async request({ id, method, params }: RpcRequest, caller: Caller): Promise<Answer> {
		try {
			const found = Object.hasOwn(this.#methods, method) ? this.#methods[method] : undefined;
			if (found === undefined) throw new RpcError(`method '${method}' not found`, rpcCode.methodNotFound);
			const args = decodeParams(method, found.params, params);
			if (!caller.permissions.has(found.permission)) {
				const name = method.slice(method.indexOf('.') + 1);
				throw new RpcError(`missing permission to invoke '${name}' (need '${found.permission}')`);
			}
			const result = await found.call(caller, args);
			return id === null || id === undefined
				? NOTHING
				: { status: 200, body: { id, jsonrpc: '2.0', result: result ?? null } };
		} catch (error) {
			const known = this.#asRpcError(error, method);
			return id === null ? NOTHING : failed(known.code < 0 ? 500 : 200, id, known);
		}
	}

	/** What fails for a reason of the world is told; a bug is logged and told without its inside. */
	#asRpcError(error: unknown, method: string): RpcError {
		if (error instanceof RpcError) return error;
		if (isPosterError(error)) return new RpcError(error.message);
		this.#log.error({ error: error, method }, 'a call failed through a bug');
		return new RpcError('internal error');
	}
}

function failed(status: number, id: RpcRequest['id'], { code, message, data }: RpcError): Answer {
	const error = data === undefined ? { code, message } : { code, message, data };
	return { status, body: { error, id: id ?? null, jsonrpc: '2.0' } };
}
