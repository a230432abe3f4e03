/** At most so many bulk streams are served at a time; the others wait in a bounded line that favours idle peers. */
import { PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';

interface Waiting {
	readonly peer: NodeId;
	readonly enter: () => void;
}

export interface SlotBounds {
	/** Running, of all peers and of one. */
	readonly slots: number;
	readonly slotsPerPeer: number;
	/** Waiting. */
	readonly queue: number;
	readonly queuePerPeer: number;
}

export class StreamSlots {
	readonly #bounds: SlotBounds;
	readonly #running = new Map<NodeId, number>();
	readonly #waiting: Waiting[] = [];
	#taken = 0;

	constructor(bounds: SlotBounds) {
		this.#bounds = bounds;
	}

	get waiting(): number {
		return this.#waiting.length;
	}

	/** Resolves to the function that gives the slot back. Rejects `stream-busy`, or the signal's reason. */
	async acquire(peer: NodeId, signal: AbortSignal): Promise<() => void> {
		signal.throwIfAborted();
		if (this.#taken < this.#bounds.slots && this.#mayRun(peer)) this.#grant(peer);
		else await this.#wait(peer, signal);
		return () => this.#release(peer);
	}

	#grant(peer: NodeId): void {
		this.#taken += 1;
		this.#running.set(peer, (this.#running.get(peer) ?? 0) + 1);
	}

	async #wait(peer: NodeId, signal: AbortSignal): Promise<void> {
		const own = this.#waiting.filter((entry) => entry.peer === peer).length;
		if (this.#waiting.length >= this.#bounds.queue || own >= this.#bounds.queuePerPeer) {
			throw new PosterError('stream-busy', 'too many bulk streams wait');
		}
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
		let best: Waiting | undefined;
		for (const entry of this.#waiting) {
			if (!this.#mayRun(entry.peer)) continue;
			if (best === undefined || this.#load(entry.peer) < this.#load(best.peer)) best = entry;
		}
		if (best === undefined) return;
		this.#waiting.splice(this.#waiting.indexOf(best), 1);
		// Granted here and not when the waiter wakes: a newcomer in between would take the slot a second time.
		this.#grant(best.peer);
		best.enter();
	}

	#mayRun(peer: NodeId): boolean {
		return this.#load(peer) < this.#bounds.slotsPerPeer;
	}

	#load(peer: NodeId): number {
		return this.#running.get(peer) ?? 0;
	}
}
