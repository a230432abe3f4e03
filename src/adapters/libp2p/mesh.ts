/** The mesh port on libp2p: one topic, members only, who is connected and how a connection ended. */
import type { GossipSub } from '@chainsafe/libp2p-gossipsub';
import type { Identify } from '@libp2p/identify';
import type { Connection, Libp2p, StreamCloseEvent } from '@libp2p/interface';
import { assert, PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Ban, DisconnectCause, Mesh, MeshHandlers, MeshMember } from '../../ports/mesh.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Conduct } from './conduct.ts';
import type { Dialer } from './dialer.ts';
import { GOSSIP_PROTOCOLS, joinTopic } from './gossip.ts';
import type { Membership } from './membership.ts';
import type { PeerExchange } from './peer-exchange.ts';
import { ping } from './peer-exchange.ts';
import type { RememberedAddresses } from './remembered-addresses.ts';
import type { YamuxGuard } from './yamux-guard.ts';
import { saidGoodbye } from './yamux-guard.ts';

export interface MeshComponents {
	readonly node: Libp2p;
	readonly pubsub: GossipSub;
	readonly identify: Identify;
	readonly membership: Membership;
	readonly conduct: Conduct;
	readonly yamux: YamuxGuard;
	readonly dialer: Dialer;
	readonly remembered: RememberedAddresses;
	readonly exchange: PeerExchange;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
	/** Runs once the node listens, and before it hangs up. */
	readonly listening: () => void;
	readonly stopping: () => void;
}

export class Libp2pMesh implements Mesh {
	readonly self: NodeId;
	readonly #components: MeshComponents;
	readonly #topic: string;
	/** Open connections of each member; two while both sides dialled at once. */
	readonly #connections = new Map<NodeId, Set<Connection>>();
	/** Connections that this node closes in order. */
	readonly #closing = new WeakSet<Connection>();
	#handlers: MeshHandlers | undefined;
	#cancelRepair: (() => void) | undefined;
	#stopped: Promise<void> | undefined;

	constructor(components: MeshComponents, topic: string) {
		this.#components = components;
		this.#topic = topic;
		this.self = nodeId(components.node.peerId.toString());
	}

	addresses(): readonly string[] {
		return this.#components.node.getMultiaddrs().map(String);
	}

	async start(handlers: MeshHandlers): Promise<void> {
		assert(this.#handlers === undefined, 'the mesh starts once');
		this.#handlers = handlers;
		const { node, dialer, remembered, exchange, listening } = this.#components;
		node.addEventListener('connection:open', ({ detail }) => this.#opened(detail));
		await remembered.load();
		await exchange.register();
		try {
			await node.start();
		} catch (cause) {
			const reasons = refusals(cause);
			throw new PosterError('mesh-listen', `the node cannot listen: ${reasons}`, {
				cause,
				advice:
					LISTEN_ADVICE.find(([reason]) => reasons.includes(reason))?.[1] ??
					'Correct [network] listen: TCP addresses such as /ip4/0.0.0.0/tcp/4101.',
			});
		}
		const { pubsub, metrics, conduct, clock } = this.#components;
		joinTopic(pubsub, { topic: this.#topic, metrics, conduct, clock }, (relay, bytes) => handlers.gossip(relay, bytes));
		listening();
		dialer.start();
		this.#scheduleRepair();
	}

	stop(): Promise<void> {
		this.#stopped ??= this.#stop();
		return this.#stopped;
	}

	async #stop(): Promise<void> {
		const { node, dialer, remembered, stopping } = this.#components;
		this.#cancelRepair?.();
		dialer.stop();
		stopping();
		await remembered.update();
		// Before `node.stop()`, which destroys the sockets of inbound connections without a goodbye.
		await Promise.all(node.getConnections().map((connection) => this.#close(connection)));
		await node.stop();
	}

	async publish(bytes: Uint8Array): Promise<void> {
		if (bytes.byteLength > limits.gossipBytes) {
			const meta = { bytes: bytes.byteLength, maxBytes: limits.gossipBytes };
			throw new PosterError('mesh-too-long', 'a gossip message is longer than allowed', { meta });
		}
		// The loop runs before the network does and after it: to nobody goes what is said without peers.
		if (this.#components.node.status !== 'started') return;
		await this.#components.pubsub.publish(this.#topic, bytes);
		this.#components.metrics.count('poster_gossip_published_total');
	}

	peers(): readonly NodeId[] {
		// A removed member is still saying goodbye for a round trip.
		return [...this.#connections.keys()].filter((peer) => this.#components.membership.has(peer));
	}

	setMembers(members: readonly MeshMember[]): void {
		const { membership, dialer } = this.#components;
		membership.replace(members.map(({ id }) => id));
		for (const peer of this.#connections.keys()) if (!membership.has(peer)) void this.hangUp(peer);
		dialer.setMembers(members);
	}

	async probe(peer: NodeId, timeoutMs: number): Promise<boolean> {
		const connections = [...(this.#connections.get(peer) ?? [])];
		const signal = AbortSignal.timeout(timeoutMs);
		const answers = await Promise.all(connections.map((connection) => ping(connection, signal)));
		return answers.includes(true);
	}

	async hangUp(peer: NodeId): Promise<void> {
		await Promise.all([...(this.#connections.get(peer) ?? [])].map((connection) => this.#close(connection)));
	}

	bans(): readonly Ban[] {
		return this.#components.membership.bans();
	}

	pardon(peer: NodeId): boolean {
		const { membership, dialer, metrics } = this.#components;
		if (!membership.pardon(peer)) return false;
		metrics.gauge('poster_mesh_banned', membership.bans().length);
		dialer.repair();
		return true;
	}

	/** Cuts a peer that broke the rules. */
	drop(peer: NodeId): void {
		for (const connection of this.#connections.get(peer) ?? []) {
			this.#closing.add(connection);
			connection.abort(new PosterError('mesh-refused', 'peer dropped'));
		}
	}

	async #close(connection: Connection): Promise<void> {
		this.#closing.add(connection);
		// Closing waits for every stream, and skips the goodbye when one of them fails meanwhile: end them first.
		const goodbye = new PosterError('mesh-closed', 'this node hangs up');
		for (const stream of [...connection.streams]) stream.abort(goodbye);
		try {
			await connection.close({ signal: AbortSignal.timeout(limits.closeMs) });
		} catch (error) {
			connection.abort(error instanceof Error ? error : new Error('close failed', { cause: error }));
		}
	}

	#opened(connection: Connection): void {
		const peer = nodeId(connection.remotePeer.toString());
		const { membership, conduct, yamux, metrics } = this.#components;
		const open = this.#connections.get(peer);
		// Removed or banned during the handshake, after the gater was asked; or one connection too many.
		const refused = membership.refusal(peer) !== undefined || !conduct.spend(peer, 'noise', 'connections');
		const tooMany = open !== undefined && open.size >= limits.connectionsPerPeer;
		if (tooMany) metrics.count('poster_mesh_refused_total', { reason: 'connections' });
		if (refused || tooMany) {
			connection.abort(new PosterError('mesh-refused', 'no member of the mesh, or too many connections'));
			return;
		}
		yamux.owned(connection, peer);
		// Cut before libp2p told of it: its end would never be heard.
		if (connection.status !== 'open') return;
		connection.addEventListener('close', (event) => this.#closed(peer, connection, event));
		if (open === undefined) this.#connections.set(peer, new Set([connection]));
		else open.add(connection);
		this.#components.exchange.ask(connection);
		if (open !== undefined) return;
		this.#components.dialer.connected(peer);
		this.#components.log.info({ peer, address: connection.remoteAddr.toString() }, 'peer connected');
		this.#handlers?.connected(peer);
	}

	#closed(peer: NodeId, connection: Connection, event: StreamCloseEvent): void {
		const open = this.#connections.get(peer);
		open?.delete(connection);
		if (open === undefined || open.size > 0) return;
		this.#connections.delete(peer);
		// A killed process closes its sockets too, but it cannot say goodbye first.
		const orderly = this.#closing.has(connection) || (event.error === undefined && saidGoodbye(connection));
		const cause: DisconnectCause = orderly ? 'closed' : 'reset';
		this.#components.metrics.count('poster_mesh_disconnects_total', { cause });
		this.#components.log.info({ peer, cause }, 'peer disconnected');
		this.#components.dialer.disconnected(peer);
		this.#handlers?.disconnected(peer, cause);
	}

	#scheduleRepair(): void {
		this.#cancelRepair = this.#components.clock.after(limits.meshRepairMs, () => {
			this.#repair();
			this.#scheduleRepair();
		});
	}

	/** What events may have missed: members not connected, peers without gossip stream, addresses not learned. */
	#repair(): void {
		this.#components.dialer.repair();
		const connections = [...this.#connections.values()].flatMap((open) => [...open]);
		for (const open of this.#connections.values()) this.#repairGossip([...open]);
		const asked = connections[Math.floor(Math.random() * connections.length)];
		if (asked !== undefined) this.#components.exchange.ask(asked);
		const { metrics, membership, remembered, log } = this.#components;
		remembered.update().catch((err: unknown) => log.error({ err }, 'addresses cannot be taken down'));
		metrics.gauge('poster_mesh_peers', this.#connections.size);
		metrics.gauge('poster_mesh_banned', membership.bans().length);
	}

	/**
	 * gossipsub opens one stream per peer, once, and never again: not when it failed, nor when of two connections the
	 * one that carries it closes. Identifying anew makes libp2p offer it the connection again.
	 */
	#repairGossip(open: readonly Connection[]): void {
		const gossiping = open.some(({ streams }) =>
			streams.some(({ direction, protocol }) => direction === 'outbound' && GOSSIP_PROTOCOLS.includes(protocol)),
		);
		const connection = open.find(({ status }) => status === 'open');
		if (gossiping || connection === undefined) return;
		this.#components.metrics.count('poster_gossip_repairs_total');
		this.#components.identify.identify(connection).catch((error: unknown) => {
			this.#components.log.debug({ peer: connection.remotePeer.toString(), err: error }, 'identify failed');
		});
	}
}

/** By what the system says. */
const LISTEN_ADVICE: readonly (readonly [reason: string, advice: string])[] = [
	['EADDRINUSE', 'Another process uses the port: choose another one in [network] listen, or stop that process.'],
	[
		'EADDRNOTAVAIL',
		'No interface of this machine has that address: listen on 0.0.0.0, and name what others dial under [network] announce.',
	],
	['EACCES', 'Ports below 1024 need a right that this user has not: choose another one in [network] listen.'],
];

/** libp2p tells on a line for each address why it failed, between an introduction and stacks. */
function refusals(cause: unknown): string {
	const message = cause instanceof Error ? cause.message : String(cause);
	const lines = message.split('\n').map((line) => line.trim());
	return lines.filter((line) => line.startsWith('/')).join('; ') || message;
}
