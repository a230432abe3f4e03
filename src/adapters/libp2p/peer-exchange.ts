/**
 * `/poster/peers/1`: on each connection, and from a random peer every few seconds, a node asks for the addresses of the
 * members that its peer is connected to. This forms the mesh from one bootstrap address, also when the DHT is dead.
 * Answers are hints: whoever answers at an address must still prove its identity.
 *
 *     request = 16 bytes, the instance of the asking process
 *     answer  = dag-cbor [cloned: bool, [[peer id: text, [multiaddr: text, ...]], ...]]
 */
import { decode, encode } from '@ipld/dag-cbor';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { byteStream } from '@libp2p/utils';
import { PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Log } from '../../ports/log.ts';
import type { CloneWatch } from './clone-watch.ts';
import type { Conduct } from './conduct.ts';
import { FrameReader, isGarbage, writeFrame } from './frames.ts';

export const PEERS_PROTOCOL = '/poster/peers/1';
const INSTANCE_BYTES = 16;
const PING_PROTOCOL = '/ipfs/ping/1.0.0';
const PING_BYTES = 32;

export interface KnownPeer {
	readonly id: NodeId;
	readonly addresses: readonly string[];
}

/** True when the peer echoes over this very connection within the signal's time. */
export async function ping(connection: Connection, signal: AbortSignal): Promise<boolean> {
	let stream: Stream | undefined;
	try {
		stream = await connection.newStream(PING_PROTOCOL, { signal, maxOutboundStreams: limits.pingStreams });
		const bytes = byteStream(stream);
		const sent = crypto.getRandomValues(new Uint8Array(PING_BYTES));
		const [echo] = await Promise.all([bytes.read({ bytes: PING_BYTES, signal }), bytes.write(sent, { signal })]);
		await stream.close({ signal });
		return Buffer.from(echo.subarray()).equals(sent);
	} catch (error) {
		// Every way to fail means the same: no echo in time.
		stream?.abort(error instanceof Error ? error : new Error('ping failed', { cause: error }));
		return false;
	}
}

export interface PeerExchangeComponents {
	readonly node: Libp2p;
	readonly clones: CloneWatch;
	readonly conduct: Conduct;
	readonly log: Log;
	/** Called for each peer of a valid answer. */
	readonly learned: (peer: KnownPeer) => Promise<void>;
}

export class PeerExchange {
	readonly #components: PeerExchangeComponents;
	/** Which process of the remote identity is at the other end. */
	readonly #instances = new WeakMap<Connection, string>();

	constructor(components: PeerExchangeComponents) {
		this.#components = components;
	}

	async register(): Promise<void> {
		await this.#components.node.handle(PEERS_PROTOCOL, (stream, connection) => this.#serve(stream, connection), {
			maxInboundStreams: limits.streamsPerProtocol,
		});
	}

	/** A failed exchange is made up for by the next one. */
	ask(connection: Connection): void {
		this.#ask(connection).catch((err: unknown) => {
			const peer = nodeId(connection.remotePeer.toString());
			this.#components.log.debug({ peer, err }, 'address exchange failed');
			if (isGarbage(err) && connection.status === 'open') {
				this.#components.conduct.garbage(peer, PEERS_PROTOCOL, err.code);
			}
		});
	}

	async #ask(connection: Connection): Promise<void> {
		const signal = AbortSignal.timeout(limits.peerExchangeMs);
		const stream = await connection.newStream(PEERS_PROTOCOL, { signal });
		try {
			const reader = new FrameReader(stream);
			await writeFrame(stream, this.#components.clones.instance, signal);
			await stream.close({ signal });
			const bytes = await reader.read(limits.peerExchangeBytes, signal);
			if (bytes === undefined) throw new PosterError('stream-reset', 'no answer');
			const answer = parseAnswer(bytes);
			const from = nodeId(connection.remotePeer.toString());
			if (answer.cloned) this.#components.clones.seenBy(from);
			for (const peer of answer.peers) await this.#components.learned(peer);
		} catch (error) {
			stream.abort(error instanceof Error ? error : new Error('exchange failed', { cause: error }));
			throw error;
		}
	}

	async #serve(stream: Stream, connection: Connection): Promise<void> {
		const signal = AbortSignal.timeout(limits.requestReadMs);
		const peer = nodeId(connection.remotePeer.toString());
		try {
			if (!this.#components.conduct.spend(peer, PEERS_PROTOCOL, 'costly')) {
				throw new PosterError('stream-busy', 'asked more often than allowed');
			}
			const instance = await new FrameReader(stream).read(INSTANCE_BYTES, signal);
			if (instance === undefined) throw new PosterError('stream-truncated', 'the stream ended without a request');
			if (instance.byteLength !== INSTANCE_BYTES) {
				throw new PosterError('stream-bad-request', 'an instance number has 16 bytes');
			}
			const cloned = await this.#cloned(connection, Buffer.from(instance).toString('hex'), signal);
			await writeFrame(stream, encode([cloned, await this.#known(peer)]), signal);
			await stream.close({ signal });
		} catch (error) {
			if (isGarbage(error) && connection.status === 'open') {
				this.#components.conduct.garbage(peer, PEERS_PROTOCOL, error.code);
			}
			throw error;
		}
	}

	/** True when another process of the same identity answers on another connection right now. */
	async #cloned(connection: Connection, instance: string, signal: AbortSignal): Promise<boolean> {
		this.#instances.set(connection, instance);
		const others = this.#components.node.getConnections(connection.remotePeer).filter((other) => {
			const known = this.#instances.get(other);
			return other.status === 'open' && known !== undefined && known !== instance;
		});
		const alive = await Promise.all(others.map((other) => ping(other, signal)));
		return alive.includes(true);
	}

	async #known(asking: NodeId): Promise<readonly [string, readonly string[]][]> {
		const { node } = this.#components;
		const known: [string, readonly string[]][] = [];
		for (const id of node.getPeers()) {
			const text = id.toString();
			if (text === asking || known.length === limits.connections || !(await node.peerStore.has(id))) continue;
			const { addresses } = await node.peerStore.get(id);
			const texts = addresses.slice(0, limits.peerAddresses).map(({ multiaddr }) => multiaddr.toString());
			if (texts.length > 0) known.push([text, texts]);
		}
		return known;
	}
}

function parseAnswer(bytes: Uint8Array): { cloned: boolean; peers: KnownPeer[] } {
	const bad = (cause?: unknown): PosterError =>
		new PosterError('stream-bad-request', 'malformed answer of the address exchange', { cause });
	let value: unknown;
	try {
		value = decode(bytes);
	} catch (error) {
		throw bad(error);
	}
	if (!Array.isArray(value) || typeof value[0] !== 'boolean' || !Array.isArray(value[1])) throw bad();
	if (value[1].length > limits.connections) throw bad();
	const peers = value[1].map((entry: unknown): KnownPeer => {
		if (!Array.isArray(entry) || !isText(entry[0], limits.peerIdChars) || !Array.isArray(entry[1])) throw bad();
		const addresses: unknown[] = entry[1];
		if (addresses.length > limits.peerAddresses) throw bad();
		return {
			id: nodeId(entry[0]),
			addresses: addresses.map((text) => {
				if (!isText(text, limits.multiaddrChars)) throw bad();
				return text;
			}),
		};
	});
	return { cloned: value[0], peers };
}

function isText(value: unknown, maxChars: number): value is string {
	return typeof value === 'string' && value.length <= maxChars;
}
