/**
 * A map that is iterated in key order whatever the order of insertion, so that two nodes which learned the same facts
 * in different order decide alike. Members may be removed while it is iterated.
 */
export class SortedMap<K extends string | number, V> {
	readonly #values = new Map<K, V>();
	#keys: readonly K[] | null = [];

	get size(): number {
		return this.#values.size;
	}

	get(key: K): V | undefined {
		return this.#values.get(key);
	}

	has(key: K): boolean {
		return this.#values.has(key);
	}

	set(key: K, value: V): void {
		if (!this.#values.has(key)) this.#keys = null;
		this.#values.set(key, value);
	}

	delete(key: K): boolean {
		const existed = this.#values.delete(key);
		if (existed) this.#keys = null;
		return existed;
	}

	/** The value of the key, made by `create` if there is none. */
	obtain(key: K, create: () => V): V {
		const existing = this.#values.get(key);
		if (existing !== undefined) return existing;
		const created = create();
		this.set(key, created);
		return created;
	}

	keys(): readonly K[] {
		this.#keys ??= [...this.#values.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
		return this.#keys;
	}

	*entries(): Generator<readonly [K, V]> {
		for (const key of this.keys()) {
			const value = this.#values.get(key);
			if (value !== undefined) yield [key, value];
		}
	}

	*values(): Generator<V> {
		for (const [, value] of this.entries()) yield value;
	}

	[Symbol.iterator](): Generator<readonly [K, V]> {
		return this.entries();
	}
}
