/**
 * This node's own streams to one member stay below the quota of those, whatever the core asks for at once: three
 * thousand manifests of one announcer must not look like a flood to it.
 */
import type { NodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Membership } from './membership.ts';
import { TokenBucket } from './token-bucket.ts';

const STEP_MS = 1000 / limits.callPace.perSecond;

export class Pace {
	readonly #clock: Clock;
	readonly #membership: Membership;
	/** Keyed by members only, so the map is bounded by the roster. */
	readonly #buckets = new Map<NodeId, TokenBucket>();

	constructor(clock: Clock, membership: Membership) {
		this.#clock = clock;
		this.#membership = membership;
	}

	/** Resolves when one more stream may be opened to the peer; rejects with the signal's reason. */
	async turn(peer: NodeId, signal: AbortSignal): Promise<void> {
		const bucket = this.#bucket(peer);
		while (!bucket.take(1)) {
			await this.#clock.sleep(STEP_MS, signal);
		}
	}

	#bucket(peer: NodeId): TokenBucket {
		const known = this.#buckets.get(peer);
		if (known !== undefined) return known;
		const fresh = new TokenBucket(this.#clock, limits.callPace);
		if (!this.#membership.has(peer)) return fresh;
		for (const id of this.#buckets.keys()) if (!this.#membership.has(id)) this.#buckets.delete(id);
		this.#buckets.set(peer, fresh);
		return fresh;
	}
}
