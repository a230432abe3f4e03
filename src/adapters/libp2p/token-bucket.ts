/** A rate with a burst: the one way in which this adapter bounds what a peer may send. */
import type { Clock } from '../../ports/clock.ts';

export interface Rate {
	readonly perSecond: number;
	/** What a bucket holds at most, and at first. */
	readonly burst: number;
}

export class TokenBucket {
	readonly #clock: Clock;
	readonly #rate: Rate;
	#tokens: number;
	#at: number;

	constructor(clock: Clock, rate: Rate) {
		this.#clock = clock;
		this.#rate = rate;
		this.#tokens = rate.burst;
		this.#at = clock.now();
	}

	/** Takes `cost` tokens; false when the bucket has not that many: nothing is taken then. */
	take(cost: number): boolean {
		if (!this.has(cost)) return false;
		this.#tokens -= cost;
		return true;
	}

	/** Until it has `cost` tokens, at most the burst, if nobody takes any: a whole number of milliseconds, at least one. */
	msUntil(cost: number): number {
		return this.has(cost) ? 1 : Math.ceil(((cost - this.#tokens) * 1000) / this.#rate.perSecond);
	}

	has(cost: number): boolean {
		const now = this.#clock.now();
		const { perSecond, burst } = this.#rate;
		this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) * perSecond) / 1000);
		this.#at = now;
		return cost <= this.#tokens;
	}
}
