/** The machine's clock behind the port, for tests with real processes and sockets. */
import { createClock } from '../../src/adapters/observe/clock.ts';
import type { Clock } from '../../src/ports/clock.ts';

export const systemClock: Clock = createClock();

/** A clock whose waits are over after `mostMs`: for the bounds that a test wants to see reached. */
export function hurried(mostMs: number): Clock {
	return {
		...systemClock,
		sleep: (ms, signal) => systemClock.sleep(Math.min(ms, mostMs), signal),
		after: (ms, run) => systemClock.after(Math.min(ms, mostMs), run),
	};
}

export const hurriedClock: Clock = hurried(300);
