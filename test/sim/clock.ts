/** A machine's monotonic clock: its own offset and its own speed, in whole milliseconds. */
import type { MonoMs } from '../../src/domain/ids.ts';

export const TRUE_RATE = 1_000;

export class NodeClock {
	/** Thousandths of world time. */
	readonly ratePermille: number;
	readonly #offsetMs: number;

	constructor(ratePermille = TRUE_RATE, offsetMs = 0) {
		this.ratePermille = ratePermille;
		this.#offsetMs = offsetMs;
	}

	read(worldMs: number): MonoMs {
		return (this.#offsetMs + Math.floor((worldMs * this.ratePermille) / TRUE_RATE)) as MonoMs;
	}

	/** World time that passes while this clock counts `localMs`. */
	worldMs(localMs: number): number {
		return Math.ceil((localMs * TRUE_RATE) / this.ratePermille);
	}

	/** What this clock counts while `worldMs` pass. */
	localMs(worldMs: number): number {
		return Math.floor((worldMs * this.ratePermille) / TRUE_RATE);
	}
}
