/** Leaves out faults of a plan as long as it still fails: what is left is what it takes. */
import type { Fault } from './faults.ts';
import type { Plan } from './plan.ts';
import { simulate } from './simulate.ts';

/** Runs that one shrinking may take, and for how long. */
const RUNS_MOST = 200;
const WALL_MS = 60_000;

/** Places in `plan.faults` of those that are kept: the plan still fails with them alone. */
export function shrink(plan: Plan, fails: (plan: Plan) => boolean = hasFailed): readonly number[] {
	const end = performance.now() + WALL_MS;
	let kept = plan.faults.map((_, i) => i);
	let runs = 0;
	// Large pieces first, then smaller ones, down to one fault at a time.
	for (let piece = Math.ceil(kept.length / 2); piece > 0; piece = piece === 1 ? 0 : Math.ceil(piece / 2)) {
		for (let from = 0; from < kept.length; ) {
			if (runs++ >= RUNS_MOST || performance.now() > end) return kept;
			const fewer = kept.filter((_, i) => i < from || i >= from + piece);
			if (fails(withFaults(plan, fewer))) kept = fewer;
			else from += piece;
		}
	}
	return kept;
}

/** The plan with these of its faults alone; times stay as they are. */
export function withFaults(plan: Plan, kept: readonly number[]): Plan {
	return { ...plan, faults: kept.map((i) => plan.faults[i] as Fault) };
}

function hasFailed(plan: Plan): boolean {
	const { missed, violations } = simulate(plan).outcome;
	return missed.length + violations.length > 0;
}
