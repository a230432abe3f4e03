/** A counted permission to go on, given in the order of asking. */
export class Slots {
	#free: number;
	readonly #waiting: (() => void)[] = [];

	constructor(count: number) {
		this.#free = count;
	}

	/** Resolves with the function that gives the slot back; rejects with the signal's reason. */
	async take(signal: AbortSignal): Promise<() => void> {
		signal.throwIfAborted();
		if (this.#free > 0) this.#free--;
		else await this.#wait(signal);
		return () => {
			const next = this.#waiting.shift();
			if (next === undefined) this.#free++;
			else next();
		};
	}

	#wait(signal: AbortSignal): Promise<void> {
		return new Promise((resolve, reject) => {
			const turn = (): void => {
				signal.removeEventListener('abort', abort);
				resolve();
			};
			const abort = (): void => {
				this.#waiting.splice(this.#waiting.indexOf(turn), 1);
				reject(signal.reason);
			};
			signal.addEventListener('abort', abort, { once: true });
			this.#waiting.push(turn);
		});
	}
}
