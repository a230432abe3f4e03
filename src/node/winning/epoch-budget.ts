/** How often something may be done within the time of an epoch, by name. A sliding window: no chain is needed for it. */
import type { Clock } from '../../ports/clock.ts';

export class EpochBudget {
	readonly #clock: Clock;
	readonly #most: number;
	readonly #epochMs: () => number;
	/** When it was done, the oldest first; only what is within the window is kept. */
	readonly #done = new Map<string, number[]>();

	/** At most `most` times for each name within `epochMs()`. */
	constructor(clock: Clock, most: number, epochMs: () => number) {
		this.#clock = clock;
		this.#most = most;
		this.#epochMs = epochMs;
	}

	/** Counts it; false when the budget is used up. */
	take(name: string): boolean {
		const now = this.#clock.now();
		const since = now - this.#epochMs();
		for (const [known, times] of this.#done) {
			const recent = times.filter((at) => at > since);
			if (recent.length === 0) this.#done.delete(known);
			else this.#done.set(known, recent);
		}
		const times = this.#done.get(name) ?? [];
		if (times.length >= this.#most) return false;
		this.#done.set(name, [...times, now]);
		return true;
	}
}
