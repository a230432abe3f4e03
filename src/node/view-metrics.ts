/** Figures that describe a moment: set when somebody asks for the metrics, from the same view as `claims` and `status`. */
import type { ItemFilter, View } from '../core/api.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { NodeFacts } from './control-api.ts';
import { phaseOf } from './control-views.ts';

const MS = 1000;

/** The items that the figures are about. */
export const openPosts: ItemFilter = ({ kind }, epochsLeft) => kind === 'post' && epochsLeft >= 0;

export class ViewMetrics {
	readonly #metrics: Metrics;
	/** Label values told before: what is there no more is 0, not what it was. */
	readonly #phases = new Set<string>();
	readonly #alarms = new Set<string>();

	constructor(metrics: Metrics) {
		this.#metrics = metrics;
	}

	/** `view` of `openPosts`. */
	tell(view: View, facts: Pick<NodeFacts, 'chain' | 'storeStalledMs' | 'proofTimes'>, rosterVersion: number): void {
		const metrics = this.#metrics;
		const open = view.items;
		const phases = open.map(phaseOf);
		for (const [phase, count] of counted(phases, this.#phases)) metrics.gauge('poster_partitions', count, { phase });
		const codes = view.alarms.map(({ code }) => code);
		for (const [code, count] of counted(codes, this.#alarms)) metrics.gauge('poster_alarms', count, { code });
		const unproven = open.filter(({ result, why }) => result === null && why !== 'already-posted');
		const left = Math.min(...unproven.map(({ epochsLeft }) => (epochsLeft * view.epochMs) / MS));
		metrics.gauge('poster_unproven_left_seconds', left);
		const busy = view.slots.filter(({ work }) => work !== null).length;
		metrics.gauge('poster_slots', busy, { state: 'busy' });
		metrics.gauge('poster_slots', view.slots.length - busy, { state: 'idle' });
		metrics.gauge('poster_slots', view.slotsOut.length, { state: 'out' });
		for (const { slot, proof, whole } of facts.proofTimes) {
			metrics.gauge('poster_proof_usual_seconds', whole.p50Ms / MS, { slot, proof, percentile: '50' });
			metrics.gauge('poster_proof_usual_seconds', whole.p95Ms / MS, { slot, proof, percentile: '95' });
			metrics.gauge('poster_proof_usual_seconds', whole.p99Ms / MS, { slot, proof, percentile: '99' });
		}
		metrics.gauge('poster_epoch', view.epoch);
		metrics.gauge('poster_epoch_seconds', view.epochMs / MS);
		if (facts.chain !== 'none') metrics.gauge('poster_chain_following', facts.chain === 'following' ? 1 : 0);
		metrics.gauge('poster_synced', view.synced ? 1 : 0);
		const others = view.peers.filter(({ node }) => node !== view.self);
		metrics.gauge('poster_members', others.length);
		metrics.gauge('poster_members_connected', others.filter(({ connected }) => connected).length);
		metrics.gauge('poster_roster_version', rosterVersion);
		metrics.gauge('poster_store_stalled_seconds', facts.storeStalledMs / MS);
	}
}

/** How often each value is there, those that were there at any time before included. */
function counted(values: readonly string[], known: Set<string>): Map<string, number> {
	for (const value of values) known.add(value);
	return new Map([...known].map((value) => [value, values.filter((one) => one === value).length]));
}
