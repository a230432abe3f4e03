import type { MonoMs } from '../domain/ids.ts';

/** All time of the program. The simulator owns it in tests, so nothing else may read a clock or set a timer. */
export interface Clock {
	/** Monotonic milliseconds, an integer. */
	now(): MonoMs;
	/** Milliseconds since 1970, for what people read and for what must differ from all that was before; nothing waits for it. */
	wallMs(): number;
	/** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
	sleep(ms: number, signal?: AbortSignal): Promise<void>;
	/** Calls `run` once after `ms`; the returned function cancels it. */
	after(ms: number, run: () => void): () => void;
}
