/**
 * The loop of a node whose core may have a bug: what the core fails on is written down before the process ends, and kept
 * away when it comes again.
 */
import type { Event } from '../core/api.ts';
import { Loop, type LoopOptions, type LoopPorts } from './loop.ts';
import type { Quarantine } from './quarantine.ts';

export interface GuardedLoopOptions extends Pick<LoopOptions, 'step' | 'run' | 'rest'> {
	/** The chain's height now; -1 if it is not known. */
	readonly epoch: () => number;
	/** The node cannot go on. */
	readonly fatal: (error: unknown) => void;
}

export interface GuardedLoop {
	readonly loop: Loop;
	readonly enqueue: (event: Event) => void;
}

export function guardedLoop(
	{ store, clock, log, metrics, quarantine }: LoopPorts & { readonly quarantine: Quarantine },
	{ epoch, fatal, ...options }: GuardedLoopOptions,
): GuardedLoop {
	const loop = new Loop(
		{ store, clock, log, metrics },
		{
			...options,
			careful: () => quarantine.crashes > 0,
			crashed: (event, error, suspects) => {
				log.error({ error, type: event.type, inputs: suspects.map(({ type }) => type) }, 'the core failed on an event');
				quarantine
					.blame(suspects, epoch())
					.catch((cause: unknown) => log.error({ error: cause }, 'what is to blame could not be written down'))
					.finally(() => fatal(error));
			},
			failed: fatal,
		},
	);
	const enqueue = (event: Event): void => {
		if (quarantine.holds(event)) metrics.count('poster_loop_dropped_total', { type: event.type });
		else loop.enqueue(event);
	};
	return { loop, enqueue };
}
