/** Seeded pseudo-random numbers (mulberry32): a run is its seed, on every machine. */
export class Random {
	#state: number;

	constructor(seed: number) {
		this.#state = seed >>> 0;
	}

	/** An integer from 0 to 2^32 - 1. */
	next(): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let t = this.#state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return (t ^ (t >>> 14)) >>> 0;
	}

	/** An integer from `min` to `max`, both included. */
	between(min: number, max: number): number {
		return min + (this.next() % (max - min + 1));
	}

	/** True with a probability of `permille` / 1000. */
	chance(permille: number): boolean {
		return this.next() % 1000 < permille;
	}

	pick<T>(values: readonly T[]): T {
		return values[this.next() % values.length] as T;
	}
}
