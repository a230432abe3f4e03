import type { NodeId } from '../domain/ids.ts';

/**
 * What becomes of a gossiped message. `ignore`: not passed on, nobody's fault. `reject`: no honest member passes such
 * bytes on; repeated, it is a breach of the relay. `flood`: the relay itself said more than it may, and is banned.
 */
export type GossipVerdict = 'accept' | 'ignore' | 'reject' | 'flood';

/** `reset`: the connection died without a goodbye (killed process); `closed`: either side hung up in order. */
export type DisconnectCause = 'reset' | 'closed';

export interface MeshMember {
	readonly id: NodeId;
	/** Multiaddrs to dial, may be empty for a member that dials us. */
	readonly addresses: readonly string[];
}

export interface MeshHandlers {
	/** Must decide within a millisecond: decode, roster, quota, signature; the rest is enqueued. */
	gossip(relay: NodeId, bytes: Uint8Array): GossipVerdict;
	connected(peer: NodeId): void;
	disconnected(peer: NodeId, cause: DisconnectCause): void;
}

/** A member that broke the rules and is refused for a while. */
export interface Ban {
	readonly peer: NodeId;
	/** `garbage`, `flood-…` or `stream-too-long`: as the label of `poster_mesh_bans_total`. */
	readonly reason: string;
	readonly leftMs: number;
	/** Bans in a row: each doubles the next. */
	readonly times: number;
}

/** The gossip side of the network: one topic, membership, liveness. */
export interface Mesh {
	readonly self: NodeId;
	/** Own listening multiaddrs, with the peer id. */
	addresses(): readonly string[];
	/** Once. Rejects `mesh-listen` when the address cannot be listened at. */
	start(handlers: MeshHandlers): Promise<void>;
	stop(): Promise<void>;
	/**
	 * Floods bytes (at most `limits.gossipBytes`) to the mesh. Never waits for slow peers; a node alone succeeds.
	 * Bytes that were published before go nowhere. Rejects `mesh-too-long`.
	 */
	publish(bytes: Uint8Array): Promise<void>;
	/** Connected members. */
	peers(): readonly NodeId[];
	/** Replaces the membership: others are refused, and hung up if connected; the listed ones are dialled. */
	setMembers(members: readonly MeshMember[]): void;
	/** True if the peer answers a ping within `timeoutMs`. */
	probe(peer: NodeId, timeoutMs: number): Promise<boolean>;
	hangUp(peer: NodeId): Promise<void>;
	/** Members that are banned now. Not kept over a restart. */
	bans(): readonly Ban[];
	/** Lifts a ban; false when there is none. */
	pardon(peer: NodeId): boolean;
}
