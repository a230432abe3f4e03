/** The one queue of a simulated world: events by time, then in the order in which they were scheduled. */
interface Entry {
	readonly at: number;
	readonly order: number;
	readonly run: () => void;
}

export class Heap {
	readonly #entries: Entry[] = [];
	#order = 0;
	now = 0;

	after(ms: number, run: () => void): void {
		this.#entries.push({ at: this.now + ms, order: this.#order++, run });
		let child = this.#entries.length - 1;
		while (child > 0) {
			const parent = (child - 1) >>> 1;
			if (!before(this.#entries[child] as Entry, this.#entries[parent] as Entry)) break;
			this.#swap(child, parent);
			child = parent;
		}
	}

	/** Runs the next event; false when none is left before `until`. */
	run(until: number): boolean {
		const [first] = this.#entries;
		if (first === undefined || first.at > until) return false;
		const last = this.#entries.pop() as Entry;
		if (this.#entries.length > 0) {
			this.#entries[0] = last;
			this.#sink();
		}
		this.now = first.at;
		first.run();
		return true;
	}

	#sink(): void {
		for (let parent = 0; ; ) {
			const left = 2 * parent + 1;
			if (left >= this.#entries.length) return;
			const right = left + 1;
			const smaller =
				right < this.#entries.length && before(this.#entries[right] as Entry, this.#entries[left] as Entry)
					? right
					: left;
			if (!before(this.#entries[smaller] as Entry, this.#entries[parent] as Entry)) return;
			this.#swap(smaller, parent);
			parent = smaller;
		}
	}

	#swap(a: number, b: number): void {
		const held = this.#entries[a] as Entry;
		this.#entries[a] = this.#entries[b] as Entry;
		this.#entries[b] = held;
	}
}

function before(a: Entry, b: Entry): boolean {
	return a.at !== b.at ? a.at < b.at : a.order < b.order;
}
