/**
 * The one queue of a simulated world: events by time, then in the order in which they were scheduled. What arrives most
 * often, a message or a tick for a machine, is posted as plain data, so that a delivery costs no closure.
 */
export interface Actor {
	act(payload: unknown): void;
}

interface Entry {
	readonly at: number;
	readonly order: number;
	readonly actor: Actor;
	readonly payload: unknown;
}

const CALL: Actor = { act: (payload) => (payload as () => void)() };

export class Heap {
	readonly #entries: Entry[] = [];
	#order = 0;
	/** World time, ms. */
	now = 0;

	after(ms: number, run: () => void): void {
		this.post(ms, CALL, run);
	}

	/** Hands the payload to the actor when the time has come. */
	post(ms: number, actor: Actor, payload: unknown): void {
		const entry = { at: this.now + ms, order: this.#order++, actor, payload };
		const entries = this.#entries;
		let child = entries.length;
		entries.push(entry);
		while (child > 0) {
			const parent = (child - 1) >>> 1;
			const above = entries[parent] as Entry;
			// The newcomer has the highest order: at equal times it comes last.
			if (above.at <= entry.at) break;
			entries[child] = above;
			child = parent;
		}
		entries[child] = entry;
	}

	/** Runs the next event; false when none is left before `until`. */
	run(until: number): boolean {
		const [first] = this.#entries;
		if (first === undefined || first.at > until) return false;
		const last = this.#entries.pop() as Entry;
		if (this.#entries.length > 0) this.#sink(last);
		this.now = first.at;
		first.actor.act(first.payload);
		return true;
	}

	#sink(entry: Entry): void {
		const entries = this.#entries;
		const { length } = entries;
		let hole = 0;
		for (;;) {
			let child = 2 * hole + 1;
			if (child >= length) break;
			if (child + 1 < length && isBefore(entries[child + 1] as Entry, entries[child] as Entry)) child++;
			const below = entries[child] as Entry;
			if (!isBefore(below, entry)) break;
			entries[hole] = below;
			hole = child;
		}
		entries[hole] = entry;
	}
}

function isBefore(a: Entry, b: Entry): boolean {
	return a.at !== b.at ? a.at < b.at : a.order < b.order;
}
