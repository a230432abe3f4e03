/** The Clock port over the process's own clocks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { monoMs } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';

export function createClock(): Clock {
	return {
		now: () => monoMs(Math.floor(performance.now())),
		wallMs: () => Date.now(),
		sleep: async (ms, signal) => {
			try {
				await sleep(ms, undefined, signal === undefined ? {} : { signal });
			} catch (error) {
				// The timer wraps the reason in an AbortError of its own.
				signal?.throwIfAborted();
				throw error;
			}
		},
		after: (ms, run) => {
			const timer = setTimeout(run, ms);
			return () => clearTimeout(timer);
		},
	};
}
