/**
 * Finished share of a proof from the phases that ended: each phase weighs what it took in earlier proofs of the same
 * type. Within a phase nothing moves, since nobody but the prover knows (no timer pretends to).
 */
import type { PoStProofType } from '../domain/proof.ts';
import type { ProofPhase } from '../ports/prover.ts';

const WHOLE = 1000;

export class ProofProgress {
	/** Milliseconds of each phase in the newest proof, in the order of their ends. */
	readonly #phases = new Map<PoStProofType, Readonly<Record<string, number>>>();

	/** What a finished proof took. */
	learn(type: PoStProofType, phaseMs: Readonly<Record<string, number>>): void {
		this.#phases.set(type, phaseMs);
	}

	/** A function to be called with each phase of one proof, answering with the permille finished. */
	track(type: PoStProofType): (phase: ProofPhase) => number {
		const known = this.#phases.get(type) ?? {};
		const total = Object.values(known).reduce((sum, ms) => sum + ms, 0);
		let finished = 0;
		return ({ phase, state }) => {
			if (state === 'end') finished += known[phase] ?? 0;
			// Never 1000: that is said by the proof itself.
			return total === 0 ? 0 : Math.min(WHOLE - 1, Math.floor((finished * WHOLE) / total));
		};
	}
}
