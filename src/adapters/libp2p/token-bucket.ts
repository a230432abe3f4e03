/** A rate with a burst: the one way in which this adapter bounds what a peer may send. */
import type { Clock } from '../../ports/clock.ts';

export class TokenBucket {
	readonly #clock: Clock;
	readonly #perSecond: number;
	readonly #burst: number;
	#tokens: number;
	#at: number;

	constructor(clock: Clock, perSecond: number, burst: number) {
		this.#clock = clock;
		this.#perSecond = perSecond;
		this.#burst = burst;
		this.#tokens = burst;
		this.#at = clock.now();
	}

	/** Takes `cost` tokens; false when the bucket has not that many: nothing is taken then. */
	take(cost: number): boolean {
		const now = this.#clock.now();
		this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) * this.#perSecond) / 1000);
		this.#at = now;
		if (cost > this.#tokens) return false;
		this.#tokens -= cost;
		return true;
	}
}
