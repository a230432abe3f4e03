/** A full node behind a wire: passes everything on, until a message is pushed; then the test decides what becomes of it. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** As it stands in a request; requests of our client are far smaller than what one read of a socket takes. */
const PUSH = '"Filecoin.MpoolPush"';

export class FullNodeProxy {
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	readonly #url: URL;

	private constructor(server: Server, url: URL) {
		this.#server = server;
		this.#url = url;
	}

	/** `onPush` is called before a push is passed on; true: it never is. */
	static async open(url: string, onPush: () => boolean): Promise<FullNodeProxy> {
		const server = createServer();
		const proxy = new FullNodeProxy(server, new URL(url));
		server.on('connection', (client) => proxy.#serve(client, onPush));
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		return proxy;
	}

	get url(): string {
		const { port } = this.#server.address() as AddressInfo;
		return `http://127.0.0.1:${port}${this.#url.pathname}`;
	}

	async close(): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		this.#server.close();
		await once(this.#server, 'close');
	}

	#serve(client: Socket, onPush: () => boolean): void {
		const node = connect(Number(this.#url.port), this.#url.hostname);
		for (const [socket, other] of [
			[client, node],
			[node, client],
		] as const) {
			this.#sockets.add(socket);
			// Whichever side goes, the other goes with it, as on one wire.
			socket.on('error', () => other.destroy());
			socket.once('close', () => {
				this.#sockets.delete(socket);
				other.destroy();
			});
		}
		let tail = '';
		client.on('data', (chunk: Buffer) => {
			const text = tail + chunk.toString('latin1');
			tail = text.slice(-PUSH.length + 1);
			if (!text.includes(PUSH) || !onPush()) {
				node.write(chunk);
				return;
			}
			client.destroy();
		});
		node.pipe(client);
	}
}
