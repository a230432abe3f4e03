/** The machine's clock behind the port, for tests with real processes and sockets. */
import { createClock } from '../../src/adapters/observe/clock.ts';
import type { Clock } from '../../src/ports/clock.ts';

export const systemClock: Clock = createClock();

/** A clock whose long waits are over after 300 ms: for the bounds that a test wants to see reached. */
export const hurriedClock: Clock = {
	...systemClock,
	sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 300), signal),
	after: (ms, run) => systemClock.after(Math.min(ms, 300), run),
};
