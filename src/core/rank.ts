/**
 * Weighted rendezvous hashing: every node that knows the same roster ranks the same members alike for a key, shares
 * follow the weights, and a member that comes or goes moves only its own share. Integers only: a logarithm would not be
 * bit-exact everywhere.
 */
import { toHex } from '../codec/hex.ts';
import { sha256Text } from '../codec/sha256.ts';
import type { NodeId } from '../domain/ids.ts';

export interface Ranked {
	readonly id: NodeId;
	/** 1 to 64. */
	readonly weight: number;
}

export interface Scored {
	readonly id: NodeId;
	/** 64 hex digits: the largest of `weight` hashes. */
	readonly score: string;
}

/** The largest of the hashes of (key, node, 0 … weight - 1), which wins with a probability in proportion to weight. */
export function score(key: string, node: Ranked): string {
	let best = '';
	for (let k = 0; k < node.weight; k++) {
		const hash = toHex(sha256Text(`${key}/${node.id}/${k}`));
		if (hash > best) best = hash;
	}
	return best;
}

/** Highest score first, then lower id. */
export function preference(key: string, nodes: readonly Ranked[]): readonly Scored[] {
	return nodes.map((node) => ({ id: node.id, score: score(key, node) })).sort(compareScored);
}

export function compareScored(a: Scored, b: Scored): number {
	if (a.score !== b.score) return a.score > b.score ? -1 : 1;
	return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** An integer from 0 to `below` - 1, different for each (node, key, attempt), the same in every replay. */
export function jitter(self: NodeId, key: string, attempt: number, below: number): number {
	return below <= 1 ? 0 : draw(self, key, attempt) % below;
}

/** The same from 0 to 2^24 - 1. */
export function draw(self: NodeId, key: string, attempt: number): number {
	const hash = sha256Text(`jitter/${self}/${key}/${attempt}`);
	return ((hash[0] ?? 0) << 16) | ((hash[1] ?? 0) << 8) | (hash[2] ?? 0);
}
