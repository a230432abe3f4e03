/**
 * All links of a mesh through one proxy on loopback: each node listens behind a port of the proxy and tells others that
 * port alone. Who dialled is found by the socket's owner, so every ordered pair of nodes is a link of its own: delayed,
 * stalled (as TCP is by lost packets), cut, or blocked in one direction. Within a connection TCP keeps the order; what
 * travels over different links overtakes.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Of what goes from one node to another. Several add up. */
export interface Impairment {
	readonly delayMs?: number;
	/** Up to this much later still, drawn for each portion. */
	readonly jitterMs?: number;
	/** Nothing comes through, and nobody learns why. */
	readonly blocked?: boolean;
}

interface LinkState {
	readonly delayMs: number;
	readonly jitterMs: number;
	readonly blocked: boolean;
}

const CLEAR: LinkState = { delayMs: 0, jitterMs: 0, blocked: false };
/** Bytes on their way in one direction of a connection before its sender has to wait. */
const PIPE_BYTES = 1024 * 1024;

interface Connection {
	readonly from: string;
	readonly to: string;
	readonly sockets: readonly Socket[];
	readonly pipes: readonly Pipe[];
}

export interface LinkProxyOptions {
	/** Name of the node that a process belongs to. */
	readonly nodes: () => ReadonlyMap<number, string>;
	/** From 0 to 1. */
	readonly random: () => number;
}

export class LinkProxy {
	readonly #options: LinkProxyOptions;
	readonly #servers = new Map<string, Server>();
	readonly #impairments = new Map<string, Set<Impairment>>();
	readonly #connections = new Set<Connection>();
	#bytes = 0;

	constructor(options: LinkProxyOptions) {
		this.#options = options;
	}

	/** Bytes that came through. */
	get bytes(): number {
		return this.#bytes;
	}

	/** Opens the way to a node that listens on this port; answers with the proxy's port. */
	async open(name: string, port: number): Promise<number> {
		const server = createServer({ allowHalfOpen: true, noDelay: true });
		this.#servers.set(name, server);
		server.on('connection', (client) => {
			// A client that is gone before it was known needs no service.
			client.on('error', () => undefined);
			this.#serve(client, name, port);
		});
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		return (server.address() as AddressInfo).port;
	}

	/** Lasts until the returned function is called. */
	impair(from: string, to: string, impairment: Impairment): () => void {
		const all = this.#impairments.get(`${from}>${to}`) ?? new Set();
		this.#impairments.set(`${from}>${to}`, all);
		all.add(impairment);
		return () => {
			all.delete(impairment);
			this.#wake();
		};
	}

	/** Resets every connection between the two. */
	cut(a: string, b: string): number {
		const hit = [...this.#connections].filter(({ from, to }) => (from === a && to === b) || (from === b && to === a));
		for (const connection of hit) this.#reset(connection);
		return hit.length;
	}

	async close(): Promise<void> {
		for (const connection of this.#connections) this.#reset(connection);
		for (const server of this.#servers.values()) server.close();
		await Promise.all([...this.#servers.values()].map((server) => once(server, 'close')));
	}

	#state(from: string, to: string): LinkState {
		let { delayMs, jitterMs, blocked } = CLEAR;
		for (const impairment of this.#impairments.get(`${from}>${to}`) ?? []) {
			delayMs += impairment.delayMs ?? 0;
			jitterMs += impairment.jitterMs ?? 0;
			blocked ||= impairment.blocked ?? false;
		}
		return { delayMs, jitterMs, blocked };
	}

	#wake(): void {
		for (const connection of this.#connections) {
			if (this.#isBlocked(connection)) continue;
			for (const pipe of connection.pipes) pipe.wake();
			// What was dialled into a partition was never answered.
			if (connection.pipes.length === 0) this.#reset(connection);
		}
	}

	#isBlocked({ from, to }: Connection): boolean {
		return this.#state(from, to).blocked || this.#state(to, from).blocked;
	}

	#serve(client: Socket, to: string, port: number): void {
		const from = ownerOf(client, this.#options.nodes()) ?? '?';
		const waiting: Connection = { from, to, sockets: [client], pipes: [] };
		if (this.#isBlocked(waiting)) {
			this.#watch(waiting);
			return;
		}
		const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
		const there = new Pipe(client, server, this.#options.random, () => this.#state(from, to), this.#count);
		const back = new Pipe(server, client, this.#options.random, () => this.#state(to, from), this.#count);
		this.#watch({ from, to, sockets: [client, server], pipes: [there, back] });
	}

	readonly #count = (bytes: number): void => {
		this.#bytes += bytes;
	};

	#watch(connection: Connection): void {
		this.#connections.add(connection);
		let open = connection.sockets.length;
		for (const socket of connection.sockets) {
			socket.once('close', () => {
				if (--open === 0) this.#connections.delete(connection);
			});
		}
	}

	#reset({ sockets }: Connection): void {
		for (const socket of sockets) reset(socket);
	}
}

/** While its end is on its way a socket cannot be reset: Node would neither close it nor let the process end. */
function reset(socket: Socket): void {
	if (socket.writableEnded && !socket.writableFinished) socket.destroy();
	else socket.resetAndDestroy();
}

type Parcel = { readonly at: number; readonly bytes: Buffer | 'end' | 'reset' };

/** One direction of a connection. */
class Pipe {
	readonly #source: Socket;
	readonly #target: Socket;
	readonly #random: () => number;
	readonly #state: () => LinkState;
	readonly #count: (bytes: number) => void;
	readonly #parcels: Parcel[] = [];
	#held = 0;
	#lastAt = 0;
	#timer: NodeJS.Timeout | undefined;

	constructor(
		source: Socket,
		target: Socket,
		random: () => number,
		state: () => LinkState,
		count: (bytes: number) => void,
	) {
		this.#source = source;
		this.#target = target;
		this.#random = random;
		this.#state = state;
		this.#count = count;
		source.on('data', (bytes: Buffer) => this.#take(bytes));
		source.once('end', () => this.#take('end'));
		source.on('error', () => this.#take('reset'));
		target.on('drain', () => this.wake());
	}

	/** Looks again at what waits. */
	wake(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (this.#state().blocked) return;
		const now = performance.now();
		for (let parcel = this.#parcels[0]; parcel !== undefined; parcel = this.#parcels[0]) {
			if (parcel.at > now) {
				this.#timer = setTimeout(() => this.wake(), parcel.at - now);
				return;
			}
			if (this.#target.writableNeedDrain) return;
			this.#parcels.shift();
			this.#deliver(parcel.bytes);
		}
	}

	#take(bytes: Parcel['bytes']): void {
		const { delayMs, jitterMs } = this.#state();
		this.#lastAt = Math.max(this.#lastAt, performance.now() + delayMs + this.#random() * jitterMs);
		this.#parcels.push({ at: this.#lastAt, bytes });
		if (bytes instanceof Buffer) {
			this.#held += bytes.length;
			if (this.#held > PIPE_BYTES) this.#source.pause();
		}
		if (this.#timer === undefined) this.wake();
	}

	#deliver(bytes: Parcel['bytes']): void {
		if (this.#target.destroyed) return;
		if (bytes === 'end') this.#target.end();
		else if (bytes === 'reset') reset(this.#target);
		else {
			this.#count(bytes.length);
			this.#held -= bytes.length;
			if (this.#held <= PIPE_BYTES) this.#source.resume();
			this.#target.write(bytes);
		}
	}
}

/**
 * Linux tells which process holds the other end of a loopback connection; elsewhere nobody knows. Asked at once: on a busy
 * machine hundreds of questions to the thread pool take longer than a handshake may, and who is late dials again.
 */
function ownerOf(client: Socket, nodes: ReadonlyMap<number, string>): string | undefined {
	const { remotePort, localPort } = client;
	if (process.platform !== 'linux' || remotePort === undefined || localPort === undefined) return undefined;
	const end = (port: number): string => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
	const wanted = `${end(remotePort)} ${end(localPort)} `;
	const line = readFileSync('/proc/net/tcp', 'latin1')
		.split('\n')
		.find((row) => row.includes(wanted));
	const inode = line?.trim().split(/\s+/)[9];
	if (inode === undefined) return undefined;
	for (const [pid, name] of nodes) if (holds(pid, `socket:[${inode}]`)) return name;
	return undefined;
}

function holds(pid: number, link: string): boolean {
	const folder = `/proc/${pid}/fd`;
	return unlessGone(() => readdirSync(folder), []).some(
		(fd) => unlessGone(() => readlinkSync(`${folder}/${fd}`), '') === link,
	);
}

/** `other` when the process ended, or closed the file, while it was looked at. */
function unlessGone<T>(look: () => T, other: T): T {
	try {
		return look();
	} catch (error) {
		if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return other;
		throw error;
	}
}
