/**
 * The API's server: HTTP and WebSocket on `/rpc/v1` and `/rpc/v0`, a token in the header or in `?token=`. A bad token is
 * a bare 401, none may read.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { FullNode } from '../full-node.ts';
import type { Gate } from '../gate.ts';
import { RpcError } from '../rpc-error.ts';
import { Dispatcher } from './dispatch.ts';
import type { MethodTable } from './method.ts';
import { RpcSocket, type SocketPorts } from './socket.ts';
import type { Tokens } from './tokens.ts';

export interface ServerParts {
	readonly node: FullNode;
	readonly gate: Gate;
	readonly tokens: Tokens;
	readonly log: Log;
	readonly clock: Clock;
	/** Methods by path, e.g. `/rpc/v1`, with their namespace. */
	readonly paths: Readonly<Record<string, MethodTable>>;
}

const READ_ONLY = ['read'];
/** Lotus pings its WebSockets so often. */
const PING_INTERVAL_MS = 5_000;

export class RpcServer {
	readonly #parts: ServerParts;
	readonly #dispatchers: ReadonlyMap<string, Dispatcher>;
	readonly #http: Server;
	readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: limits.devnetRequestBytes });
	#stopPings: () => void = () => undefined;

	constructor(parts: ServerParts) {
		this.#parts = parts;
		this.#dispatchers = new Map(
			Object.entries(parts.paths).map(([path, methods]) => [path, new Dispatcher(methods, parts.log)]),
		);
		this.#http = createServer((request, response) => void this.#serve(request, response));
		this.#http.maxConnections = limits.devnetSockets;
		// As Lotus does: whoever closed an idle connection first would now and then lose the request that is on its way.
		this.#http.keepAliveTimeout = 0;
		this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
	}

	/** Resolves to the port; rejects `devnet-listen`. */
	listen(host: string, port: number): Promise<number> {
		const { promise, resolve, reject } = Promise.withResolvers<number>();
		this.#http.once('error', (cause) =>
			reject(
				new PosterError('devnet-listen', `cannot listen on ${host}:${port}: ${cause.message}`, {
					cause,
					advice: 'Choose another --port, 0 for any free one, or a --host that is an address of this machine.',
				}),
			),
		);
		this.#http.listen(port, host, () => {
			this.#schedulePing();
			resolve((this.#http.address() as AddressInfo).port);
		});
		return promise;
	}

	/** Drops every connection, as a full node that is shut down does. */
	async close(): Promise<void> {
		this.#stopPings();
		for (const socket of this.#sockets.clients) socket.terminate();
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#http.close(() => resolve());
		this.#http.closeAllConnections();
		await promise;
	}

	async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const { log, gate } = this.#parts;
		const gone = new AbortController();
		response.on('close', () => gone.abort());
		try {
			const target = this.#target(request);
			if (target === undefined) return end(response, 404, '404 page not found\n', 'text/plain');
			if (target.permissions === undefined) return end(response, 401, '');
			const body = await readBody(request);
			if (body === undefined) return end(response, 413, '');
			// A control method must get through while everything else hangs.
			await gate.pass(/"method"\s*:\s*"(Devnet\.)/.exec(body)?.[1]);
			const caller = { permissions: target.permissions, signal: gone.signal };
			const answer = await target.dispatcher.body(body, caller);
			end(response, answer.status, answer.body === undefined ? '' : JSON.stringify(answer.body));
		} catch (error) {
			log.debug({ error: error }, 'a request broke off');
			response.destroy();
		}
	}

	#upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
		const target = this.#target(request);
		const refused = target === undefined ? '404 Not Found' : target.permissions === undefined ? '401 Unauthorized' : '';
		if (target?.permissions === undefined) {
			socket.end(`HTTP/1.1 ${refused}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
			return;
		}
		const { dispatcher, permissions } = target;
		const { node, gate, log } = this.#parts;
		const ports: SocketPorts = { node, gate, dispatcher, log };
		this.#sockets.handleUpgrade(request, socket, head, (client) => {
			new RpcSocket(client, permissions, ports);
		});
	}

	/** Undefined for an unknown path; without permissions for a token that is not ours. */
	#target(
		request: IncomingMessage,
	): { readonly dispatcher: Dispatcher; readonly permissions: ReadonlySet<string> | undefined } | undefined {
		const [path, query] = (request.url ?? '').split('?', 2);
		const dispatcher = this.#dispatchers.get(path ?? '');
		if (dispatcher === undefined) return undefined;
		const { authorization } = request.headers;
		const token = authorization?.replace(/^Bearer /, '') ?? new URLSearchParams(query).get('token');
		const allowed = token === null ? READ_ONLY : this.#parts.tokens.verify(token);
		return { dispatcher, permissions: allowed === undefined ? undefined : new Set(allowed) };
	}

	#schedulePing(): void {
		this.#stopPings = this.#parts.clock.after(PING_INTERVAL_MS, () => {
			if (!this.#parts.gate.frozen) for (const socket of this.#sockets.clients) socket.ping();
			this.#schedulePing();
		});
	}
}

/** Undefined when it is larger than the bound. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of request) {
		if (!(chunk instanceof Buffer)) throw new RpcError('a body is read as bytes');
		bytes += chunk.length;
		if (bytes > limits.devnetRequestBytes) return undefined;
		chunks.push(chunk);
	}
	return Buffer.concat(chunks).toString();
}

function end(response: ServerResponse, status: number, body: string, type = 'application/json'): void {
	response.writeHead(status, body === '' ? {} : { 'Content-Type': type });
	response.end(body);
}
