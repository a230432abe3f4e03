/**
 * Notices a worker that owes answers and gives none to anybody: a disk that hangs takes one of its threads after the
 * other. What a single job waits tells nothing, since jobs wait for each other.
 */
import type { MonoMs } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';

export class SilenceWatch {
	readonly #clock: Clock;
	readonly #silenceMs: number;
	/** What to tell each job that waits. */
	readonly #waiting = new Set<() => void>();
	#heardAt: MonoMs;
	#cancel: () => void = () => undefined;

	constructor(clock: Clock, silenceMs: number) {
		this.#clock = clock;
		this.#silenceMs = silenceMs;
		this.#heardAt = clock.now();
	}

	/** The worker said something, to whomever. */
	heard(): void {
		this.#heardAt = this.#clock.now();
	}

	/** A job waits from now on, until the returned function is called; `silent` is called at most once. */
	wait(silent: () => void): () => void {
		if (this.#waiting.size === 0) {
			this.heard();
			this.#look(this.#silenceMs);
		}
		this.#waiting.add(silent);
		return () => {
			this.#waiting.delete(silent);
			if (this.#waiting.size === 0) this.#cancel();
		};
	}

	#look(afterMs: number): void {
		this.#cancel();
		this.#cancel = this.#clock.after(afterMs, () => {
			const leftMs = this.#heardAt + this.#silenceMs - this.#clock.now();
			if (leftMs > 0) {
				this.#look(leftMs);
				return;
			}
			const silent = [...this.#waiting];
			this.#waiting.clear();
			for (const tell of silent) tell();
		});
	}
}
