/** Seeded pseudo-random numbers (mulberry32): a run is its seed, on every machine. */
export class Random {
	#state: number;

	constructor(seed: number) {
		this.#state = seed >>> 0;
	}

	/** A stream of its own for each purpose, so that more draws for one shift no other. */
	static of(seed: number, purpose: string): Random {
		let hash = 0x811c9dc5 ^ seed;
		for (let i = 0; i < purpose.length; i++) hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
		const random = new Random(hash);
		random.next();
		return random;
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

	/** `count` different members in their order, all of them when there are fewer. */
	some<T>(values: readonly T[], count: number): readonly T[] {
		const left = values.map((_, i) => i);
		const chosen = new Set<number>();
		while (chosen.size < count && left.length > 0) {
			chosen.add(left.splice(this.next() % left.length, 1)[0] as number);
		}
		return values.filter((_, i) => chosen.has(i));
	}
}
