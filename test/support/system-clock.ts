/** The machine's clock behind the port, for tests with real processes and sockets. */
import { monoMs } from '../../src/domain/ids.ts';
import type { Clock } from '../../src/ports/clock.ts';

export const systemClock: Clock = {
	now: () => monoMs(Math.floor(performance.now())),
	wallMs: () => Date.now(),
	sleep: (ms, signal) =>
		new Promise((resolve, reject) => {
			signal?.throwIfAborted();
			const abort = (): void => {
				clearTimeout(timer);
				reject(signal?.reason);
			};
			const timer = setTimeout(() => {
				signal?.removeEventListener('abort', abort);
				resolve();
			}, ms);
			signal?.addEventListener('abort', abort, { once: true });
		}),
	after: (ms, run) => {
		const timer = setTimeout(run, ms);
		return () => clearTimeout(timer);
	},
};

/** A clock whose long waits are over after 300 ms: for the bounds that a test wants to see reached. */
export const hurriedClock: Clock = {
	...systemClock,
	sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 300), signal),
	after: (ms, run) => systemClock.after(Math.min(ms, 300), run),
};
