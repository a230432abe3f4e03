/** Makes a tipset every epoch. An epoch that was missed because the one before took too long is not made up for. */
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { FullNode } from './full-node.ts';

export class Ticker {
	readonly #ports: { readonly clock: Clock; readonly log: Log; readonly node: FullNode };
	readonly #epochMs: number;
	#cancel: (() => void) | undefined;
	/** Counts pauses, so that an epoch in the making does not schedule the next one after a pause. */
	#run = 0;
	#nullRoundsAhead = 0;
	#nullRoundsPassed = 0;
	#ticking: Promise<void> = Promise.resolve();

	constructor(ports: { readonly clock: Clock; readonly log: Log; readonly node: FullNode }, epochMs: number) {
		this.#ports = ports;
		this.#epochMs = epochMs;
	}

	/** Starts, or goes on after a pause. */
	resume(): void {
		if (this.#cancel === undefined) this.#schedule(this.#ports.clock.now() + this.#epochMs, ++this.#run);
	}

	/** Resolves when the epoch that is in the making, if any, is done. */
	pause(): Promise<void> {
		this.#cancel?.();
		this.#cancel = undefined;
		this.#run++;
		return this.#ticking;
	}

	/** The next `count` epochs get no tipset. */
	skip(count: number): void {
		this.#nullRoundsAhead += count;
	}

	#schedule(at: number, run: number): void {
		const delayMs = Math.max(0, at - this.#ports.clock.now());
		this.#cancel = this.#ports.clock.after(delayMs, () => {
			this.#ticking = this.#tick();
			void this.#ticking.then(() => {
				if (run !== this.#run) return;
				const now = this.#ports.clock.now();
				const next = at + this.#epochMs;
				this.#schedule(Math.max(next, now), run);
			});
		});
	}

	async #tick(): Promise<void> {
		if (this.#nullRoundsAhead > 0) {
			this.#nullRoundsAhead--;
			this.#nullRoundsPassed++;
			return;
		}
		const nulls = this.#nullRoundsPassed;
		this.#nullRoundsPassed = 0;
		try {
			await this.#ports.node.mine(nulls);
		} catch (error) {
			this.#ports.log.error({ error: error }, 'an epoch was not made');
		}
	}
}
