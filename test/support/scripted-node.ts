/** A full node on real sockets whose every answer a test writes. Speaks HTTP and WebSocket on one port. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export interface NodeRequest {
	readonly id: number;
	/** Without the prefix `Filecoin.`. */
	readonly method: string;
	readonly params: readonly unknown[];
	readonly authorization: string | undefined;
}

export interface NodeAnswer {
	readonly status?: number;
	readonly location?: string;
	/** Sent as is; an object is sent as JSON. */
	readonly body: unknown;
}

export interface NodeScript {
	/** What is answered to a call; a promise that never settles is a hung node. */
	readonly call?: (request: NodeRequest) => NodeAnswer | Promise<NodeAnswer>;
	/** What a connection for heads does. Without it the server speaks HTTP only. */
	readonly socket?: (socket: WebSocket, request: IncomingMessage) => void;
	/** Status that refuses a WebSocket handshake. */
	readonly refuseSocket?: number;
}

export interface ScriptedNode {
	readonly url: string;
	/** Every call so far. */
	readonly requests: readonly NodeRequest[];
	close(): Promise<void>;
}

export const result = ({ id }: NodeRequest, value: unknown): NodeAnswer => ({
	body: { id, jsonrpc: '2.0', result: value },
});

export async function scriptedNode(script: NodeScript, port = 0): Promise<ScriptedNode> {
	const requests: NodeRequest[] = [];
	const sockets = new WebSocketServer({ noServer: true });
	const server = createServer((request, response) => void answer(request, response));
	server.on('upgrade', (request, socket, head) => {
		if (script.socket === undefined || script.refuseSocket !== undefined) {
			socket.end(`HTTP/1.1 ${script.refuseSocket ?? 404} refused\r\ncontent-length: 0\r\n\r\n`);
			return;
		}
		sockets.handleUpgrade(request, socket, head, (client) => script.socket?.(client, request));
	});
	await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
	const { port: bound } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${bound}/rpc/v1`,
		requests,
		async close() {
			for (const client of sockets.clients) client.terminate();
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};

	async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as NodeRequest;
		const { authorization } = request.headers;
		const call: NodeRequest = { id, method: method.replace('Filecoin.', ''), params, authorization };
		requests.push(call);
		if (script.call === undefined) throw new Error(`no answer is scripted for ${method}`);
		const { status = 200, location, body } = await script.call(call);
		response.writeHead(status, { 'content-type': 'application/json', ...(location && { location }) });
		response.end(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body));
	}
}
