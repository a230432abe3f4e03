/** What the nodes told during the demo, put in order: who claimed what and when, when results and messages arrived. */
import type { ControlEvent } from '../../node/control-api.ts';
import type { ClusterNode } from './cluster-node.ts';

const CLAIMS: readonly string[] = ['claim', 'takeover', 'hedge'];

export interface ClaimSeen {
	readonly wallMs: number;
	readonly node: string;
	readonly work: string;
	readonly partition: number;
}

/** One that was not given back yet, unless `endMs` says when. */
interface Lease extends ClaimSeen {
	endMs: number | undefined;
}

export class Observer {
	readonly #leases: Lease[] = [];
	/** Peer ids of those whose proof was the first that somebody had verified on disk. */
	readonly #provers = new Map<string, string>();
	readonly #signings = new Map<string, number>();
	readonly #inclusions = new Map<string, number>();

	take(event: ControlEvent, node: ClusterNode): void {
		const { work, peer, partition } = event.facts;
		if (typeof work !== 'string') return;
		if (CLAIMS.includes(event.type) && typeof partition === 'number') {
			this.#leases.push({ wallMs: event.wallMs, node: node.name, work, partition, endMs: undefined });
		}
		if (event.type === 'release') this.#end(node.name, event.wallMs, work);
		if (event.type === 'result-stored' && typeof peer === 'string' && !this.#provers.has(work)) {
			this.#provers.set(work, peer);
		}
		if (event.type === 'sign') earliest(this.#signings, work, event.wallMs);
		if (event.type === 'included') earliest(this.#inclusions, work, event.wallMs);
	}

	/**
	 * From the first signing to the first sight of the inclusion; undefined when one of them was not seen. What lies
	 * between proof and signing is the wait for the deadline to open.
	 */
	submitMs(work: string): number | undefined {
		const signed = this.#signings.get(work);
		const included = this.#inclusions.get(work);
		return signed === undefined || included === undefined ? undefined : included - signed;
	}

	/** Peer id of who made the first proof that somebody stored. */
	prover(work: string): string | undefined {
		return this.#provers.get(work);
	}

	/**
	 * Ends all that a node worked on, and tells of it what nobody had proven: by the node's own word, since the others may
	 * hear of a claim late, and of a death soon.
	 */
	died(node: string, wallMs: number): readonly ClaimSeen[] {
		return this.#end(node, wallMs)
			.filter(({ work }) => !this.#provers.has(work))
			.sort((a, b) => a.partition - b.partition);
	}

	/** Another node worked on it as well at that time. */
	wasShared(work: string, wallMs: number, victim: string): boolean {
		return this.#leases.some(
			(lease) =>
				lease.work === work &&
				lease.node !== victim &&
				lease.wallMs < wallMs &&
				(lease.endMs === undefined || lease.endMs > wallMs),
		);
	}

	/** First claim of the work by another node from then on. */
	claimAfter(work: string, wallMs: number, victim: string): ClaimSeen | undefined {
		return this.#leases.find((claim) => claim.work === work && claim.node !== victim && claim.wallMs >= wallMs);
	}

	#end(node: string, wallMs: number, work?: string): readonly Lease[] {
		const ended = this.#leases.filter(
			(lease) => lease.node === node && lease.endMs === undefined && (work === undefined || lease.work === work),
		);
		for (const lease of ended) lease.endMs = wallMs;
		return ended;
	}
}

function earliest(times: Map<string, number>, work: string, wallMs: number): void {
	times.set(work, Math.min(wallMs, times.get(work) ?? wallMs));
}
