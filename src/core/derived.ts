/**
 * Indexes over a map of the state. They are no part of the state: each is a function of the map's members, made again
 * when a member came or went. What it reads of a member must therefore never change while the member is in the map.
 */
import type { SortedMap } from './sorted-map.ts';

export function derived<V, T>(
	compute: (members: readonly V[]) => T,
): <K extends string | number>(map: SortedMap<K, V>) => T {
	return (map) => map.derive(compute);
}
