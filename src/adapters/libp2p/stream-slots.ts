/** At most so many bulk streams are served at a time; the others wait in a bounded line that favours idle peers. */
import { PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';

interface Waiting {
	readonly peer: NodeId;
	readonly enter: () => void;
}

export class StreamSlots {
	readonly #slots: number;
	readonly #queue: number;
	readonly #running = new Map<NodeId, number>();
	readonly #waiting: Waiting[] = [];
	#taken = 0;

	constructor(slots: number, queue: number) {
		this.#slots = slots;
		this.#queue = queue;
	}

	get waiting(): number {
		return this.#waiting.length;
	}

	/** Resolves to the function that gives the slot back. Rejects `stream-busy`, or the signal's reason. */
	async acquire(peer: NodeId, signal: AbortSignal): Promise<() => void> {
		signal.throwIfAborted();
		if (this.#taken < this.#slots) this.#grant(peer);
		else await this.#wait(peer, signal);
		return () => this.#release(peer);
	}

	#grant(peer: NodeId): void {
		this.#taken += 1;
		this.#running.set(peer, (this.#running.get(peer) ?? 0) + 1);
	}

	async #wait(peer: NodeId, signal: AbortSignal): Promise<void> {
		if (this.#waiting.length >= this.#queue) throw new PosterError('stream-busy', 'too many bulk streams wait');
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const entry: Waiting = { peer, enter: resolve };
		const leave = (): void => {
			const index = this.#waiting.indexOf(entry);
			if (index !== -1) this.#waiting.splice(index, 1);
			reject(signal.reason);
		};
		this.#waiting.push(entry);
		signal.addEventListener('abort', leave);
		try {
			await promise;
		} finally {
			signal.removeEventListener('abort', leave);
		}
	}

	#release(peer: NodeId): void {
		this.#taken -= 1;
		const left = (this.#running.get(peer) ?? 1) - 1;
		if (left === 0) this.#running.delete(peer);
		else this.#running.set(peer, left);
		this.#admit();
	}

	/** The peer with the fewest running streams goes first, so that one peer cannot keep the line to itself. */
	#admit(): void {
		let best = 0;
		for (const [index, entry] of this.#waiting.entries()) {
			const current = this.#waiting[best];
			if (current !== undefined && this.#load(entry) < this.#load(current)) best = index;
		}
		const next = this.#waiting.splice(best, 1)[0];
		if (next === undefined) return;
		// Granted here and not when the waiter wakes: a newcomer in between would take the slot a second time.
		this.#grant(next.peer);
		next.enter();
	}

	#load(entry: Waiting): number {
		return this.#running.get(entry.peer) ?? 0;
	}
}
