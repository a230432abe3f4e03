/**
 * Who may be connected: the roster's members less those banned for a minute. libp2p asks the gater at each stage of a
 * connection; the remote identity is proven before the last two questions, so a stranger is refused there and sees an abort.
 */
import type { ConnectionGater, PeerId } from '@libp2p/interface';
import type { NodeId } from '../../domain/ids.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { TokenBucket } from './token-bucket.ts';

export type RefusalReason = 'not-member' | 'banned';

export class Membership {
	readonly #clock: Clock;
	readonly #metrics: Metrics;
	#members: ReadonlySet<NodeId> = new Set();
	/** Keyed by members only, so both maps are bounded by the roster. */
	readonly #bannedUntil = new Map<NodeId, number>();
	readonly #strikes = new Map<NodeId, TokenBucket>();

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
		for (const map of [this.#bannedUntil, this.#strikes]) {
			for (const id of map.keys()) if (!this.#members.has(id)) map.delete(id);
		}
	}

	/** Undefined when the peer may be connected. */
	refusal(id: NodeId): RefusalReason | undefined {
		if (!this.#members.has(id)) return 'not-member';
		const until = this.#bannedUntil.get(id);
		if (until === undefined) return undefined;
		if (this.#clock.now() < until) return 'banned';
		this.#bannedUntil.delete(id);
		return undefined;
	}

	ban(id: NodeId): void {
		if (this.#members.has(id)) this.#bannedUntil.set(id, this.#clock.now() + limits.banMs);
	}

	/** Counts one piece of garbage; true when the peer has used up what is forgiven. */
	strike(id: NodeId): boolean {
		let bucket = this.#strikes.get(id);
		if (bucket === undefined) {
			bucket = new TokenBucket(this.#clock, 1000 / limits.strikeForgiveMs, limits.strikes);
			if (this.#members.has(id)) this.#strikes.set(id, bucket);
		}
		return !bucket.take(1);
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
