/** How often a property is tried: few times in the suite, `FC_RUNS` times as often in a search. */
const FACTOR = Number(process.env['FC_RUNS'] ?? 1);

export function runs(few: number): number {
	return Math.max(1, Math.ceil(few * FACTOR));
}
