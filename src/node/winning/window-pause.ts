/**
 * Lets the window provers of this machine stand still while a block is proven. They are stopped by signal, wherever they
 * are in their work, and go on from there: nothing is lost, and no phase has to end first.
 */
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ProverSlot } from '../../ports/prover.ts';

export class WindowPause {
	readonly #clock: Clock;
	readonly #slots: readonly Pick<ProverSlot, 'pause'>[];
	readonly #resumed: () => void;
	#pausedMs = 0;

	/** `resumed` is called when they go on. */
	constructor(clock: Clock, slots: readonly Pick<ProverSlot, 'pause'>[], resumed: () => void) {
		this.#clock = clock;
		this.#slots = slots;
		this.#resumed = resumed;
	}

	/** Milliseconds that they have stood still so far, pauses that are over. */
	get pausedMs(): number {
		return this.#pausedMs;
	}

	/** One pause at a time; it ends with the returned function, after `limits.winningPauseMs` at the latest. */
	begin(): () => void {
		const startedMs = this.#clock.now();
		const resumes = this.#slots.flatMap((slot) => slot.pause?.() ?? []);
		let isOver = false;
		const end = (): void => {
			if (isOver) return;
			isOver = true;
			cancelTimeout();
			for (const resume of resumes) resume();
			this.#pausedMs += this.#clock.now() - startedMs;
			this.#resumed();
		};
		const cancelTimeout = this.#clock.after(limits.winningPauseMs, end);
		return end;
	}
}
