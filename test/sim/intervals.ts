/** Sets of times: ascending, disjoint spans of ms, the end not included. */
export type Spans = readonly (readonly [from: number, to: number])[];

export const NEVER: Spans = [];

export function spans(...given: readonly (readonly [number, number])[]): Spans {
	const sorted = given.filter(([from, to]) => from < to).sort(([a], [b]) => a - b);
	const merged: [number, number][] = [];
	for (const [from, to] of sorted) {
		const last = merged.at(-1);
		if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
		else merged.push([from, to]);
	}
	return merged;
}

export function union(...sets: readonly Spans[]): Spans {
	return spans(...sets.flat());
}

export function intersect(a: Spans, b: Spans): Spans {
	const both = a.flatMap(([from, to]) => b.map(([start, end]) => [Math.max(from, start), Math.min(to, end)] as const));
	return spans(...both);
}

export function subtract(from: Spans, what: Spans): Spans {
	return what.reduce(
		(left: Spans, [start, end]) =>
			left
				.flatMap(
					([a, b]): Spans => [
						[a, Math.min(b, start)],
						[Math.max(a, end), b],
					],
				)
				.filter(([a, b]) => a < b),
		from,
	);
}

/** Each span grown at its end. */
export function extend(set: Spans, ms: number): Spans {
	return spans(...set.map(([from, to]) => [from, to + ms] as const));
}

/** Spans that last at least so long. */
export function lasting(set: Spans, ms: number): Spans {
	return set.filter(([from, to]) => to - from >= ms);
}
