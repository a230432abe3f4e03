/**
 * A map that is iterated in key order whatever the order of insertion, so that two nodes which learned the same facts
 * in different order decide alike. An iteration goes over the members there were at its begin: the rules look at whole
 * maps many times a second and change them seldom, so the order is kept between changes.
 */
interface Order<K, V> {
	keys?: readonly K[];
	values?: readonly V[];
	entries?: readonly (readonly [K, V])[];
	/** What was derived from the values, by what makes it (derived.ts). */
	made?: Map<unknown, unknown>;
}

export class SortedMap<K extends string | number, V> {
	readonly #values = new Map<K, V>();
	#order: Order<K, V> = {};

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
		if (!this.#values.has(key)) this.#order = {};
		else if (this.#values.get(key) !== value)
			this.#order = this.#order.keys === undefined ? {} : { keys: this.#order.keys };
		this.#values.set(key, value);
	}

	delete(key: K): boolean {
		const existed = this.#values.delete(key);
		if (existed) this.#order = {};
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
		this.#order.keys ??= [...this.#values.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
		return this.#order.keys;
	}

	values(): readonly V[] {
		this.#order.values ??= this.keys().map((key) => this.#values.get(key) as V);
		return this.#order.values;
	}

	entries(): readonly (readonly [K, V])[] {
		this.#order.entries ??= this.keys().map((key) => [key, this.#values.get(key) as V]);
		return this.#order.entries;
	}

	/** What `compute` makes of the values, kept until one of them is another one. */
	derive<T>(compute: (values: readonly V[]) => T): T {
		this.#order.made ??= new Map();
		const { made } = this.#order;
		const known = made.get(compute) as T | undefined;
		if (known !== undefined) return known;
		const fresh = compute(this.values());
		made.set(compute, fresh);
		return fresh;
	}

	[Symbol.iterator](): Iterator<readonly [K, V]> {
		return this.entries()[Symbol.iterator]();
	}
}
