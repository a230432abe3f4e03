/**
 * The contract between the core and whatever runs it (the node's loop, the simulator): events in, effects out, all of
 * them plain data that nobody changes after it was handed over. The core reads no clock, draws no random number and
 * does no I/O, so the same events give the same decisions, bit for bit.
 *
 * Entry points (poster.ts): `createState(config, recovered): State`, `step(state, event, now): Step`,
 * `view(state, now, shows): View`, `storedResults(state): StoredResult[]`. The first step after `createState` is a `tick`: it
 * makes the new incarnation durable and tells the mesh what this node still holds.
 *
 * For every event the runner calls `step`; it writes `persist` (of up to 64 events together) in one synced batch and
 * only then carries out `after`, in order. An effect that names an answer is answered by exactly one such event, also
 * when it fails; until then the core waits, with the time limit that stands beside the effect.
 */
import type { Write } from '../domain/write.ts';
import type { Effect } from './api/effects.ts';

export type * from './api/chain.ts';
export type * from './api/config.ts';
export type * from './api/decisions.ts';
export type * from './api/effects.ts';
export type * from './api/events.ts';
export type * from './api/views.ts';

/** `state` is owned by the core: nobody else reads or changes it. */
export interface Step {
	readonly persist: readonly Write[];
	readonly after: readonly Effect[];
}
