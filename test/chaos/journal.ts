/** Who works on what right now, by the events that the nodes tell. */
import type { ChaosMesh, SeenEvent } from './mesh.ts';
import { CLAIMS } from './takeovers.ts';

const ENDS: readonly string[] = ['release', 'yield', 'result-stored'];

export class Journal {
	readonly #held = new Map<string, Set<string>>();

	constructor(mesh: ChaosMesh) {
		for (const node of mesh.cluster.nodes.values()) {
			node.onEvent((event, { name }) => this.#take({ ...event, node: name }));
		}
	}

	/** Leases of a node. */
	held(node: string): number {
		return this.#held.get(node)?.size ?? 0;
	}

	/** A process that died holds nothing. */
	died(node: string): void {
		this.#held.delete(node);
	}

	#take({ type, node, facts }: SeenEvent): void {
		const work = facts['work'];
		if (typeof work !== 'string') return;
		const held = this.#held.get(node) ?? new Set();
		this.#held.set(node, held);
		if (CLAIMS.includes(type)) held.add(work);
		if (ENDS.includes(type)) held.delete(work);
	}
}
