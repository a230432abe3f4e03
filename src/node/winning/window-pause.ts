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
	readonly #told: () => void;
	/** Of the pauses that are over. */
	#pausedMs = 0;
	/** Since when they stand still; undefined while they go on. */
	#since: number | undefined;
	/** Before it no other pause begins. */
	#earliestMs = Number.NEGATIVE_INFINITY;

	/** `told` is called when they stop, every `limits.winningTellMs` while they stand still, and when they go on. */
	constructor(clock: Clock, slots: readonly Pick<ProverSlot, 'pause'>[], told: () => void) {
		this.#clock = clock;
		this.#slots = slots;
		this.#told = told;
	}

	/** They stand still. */
	get isOn(): boolean {
		return this.#since !== undefined;
	}

	/** Milliseconds that they have stood still so far. */
	get pausedMs(): number {
		return this.#pausedMs + (this.#since === undefined ? 0 : this.#clock.now() - this.#since);
	}

	/**
	 * It ends with the returned function, after `limits.winningPauseMs` at the latest. None begins before they have gone on
	 * for as long as they stood still the last time: however many blocks are asked for, half of the time is theirs.
	 */
	begin(): () => void {
		const startedMs = this.#clock.now();
		if (this.#since !== undefined || startedMs < this.#earliestMs) return () => undefined;
		const resumes = this.#slots.flatMap((slot) => slot.pause?.() ?? []);
		this.#since = startedMs;
		let isOver = false;
		const end = (): void => {
			if (isOver) return;
			isOver = true;
			this.#since = undefined;
			cancelTimeout();
			cancelTell();
			for (const resume of resumes) resume();
			const endedMs = this.#clock.now();
			this.#pausedMs += endedMs - startedMs;
			this.#earliestMs = endedMs + (endedMs - startedMs);
			this.#told();
		};
		const cancelTimeout = this.#clock.after(limits.winningPauseMs, end);
		let cancelTell = (): void => undefined;
		const tell = (): void => {
			cancelTell = this.#clock.after(limits.winningTellMs, tell);
			this.#told();
		};
		tell();
		return end;
	}
}
