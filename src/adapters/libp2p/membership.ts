/**
 * Who may be connected: the roster's members less those banned for a while. libp2p asks the gater at each stage of a
 * connection; the remote identity is proven before the last two questions, so a stranger is refused there and sees an abort.
 */
import type { ConnectionGater, PeerId } from '@libp2p/interface';
import type { NodeId } from '../../domain/ids.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Ban } from '../../ports/mesh.ts';
import type { Metrics } from '../../ports/metrics.ts';

export type RefusalReason = 'not-member' | 'banned';

interface BanRecord {
	readonly reason: string;
	readonly until: number;
	/** Bans in a row, this one included. */
	readonly times: number;
}

export class Membership {
	readonly #clock: Clock;
	readonly #metrics: Metrics;
	#members: ReadonlySet<NodeId> = new Set();
	/** Keyed by members only, so the map is bounded by the roster. Kept after its end, for the length of the next one. */
	readonly #bans = new Map<NodeId, BanRecord>();

	constructor(clock: Clock, metrics: Metrics) {
		this.#clock = clock;
		this.#metrics = metrics;
	}

	has(id: NodeId): boolean {
		return this.#members.has(id);
	}

	get size(): number {
		return this.#members.size;
	}

	replace(members: Iterable<NodeId>): void {
		this.#members = new Set(members);
		for (const id of this.#bans.keys()) if (!this.#members.has(id)) this.#bans.delete(id);
	}

	/** Undefined when the peer may be connected. */
	refusal(id: NodeId): RefusalReason | undefined {
		if (!this.#members.has(id)) return 'not-member';
		const ban = this.#bans.get(id);
		return ban !== undefined && this.#clock.now() < ban.until ? 'banned' : undefined;
	}

	/** Answers with its length in milliseconds. */
	ban(id: NodeId, reason: string): number {
		const now = this.#clock.now();
		const last = this.#bans.get(id);
		const times = last !== undefined && now - last.until < limits.banForgetMs ? last.times + 1 : 1;
		const lastsMs = Math.min(limits.banMs * 2 ** (times - 1), limits.banMostMs);
		if (this.#members.has(id)) this.#bans.set(id, { reason, until: now + lastsMs, times });
		return lastsMs;
	}

	/** Those of the moment. */
	bans(): readonly Ban[] {
		const now = this.#clock.now();
		return [...this.#bans]
			.filter(([, { until }]) => now < until)
			.map(([peer, { reason, until, times }]) => ({ peer, reason, leftMs: until - now, times }));
	}

	/** Lifts and forgets; false when the peer is not banned. */
	pardon(id: NodeId): boolean {
		const banned = this.refusal(id) === 'banned';
		if (banned) this.#bans.delete(id);
		return banned;
	}

	gater(): ConnectionGater {
		const deny = (peer: PeerId): boolean => {
			const reason = this.refusal(nodeId(peer.toString()));
			if (reason !== undefined) this.#metrics.count('poster_mesh_refused_total', { reason });
			return reason !== undefined;
		};
		return {
			// Not counted: the DHT and the peer store offer peers to dial that left the roster long ago.
			denyDialPeer: (peer) => this.refusal(nodeId(peer.toString())) !== undefined,
			denyInboundEncryptedConnection: deny,
			denyOutboundEncryptedConnection: deny,
			denyInboundRelayReservation: () => true,
			denyOutboundRelayedConnection: () => true,
			denyInboundRelayedConnection: () => true,
		};
	}
}
