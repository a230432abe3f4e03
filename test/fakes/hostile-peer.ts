/** A member that speaks libp2p by the book and then sends whatever a test likes, below and beside our adapter. */

import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import { type Identify, identify } from '@libp2p/identify';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import type { NodeId } from '../../src/domain/ids.ts';
import { nodeId } from '../../src/domain/ids.ts';
import { MESH_KEY, privateKeyOf } from '../support/libp2p-nodes.ts';

/** A connection that is cut meanwhile may leave the negotiation of a stream hanging. */
const SEND_MS = 10_000;

export class HostilePeer {
	readonly id: NodeId;
	/** The latest one. */
	connection: Connection;
	readonly #node: Libp2p<{ identify: Identify }>;

	private constructor(node: Libp2p<{ identify: Identify }>, connection: Connection) {
		this.#node = node;
		this.connection = connection;
		this.id = nodeId(node.peerId.toString());
	}

	static async connect(seed: number, address: string): Promise<HostilePeer> {
		return HostilePeer.join({ privateKey: await privateKeyOf(seed), meshKey: MESH_KEY }, address);
	}

	static async join(keys: { privateKey: Uint8Array; meshKey: Uint8Array }, address: string): Promise<HostilePeer> {
		const node = await createLibp2p({
			privateKey: privateKeyFromProtobuf(keys.privateKey),
			transports: [tcp()],
			connectionEncrypters: [noise({ prologueBytes: keys.meshKey })],
			streamMuxers: [yamux()],
			// It would hang up itself on a node that is too busy with it to answer.
			connectionMonitor: { enabled: false },
			services: { identify: identify({ maxOutboundStreams: 8 }), ping: ping() },
		});
		try {
			return new HostilePeer(node, await node.dial(multiaddr(address)));
		} catch (error) {
			await node.stop();
			throw error;
		}
	}

	/** Hangs up and dials anew. */
	async reconnect(address: string): Promise<void> {
		await this.connection.close();
		this.connection = await this.dial(address);
	}

	/** Dials anew after it was cut. */
	async comeBack(address: string): Promise<void> {
		this.connection = await this.dial(address);
	}

	/** One more connection beside those that are open. */
	dial(address: string): Promise<Connection> {
		return this.#node.dial(multiaddr(address), { force: true });
	}

	/** Every protocol that the other side says it speaks. */
	async protocols(): Promise<readonly string[]> {
		return (await this.#node.services.identify.identify(this.connection)).protocols;
	}

	/** Opens a stream, sends the bytes and, unless it is to stay open, closes the sending side. */
	async send(protocol: string, bytes: Uint8Array, stayOpen = false): Promise<Stream> {
		const stream = await this.connection.newStream(protocol, { signal: AbortSignal.timeout(SEND_MS) });
		stream.addEventListener('message', () => undefined);
		stream.send(bytes);
		if (!stayOpen) await stream.close();
		return stream;
	}

	/** Answers every stream of the protocol with the same bytes, whatever was asked; `count` tells how often. */
	async serve(protocol: string, answer: Uint8Array, count: () => void): Promise<void> {
		await this.#node.handle(protocol, async (stream) => {
			stream.addEventListener('message', () => undefined);
			count();
			stream.send(answer);
			await stream.close();
		});
	}

	/** Hands on what comes on streams of the protocol, and answers nothing. */
	async listen(protocol: string, heard: (bytes: Uint8Array) => void): Promise<void> {
		await this.#node.handle(protocol, (stream) => {
			stream.addEventListener('message', ({ data }) => heard(data.subarray()));
		});
	}

	/** Bytes inside the encrypted connection, below the streams. */
	sendBelowStreams(bytes: Uint8Array): void {
		const inside = this.connection as unknown as { muxer: { maConn: { send(bytes: Uint8Array): void } } };
		inside.muxer.maConn.send(bytes);
	}

	async stop(): Promise<void> {
		await this.#node.stop();
	}
}
