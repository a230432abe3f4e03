/**
 * What this node asks of one member stays below that one's quota, however much is wanted at once: three thousand
 * manifests of one announcer, or the partitions of eight GPUs from one holder, must not look like a flood to it.
 */
import type { NodeId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Membership } from './membership.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

export class Pace {
	readonly #clock: Clock;
	readonly #membership: Membership;
	readonly #rate: Rate;
	/** Keyed by members only, so the map is bounded by the roster. */
	readonly #buckets = new Map<NodeId, TokenBucket>();

	constructor(clock: Clock, membership: Membership, rate: Rate) {
		this.#clock = clock;
		this.#membership = membership;
		this.#rate = rate;
	}

	/** Resolves when so much more may be asked of the peer, at most the rate's burst; rejects with the signal's reason. */
	async turn(peer: NodeId, cost: number, signal: AbortSignal): Promise<void> {
		const bucket = this.#bucket(peer);
		while (!bucket.take(cost)) {
			await this.#clock.sleep(bucket.msUntil(cost), signal);
		}
	}

	#bucket(peer: NodeId): TokenBucket {
		const known = this.#buckets.get(peer);
		if (known !== undefined) return known;
		const fresh = new TokenBucket(this.#clock, this.#rate);
		if (!this.#membership.has(peer)) return fresh;
		for (const id of this.#buckets.keys()) if (!this.#membership.has(id)) this.#buckets.delete(id);
		this.#buckets.set(peer, fresh);
		return fresh;
	}
}
