/**
 * What each member has used up of its quotas. They belong to the member and not to a connection: whoever hangs up and
 * comes back, or connects eight times, has no more of them.
 */
import type { NodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Membership } from './membership.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

export type Quota = keyof typeof limits.quotas;

/** Not a quota whose breach is a flood, but kept like one. */
const STRIKES = 'strikes';
const STRIKE_RATE: Rate = { perSecond: 1000 / limits.strikeForgiveMs, burst: limits.strikes };

export class PeerQuotas {
	readonly #clock: Clock;
	readonly #membership: Membership;
	/** Keyed by members only, so the map is bounded by the roster. */
	readonly #peers = new Map<NodeId, Map<string, TokenBucket>>();

	constructor(clock: Clock, membership: Membership) {
		this.#clock = clock;
		this.#membership = membership;
	}

	/** Takes `cost` of the quota; false when the peer has not so much left. */
	take(peer: NodeId, quota: Quota, cost: number): boolean {
		return this.#bucket(peer, quota, limits.quotas[quota]).take(cost);
	}

	/** Counts one piece of garbage; true when the peer has used up what is forgiven. */
	strike(peer: NodeId): boolean {
		return !this.#bucket(peer, STRIKES, STRIKE_RATE).take(1);
	}

	#bucket(peer: NodeId, name: string, rate: Rate): TokenBucket {
		const buckets = this.#of(peer);
		const known = buckets.get(name);
		if (known !== undefined) return known;
		const fresh = new TokenBucket(this.#clock, rate);
		buckets.set(name, fresh);
		return fresh;
	}

	#of(peer: NodeId): Map<string, TokenBucket> {
		const known = this.#peers.get(peer);
		if (known !== undefined) return known;
		const fresh = new Map<string, TokenBucket>();
		// A connection that is just being hung up may still speak: what it uses is nowhere kept.
		if (!this.#membership.has(peer)) return fresh;
		for (const id of this.#peers.keys()) if (!this.#membership.has(id)) this.#peers.delete(id);
		this.#peers.set(peer, fresh);
		return fresh;
	}
}
