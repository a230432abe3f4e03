/** What the nodes told during the demo, put in order: who claimed what and when, when results and messages arrived. */
import type { ControlEvent } from '../../node/control-api.ts';
import type { ClusterNode } from './cluster-node.ts';

const CLAIMS: readonly string[] = ['claim', 'takeover', 'hedge'];

export interface ClaimSeen {
	readonly wallMs: number;
	readonly node: string;
	readonly work: string;
}

export class Observer {
	readonly claims: ClaimSeen[] = [];
	/** Peer ids of those whose proof was the first that somebody had verified on disk. */
	readonly #provers = new Map<string, string>();
	readonly #signings = new Map<string, number>();
	readonly #inclusions = new Map<string, number>();

	take(event: ControlEvent, node: ClusterNode): void {
		const { work, peer } = event.facts;
		if (typeof work !== 'string') return;
		if (CLAIMS.includes(event.type)) this.claims.push({ wallMs: event.wallMs, node: node.name, work });
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

	/** First claim of the work by another node from then on. */
	claimAfter(work: string, wallMs: number, victim: string): ClaimSeen | undefined {
		return this.claims.find((claim) => claim.work === work && claim.node !== victim && claim.wallMs >= wallMs);
	}
}

function earliest(times: Map<string, number>, work: string, wallMs: number): void {
	times.set(work, Math.min(wallMs, times.get(work) ?? wallMs));
}
