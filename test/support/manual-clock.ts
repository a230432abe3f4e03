/** A clock that stands until it is told to go on: for bounds in time that no wall clock may judge. */
import { monoMs } from '../../src/domain/ids.ts';
import type { Clock } from '../../src/ports/clock.ts';

export class ManualClock implements Clock {
	#nowMs = 0;
	readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

	now() {
		return monoMs(this.#nowMs);
	}

	wallMs(): number {
		return this.#nowMs;
	}

	async sleep(ms: number, signal?: AbortSignal): Promise<void> {
		signal?.throwIfAborted();
		await new Promise<void>((resolve, reject) => {
			const cancel = this.after(ms, resolve);
			signal?.addEventListener('abort', () => {
				cancel();
				reject(signal.reason);
			});
		});
	}

	after(ms: number, run: () => void): () => void {
		const timer = { at: this.#nowMs + ms, run };
		this.#timers.add(timer);
		return () => this.#timers.delete(timer);
	}

	get timers(): number {
		return this.#timers.size;
	}

	/** Runs what is due, in the order of its times; what that starts waits for the next time. */
	advance(ms: number): void {
		this.#nowMs += ms;
		for (const timer of [...this.#timers].sort((a, b) => a.at - b.at)) {
			// One before it may have cancelled it.
			if (timer.at <= this.#nowMs && this.#timers.delete(timer)) timer.run();
		}
	}
}
