/**
 * One WebSocket of a client: calls as over HTTP, and head changes over channels of their own, as go-jsonrpc does it.
 * Channel ids count up per connection; `xrpc.cancel` names the request that opened the channel.
 */
import type { WebSocket } from 'ws';
import { limits } from '../../domain/limits.ts';
import type { Log } from '../../ports/log.ts';
import type { FullNode } from '../full-node.ts';
import type { Gate } from '../gate.ts';
import { RpcError } from '../rpc-error.ts';
import { type Dispatcher, parseRequest, type RpcRequest } from './dispatch.ts';
import { tipSetToJson } from './to-json.ts';

export interface SocketPorts {
	readonly node: FullNode;
	readonly gate: Gate;
	readonly dispatcher: Dispatcher;
	readonly log: Log;
}

interface Channel {
	readonly id: number;
	readonly stop: () => void;
}

export class RpcSocket {
	readonly #socket: WebSocket;
	readonly #permissions: ReadonlySet<string>;
	readonly #ports: SocketPorts;
	readonly #gone = new AbortController();
	/** By the id of the request that opened them. */
	readonly #channels = new Map<unknown, Channel>();
	#lastChannel = 0;
	/** Head changes go out in this order; while the gate is shut they wait. */
	#outgoing: Promise<void> = Promise.resolve();
	#queued = 0;

	constructor(socket: WebSocket, permissions: ReadonlySet<string>, ports: SocketPorts) {
		this.#socket = socket;
		this.#permissions = permissions;
		this.#ports = ports;
		socket.on('message', (data, isBinary) => {
			if (!isBinary) void this.#receive((data as Buffer).toString());
		});
		socket.on('close', () => {
			this.#gone.abort();
			for (const { stop } of this.#channels.values()) stop();
			this.#channels.clear();
		});
		socket.on('error', (error) => ports.log.debug({ error: error }, 'a client broke off'));
	}

	async #receive(text: string): Promise<void> {
		const request = this.#parse(text);
		if (request === undefined) return;
		try {
			await this.#ports.gate.pass(request.method);
			if (request.method === 'xrpc.cancel') this.#cancel(request.params);
			else await this.#answer(request);
		} catch (error) {
			this.#ports.log.warn({ error: error }, 'a client is hung up');
			this.#socket.terminate();
		}
	}

	/** Lotus ignores what is not JSON on a WebSocket. */
	#parse(text: string): RpcRequest | undefined {
		try {
			return parseRequest(JSON.parse(text));
		} catch (error) {
			this.#ports.log.debug({ error: error }, 'a frame is not JSON');
			return undefined;
		}
	}

	async #answer(request: RpcRequest): Promise<void> {
		let opened: number | undefined;
		const openChannel = (): number => {
			if (this.#channels.size >= limits.devnetChannels || this.#channels.has(request.id)) {
				throw new RpcError('too many channels, or one for this request id already');
			}
			opened = ++this.#lastChannel;
			return opened;
		};
		const caller = { permissions: this.#permissions, signal: this.#gone.signal, openChannel };
		const { body } = await this.#ports.dispatcher.request(request, caller);
		if (body !== undefined) this.#send(body);
		if (opened !== undefined && !this.#gone.signal.aborted) this.#start(opened, request.id);
	}

	#start(channel: number, requestId: unknown): void {
		const { node } = this.#ports;
		const stop = node.onHeads((events) =>
			this.#enqueue(() =>
				this.#notify(
					channel,
					events.map((event) => ({ Type: event.type, Val: tipSetToJson(event.node) })),
				),
			),
		);
		this.#channels.set(requestId, { id: channel, stop });
		this.#notify(channel, [{ Type: 'current', Val: tipSetToJson(node.chain.head) }]);
	}

	#enqueue(send: () => void): void {
		if (++this.#queued > limits.devnetEpochsPerCall) {
			this.#socket.terminate();
			return;
		}
		this.#outgoing = this.#outgoing
			.then(() => this.#ports.gate.pass())
			.then(() => {
				this.#queued--;
				send();
			})
			.catch((error: unknown) => {
				this.#ports.log.warn({ error: error }, 'a client is hung up');
				this.#socket.terminate();
			});
	}

	#cancel(params: unknown): void {
		const [requestId] = Array.isArray(params) ? params : [];
		const channel = this.#channels.get(requestId);
		if (channel === undefined) return;
		channel.stop();
		this.#channels.delete(requestId);
		this.#send({ jsonrpc: '2.0', method: 'xrpc.ch.close', params: [channel.id] });
	}

	#notify(channel: number, changes: readonly object[]): void {
		this.#send({ jsonrpc: '2.0', method: 'xrpc.ch.val', params: [channel, changes] });
	}

	/** A client that reads slower than the chain grows is hung up: its client subscribes anew. */
	#send(message: object): void {
		if (this.#socket.readyState !== this.#socket.OPEN) return;
		if (this.#socket.bufferedAmount > limits.devnetSocketBufferBytes) this.#socket.terminate();
		else this.#socket.send(JSON.stringify(message));
	}
}
