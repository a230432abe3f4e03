/**
 * `/poster/peers/1`: on each connection, and from a random peer every few seconds, a node asks for the addresses of the
 * members that its peer is connected to. This forms the mesh from one bootstrap address, also when the DHT is dead.
 * Answers are hints: whoever answers at an address must still prove its identity.
 *
 *     request = 16 bytes, the instance of the asking process
 *     answer  = dag-cbor [clone: bytes(64) | null, [[peer id: text, [multiaddr: text, ...]], ...]]
 *
 * `clone` is what another process of the asking identity answered, on a connection of its own, to
 *
 *     /poster/instance/1: request = the same 16 bytes, answer = signature over them (`clone-watch.ts`)
 */
import { decode, encode } from '@ipld/dag-cbor';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { byteStream } from '@libp2p/utils';
import { PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { type CloneWatch, INSTANCE_BYTES, PROOF_BYTES } from './clone-watch.ts';
import type { Conduct } from './conduct.ts';
import { FrameReader, isGarbage, writeFrame } from './frames.ts';

export const PEERS_PROTOCOL = '/poster/peers/1';
export const INSTANCE_PROTOCOL = '/poster/instance/1';
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

type Answer = (connection: Connection, instance: Uint8Array, signal: AbortSignal) => Promise<Uint8Array | undefined>;

export interface PeerExchangeComponents {
	readonly node: Libp2p;
	readonly clones: CloneWatch;
	readonly conduct: Conduct;
	readonly log: Log;
	readonly metrics: Metrics;
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
		const { node, clones } = this.#components;
		const bounds = { maxInboundStreams: limits.streamsPerProtocol };
		const tell: Answer = async (connection, instance, signal) =>
			encode([await this.#proofOfClone(connection, instance, signal), await this.#known(connection)]);
		const prove: Answer = (_connection, instance) => clones.proveTo(instance);
		await node.handle(PEERS_PROTOCOL, (stream, at) => this.#serve(PEERS_PROTOCOL, stream, at, tell), bounds);
		await node.handle(INSTANCE_PROTOCOL, (stream, at) => this.#serve(INSTANCE_PROTOCOL, stream, at, prove), bounds);
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
		const { clones, learned } = this.#components;
		const signal = AbortSignal.timeout(limits.peerExchangeMs);
		const bytes = await call(connection, PEERS_PROTOCOL, clones.instance, limits.peerExchangeBytes, signal);
		if (bytes === undefined) throw new PosterError('stream-reset', 'no answer');
		const answer = parseAnswer(bytes);
		const from = nodeId(connection.remotePeer.toString());
		if (answer.clone !== undefined && !(await clones.seenBy(from, answer.clone))) {
			throw new PosterError('stream-bad-request', 'the proof of another process of this identity is none');
		}
		for (const peer of answer.peers) await learned(peer);
	}

	/** Reads the instance of the asking process and sends what `answer` makes of it, if anything. */
	async #serve(protocol: string, stream: Stream, connection: Connection, answer: Answer): Promise<void> {
		const signal = AbortSignal.timeout(limits.requestReadMs);
		const peer = nodeId(connection.remotePeer.toString());
		try {
			if (!this.#components.conduct.spend(peer, protocol, 'costly')) {
				throw new PosterError('stream-busy', 'asked more often than allowed');
			}
			const instance = await new FrameReader(stream).read(INSTANCE_BYTES, signal);
			if (instance === undefined) throw new PosterError('stream-truncated', 'the stream ended without a request');
			if (instance.byteLength !== INSTANCE_BYTES) {
				throw new PosterError('stream-bad-request', 'an instance number has 16 bytes');
			}
			const bytes = await answer(connection, instance, signal);
			if (bytes !== undefined) await writeFrame(stream, bytes, signal);
			await stream.close({ signal });
			signal.addEventListener('abort', () => this.#endRest(stream), { once: true });
		} catch (error) {
			const broken = error instanceof PosterError ? error.code : 'stream-reset';
			const reason = signal.aborted ? 'stream-timeout' : broken;
			this.#components.metrics.count('poster_stream_failures_total', { side: 'server', reason });
			if (isGarbage(error) && connection.status === 'open') {
				this.#components.conduct.garbage(peer, protocol, error.code);
			}
			throw error;
		}
	}

	/** Who goes on sending after the answer holds no stream. */
	#endRest(stream: Stream): void {
		if (stream.remoteWriteStatus !== 'writable') return;
		this.#components.metrics.count('poster_stream_failures_total', { side: 'server', reason: 'stream-timeout' });
		stream.abort(new PosterError('stream-timeout', 'the end did not come after the answer'));
	}

	/** Signed by another process of the same identity that answers on another connection right now; null without one. */
	async #proofOfClone(connection: Connection, instance: Uint8Array, signal: AbortSignal): Promise<Uint8Array | null> {
		const text = Buffer.from(instance).toString('hex');
		this.#instances.set(connection, text);
		const others = this.#components.node.getConnections(connection.remotePeer).filter((other) => {
			const known = this.#instances.get(other);
			return other.status === 'open' && known !== undefined && known !== text;
		});
		const proofs = others.map(async (other): Promise<Uint8Array> => {
			const proof = await call(other, INSTANCE_PROTOCOL, instance, PROOF_BYTES, signal);
			if (proof?.byteLength === PROOF_BYTES) return proof;
			throw new PosterError('stream-reset', 'no proof');
		});
		return Promise.any(proofs).catch((error: unknown) => {
			// Nobody there, or nobody that answers in time: the ordinary case of a connection that a restart left behind.
			if (error instanceof AggregateError) return null;
			throw error;
		});
	}

	async #known({ remotePeer }: Connection): Promise<readonly [string, readonly string[]][]> {
		const { node } = this.#components;
		const asking = remotePeer.toString();
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

/** One frame there, one frame back: undefined when the peer closed without one. */
async function call(
	connection: Connection,
	protocol: string,
	request: Uint8Array,
	maxBytes: number,
	signal: AbortSignal,
): Promise<Uint8Array | undefined> {
	const stream = await connection.newStream(protocol, { signal });
	try {
		const reader = new FrameReader(stream);
		await writeFrame(stream, request, signal);
		await stream.close({ signal });
		return await reader.read(maxBytes, signal);
	} catch (error) {
		stream.abort(error instanceof Error ? error : new Error('exchange failed', { cause: error }));
		throw error;
	}
}

function parseAnswer(bytes: Uint8Array): { clone: Uint8Array | undefined; peers: KnownPeer[] } {
	const bad = (cause?: unknown): PosterError =>
		new PosterError('stream-bad-request', 'malformed answer of the address exchange', { cause });
	let value: unknown;
	try {
		value = decode(bytes);
	} catch (error) {
		throw bad(error);
	}
	if (!Array.isArray(value) || !Array.isArray(value[1])) throw bad();
	const clone: unknown = value[0];
	if (clone !== null && !(clone instanceof Uint8Array && clone.byteLength === PROOF_BYTES)) throw bad();
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
	return { clone: clone ?? undefined, peers };
}

function isText(value: unknown, maxChars: number): value is string {
	return typeof value === 'string' && value.length <= maxChars;
}
