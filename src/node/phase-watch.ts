/**
 * Notices a proof that hangs: a phase that takes twice the p95 of what it took in this slot before. Only frames of the
 * code that does the work move it; before the first proof nothing is known, and nothing is judged. Nor is it when a phase
 * begins a second time: then our own prover has failed, and the library makes the same proof.
 */
import { limits } from '../domain/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { ProofPhase } from '../ports/prover.ts';
import type { Spread } from './proof-times.ts';

const HUNG_TIMES = 2;
/** What a timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface PhaseWatchOptions {
	/** What the phases of a healthy proof take in this slot. */
	readonly known: Readonly<Record<string, Spread>>;
	/** Attempts at the same work that hung before: each one is given twice the time, since the machine may only be slow. */
	readonly attempts: number;
	/** Milliseconds that the prover was made to stand still so far: they are nobody's fault. @default never */
	readonly pausedMs?: () => number;
	readonly hung: (phase: string) => void;
}

export class PhaseWatch {
	readonly #clock: Clock;
	readonly #options: PhaseWatchOptions;
	readonly #begun = new Set<string>();
	#cancel: () => void = () => undefined;

	constructor(clock: Clock, options: PhaseWatchOptions) {
		this.#clock = clock;
		this.#options = options;
	}

	/** True from the moment on at which the worker begins the proof again: with another prover, of which nothing is known. */
	isAnew = false;

	heard({ phase, state }: ProofPhase): void {
		this.#cancel();
		const { known, attempts, hung } = this.#options;
		const spread = known[phase];
		if (state === 'start' && this.#begun.has(phase)) this.isAnew = true;
		this.#begun.add(phase);
		if (state === 'end' || spread === undefined || this.isAnew) return;
		const factor = HUNG_TIMES * 2 ** Math.min(attempts, limits.failedDoublings);
		const patience = Math.min(Math.max(factor * spread.p95Ms, limits.hedgeLeastMs), LONGEST_TIMER_MS);
		this.#wait(patience, () => hung(phase));
	}

	#wait(ms: number, hung: () => void): void {
		const { pausedMs = () => 0 } = this.#options;
		const before = pausedMs();
		this.#cancel = this.#clock.after(ms, () => {
			const paused = pausedMs() - before;
			if (paused > 0) this.#wait(paused, hung);
			else hung();
		});
	}

	end(): void {
		this.#cancel();
	}
}
