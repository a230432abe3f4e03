/**
 * The three network ports in memory: nodes of one `MemoryNetwork` that list each other as members are connected. Every
 * delivery takes at least one turn of the event loop, as on a real network; nothing is delivered to a node that is gone.
 */
import { createHash } from 'node:crypto';
import { assert, PosterError } from '../../src/domain/errors.ts';
import type { ActorId, NodeId } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { Directory } from '../../src/ports/directory.ts';
import type { Ban, DisconnectCause, Mesh, MeshHandlers, MeshMember } from '../../src/ports/mesh.ts';
import { MemoryStreams } from './memory-streams.ts';

/** Until two members that lost each other are connected again. */
const RECONNECT_MS = 20;

export class MemoryNetwork {
	readonly #nodes = new Map<NodeId, MemoryNode>();
	/** Pairs that cannot reach each other, `a b` with a < b. */
	readonly #cut = new Set<string>();

	node(id: NodeId): MemoryNode {
		assert(!this.#nodes.has(id), 'one node for each id');
		const node = new MemoryNode(this, id);
		this.#nodes.set(id, node);
		return node;
	}

	get(id: NodeId): MemoryNode | undefined {
		return this.#nodes.get(id);
	}

	/** Cuts or mends the link between two nodes; a cut is told as a reset to both. */
	setReachable(a: NodeId, b: NodeId, reachable: boolean): void {
		if (reachable) this.#cut.delete(pair(a, b));
		else this.#cut.add(pair(a, b));
		if (reachable) this.reconcile();
		else this.unlink(a, b, 'reset');
	}

	/** Connects every pair that may be connected and is not. */
	reconcile(): void {
		for (const a of this.#nodes.values()) {
			for (const b of this.#nodes.values()) {
				if (a.id < b.id && !this.#cut.has(pair(a.id, b.id)) && a.accepts(b.id) && b.accepts(a.id)) link(a, b);
			}
		}
	}

	unlink(a: NodeId, b: NodeId, cause: DisconnectCause): void {
		this.#nodes.get(a)?.lost(b, cause);
		this.#nodes.get(b)?.lost(a, cause);
	}
}

function pair(a: NodeId, b: NodeId): string {
	return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function link(a: MemoryNode, b: MemoryNode): void {
	if (a.peers.has(b.id)) return;
	a.found(b.id);
	b.found(a.id);
}

export class MemoryNode {
	readonly id: NodeId;
	readonly mesh: Mesh;
	readonly streams: MemoryStreams;
	readonly directory: Directory;
	readonly peers = new Set<NodeId>();
	readonly #network: MemoryNetwork;
	#members = new Set<NodeId>();
	#handlers: MeshHandlers | undefined;
	#seen = new Set<string>();
	#running = false;

	constructor(network: MemoryNetwork, id: NodeId) {
		this.id = id;
		this.#network = network;
		this.mesh = new MemoryMesh(this);
		this.streams = new MemoryStreams(id, (peer) => (this.peers.has(peer) ? network.get(peer)?.streams : undefined));
		this.directory = new MemoryDirectory(network, this);
	}

	/** What a SIGKILL does. */
	kill(): void {
		this.#leave('reset');
	}

	async stop(): Promise<void> {
		this.#leave('closed');
	}

	start(handlers: MeshHandlers): void {
		assert(this.#handlers === undefined, 'the mesh starts once');
		this.#handlers = handlers;
		this.#running = true;
		setImmediate(() => this.#network.reconcile());
	}

	accepts(peer: NodeId): boolean {
		return this.#running && this.#members.has(peer) && peer !== this.id;
	}

	setMembers(members: readonly MeshMember[]): void {
		this.#members = new Set(members.map(({ id }) => id));
		for (const peer of this.peers) if (!this.#members.has(peer)) this.#network.unlink(this.id, peer, 'closed');
		setImmediate(() => this.#network.reconcile());
	}

	hangUp(peer: NodeId): void {
		this.#network.unlink(this.id, peer, 'closed');
		setTimeout(() => this.#network.reconcile(), RECONNECT_MS);
	}

	publish(bytes: Uint8Array): void {
		if (bytes.byteLength > limits.gossipBytes) {
			throw new PosterError('mesh-too-long', 'a gossip message is longer than allowed');
		}
		const copy = Uint8Array.from(bytes);
		if (this.#isNew(copy)) this.#flood(copy, undefined);
	}

	#flood(bytes: Uint8Array, except: NodeId | undefined): void {
		for (const peer of this.peers) {
			if (peer !== except) setImmediate(() => this.#network.get(peer)?.hear(this.id, bytes));
		}
	}

	hear(relay: NodeId, bytes: Uint8Array): void {
		if (!this.peers.has(relay) || !this.#isNew(bytes)) return;
		if (this.#handlers?.gossip(relay, bytes) === 'accept') this.#flood(bytes, relay);
	}

	#isNew(bytes: Uint8Array): boolean {
		const id = createHash('sha256').update(bytes).digest('hex');
		if (this.#seen.has(id)) return false;
		this.#seen.add(id);
		return true;
	}

	found(peer: NodeId): void {
		this.peers.add(peer);
		this.#handlers?.connected(peer);
	}

	lost(peer: NodeId, cause: DisconnectCause): void {
		if (!this.peers.delete(peer)) return;
		this.streams.cut(peer);
		this.#handlers?.disconnected(peer, cause);
	}

	#leave(cause: DisconnectCause): void {
		if (!this.#running) return;
		this.#running = false;
		for (const peer of this.peers) this.#network.unlink(this.id, peer, cause);
	}
}

class MemoryMesh implements Mesh {
	readonly self: NodeId;
	readonly #node: MemoryNode;

	constructor(node: MemoryNode) {
		this.self = node.id;
		this.#node = node;
	}

	addresses(): readonly string[] {
		return [`/memory/${this.self}`];
	}

	async start(handlers: MeshHandlers): Promise<void> {
		this.#node.start(handlers);
	}

	async stop(): Promise<void> {
		await this.#node.stop();
	}

	async publish(bytes: Uint8Array): Promise<void> {
		this.#node.publish(bytes);
	}

	peers(): readonly NodeId[] {
		return [...this.#node.peers];
	}

	setMembers(members: readonly MeshMember[]): void {
		this.#node.setMembers(members);
	}

	async probe(peer: NodeId, _timeoutMs: number): Promise<boolean> {
		await new Promise((resolve) => setImmediate(resolve));
		return this.#node.peers.has(peer);
	}

	async hangUp(peer: NodeId): Promise<void> {
		this.#node.hangUp(peer);
	}

	bans(): readonly Ban[] {
		return [];
	}

	pardon(): boolean {
		return false;
	}
}

class MemoryDirectory implements Directory {
	readonly #network: MemoryNetwork;
	readonly #node: MemoryNode;
	readonly #blocks = new Map<ActorId, ReadonlySet<number>>();

	constructor(network: MemoryNetwork, node: MemoryNode) {
		this.#network = network;
		this.#node = node;
	}

	provide(miner: ActorId, blocks: readonly number[]): void {
		this.#blocks.set(miner, new Set(blocks));
	}

	async *find(
		miner: ActorId,
		block: number,
		options: { readonly timeoutMs: number; readonly limit: number; readonly signal?: AbortSignal },
	): AsyncIterable<NodeId> {
		let left = options.limit;
		for (const peer of this.#node.peers) {
			if (options.signal?.aborted === true || left === 0) return;
			const directory = this.#network.get(peer)?.directory;
			if (!(directory instanceof MemoryDirectory) || directory.#blocks.get(miner)?.has(block) !== true) continue;
			left -= 1;
			yield peer;
		}
	}
}
