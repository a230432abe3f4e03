/**
 * Finished share of a proof from the phases that ended: each phase weighs what it takes in this slot. Within a phase
 * nothing moves, since nobody but the prover knows (no timer pretends to).
 */
import type { ProofPhase } from '../ports/prover.ts';
import type { Spread } from './proof-times.ts';

const WHOLE = 1000;

/** A function to be called with each phase of one proof, answering with the permille finished; 0 while nothing is known. */
export function trackProgress(known: Readonly<Record<string, Spread>>): (phase: ProofPhase) => number {
	const total = Object.values(known).reduce((sum, { p50Ms }) => sum + p50Ms, 0);
	let finished = 0;
	return ({ phase, state }) => {
		if (state === 'end') finished += known[phase]?.p50Ms ?? 0;
		// Never 1000: that is said by the proof itself.
		return total === 0 ? 0 : Math.min(WHOLE - 1, Math.floor((finished * WHOLE) / total));
	};
}
