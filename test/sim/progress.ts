/**
 * The progress rules: L1, L4, L5 and S8 while there is still work, L3 in the end. They are judged once the faults are
 * over and what they did has had its time to heal; S8 always.
 */

import { buildDigest } from '../../src/core/digest.ts';
import type { State } from '../../src/core/state.ts';
import { pastNoReturn } from '../../src/core/timing.ts';
import type { WorkId } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { WorkItem } from '../../src/domain/work.ts';
import type { Slot } from './chain.ts';
import type { SimNode } from './node.ts';
import type { World } from './world.ts';

/** After the last fault: connections, a first sync, rounds of digests with some that failed, leases that lapse. */
const HEAL_MS = 60_000;
/** L1: lease, probe, ten ranks, claims that collided, clocks that are a tenth slow. */
const UNCLAIMED_MS = Math.floor((limits.leaseMs + limits.probeMs + 12 * limits.rankStepMs) * 1.25);
/** L5: two delays and a tick, with a claim that was lost and repeated. */
const CONFLICT_MS = 5_000;
/** L4: epochs from when a submitter knows a result until it is on the chain, ranks and one lost message included. */
const SUBMIT_EPOCHS = 25;

export class Progress {
	readonly #world: World;
	readonly #violate: (rule: string) => void;
	readonly #submitEpochs: number;
	/** Since when nobody works on an item that somebody could take. */
	readonly #unclaimed = new Map<WorkId, number>();
	/** Since when a result is known to a submitter. */
	readonly #known = new Map<WorkId, number>();

	constructor(world: World, violate: (rule: string) => void) {
		this.#world = world;
		this.#violate = violate;
		const { plan, chain } = world;
		// A chain that is set to take few messages at a time has to take all of them first.
		const items = chain.slots.reduce((sum, { due }) => sum + due.length, 0);
		this.#submitEpochs =
			SUBMIT_EPOCHS + (plan.tipsetMessages === undefined ? 0 : Math.ceil(items / plan.tipsetMessages));
	}

	get #isCalm(): boolean {
		const { plan, heap } = this.#world;
		return plan.calmMs === 0 || heap.now >= plan.calmMs + HEAL_MS;
	}

	/** Once in an epoch. */
	epoch(): void {
		const { chain } = this.#world;
		for (const slot of chain.slots) {
			if (chain.epoch <= slot.challenge + 1 || chain.epoch >= slot.close) continue;
			for (const item of this.#world.itemsOf(slot)) {
				if (!chain.isPosted(slot, item.partition)) this.#look(slot, item);
			}
		}
	}

	#honest(): readonly SimNode[] {
		return this.#world.nodes.filter((node) => node.isAwake && this.#world.isHonest(node));
	}

	#look(slot: Slot, item: WorkItem): void {
		const { heap, chain, plan } = this.#world;
		const honest = this.#honest();
		const holds = honest.filter(({ state }) => state?.works.get(item.id)?.results.best != null);
		if (holds.length > 0) {
			this.#unclaimed.delete(item.id);
			const signers = holds.filter(
				({ config, fullNode }) => config.roles.includes('submitter') && fullNode?.down === 0,
			);
			if (signers.length === 0 || chain.epoch < slot.open + limits.submitDelayEpochs || !this.#isCalm) {
				this.#known.delete(item.id);
				return;
			}
			const since = this.#known.get(item.id) ?? heap.now;
			this.#known.set(item.id, since);
			const isLate = heap.now - since > this.#submitEpochs * plan.epochMs;
			if (isLate && holds.some((node) => !hasSkips(node, item))) this.#violate('L4 a known result is not submitted');
			return;
		}
		this.#lookForHolders(item, honest);
	}

	#lookForHolders(item: WorkItem, honest: readonly SimNode[]): void {
		const { heap } = this.#world;
		const working = honest.filter(({ state }) => state?.jobs.has(item.id) === true);
		const able = honest.filter((node) => this.#couldStart(node, item));
		if (working.length > 0 || able.length === 0) this.#unclaimed.delete(item.id);
		else {
			const since = this.#unclaimed.get(item.id) ?? heap.now;
			this.#unclaimed.set(item.id, since);
			const waited = heap.now - since;
			if (this.#isCalm && waited > UNCLAIMED_MS) this.#violate('L1 nobody claims an open item');
			const late = able.filter(({ state }) => {
				const work = state?.works.get(item.id);
				return state !== null && work !== undefined && pastNoReturn(state, work, 0);
			});
			if (late.length > 0 && waited > UNCLAIMED_MS)
				this.#violate('S8 an item is not begun after its point of no return');
		}
		if (!this.#isCalm || working.length < 2) return;
		const rivals = working.filter((node) => this.#isRival(node, item.id));
		if (rivals.length > 1) this.#violate('L5 two claims of one item go on');
	}

	/** A free slot, in sync, the manifest held, and every sector to be had. */
	#couldStart(node: SimNode, item: WorkItem): boolean {
		const { state, config } = node;
		if (state === null || !config.roles.includes('prover')) return false;
		if (state.jobs.size >= state.slots.names.length || state.sync.completed === 0) return false;
		const manifest = state.manifests.get(item.sectorRoot)?.sectors;
		const work = state.works.get(item.id);
		if (manifest == null || work === undefined || work.claim.retryAt > state.now) return false;
		const { holders, network } = this.#world;
		const missing = holders.reduce((left, holder) => {
			const { storage } = holder;
			const troubled = storage.slow + storage.refusing + storage.lying + storage.offline > 0;
			const served = !troubled && network.reaches(node, holder) && network.isConnected(node, holder);
			return served || holder === node ? left.subtract(holder.held) : left;
		}, manifest);
		return missing.size === 0;
	}

	/** Its claim is no backup, old enough to be known, and would be given up before the point of no return. */
	#isRival({ state }: SimNode, id: WorkId): boolean {
		const job = state?.jobs.get(id);
		const work = state?.works.get(id);
		if (state == null || job === undefined || work === undefined || job.backup || job.phase === 'verify') return false;
		return state.now - job.startedAt > CONFLICT_MS && !pastNoReturn(state, work, 0);
	}

	/** L3: after the calm tail all have the same announcements, messages and refusals, and the same results of what is due. */
	end(): void {
		const { chain, plan } = this.#world;
		// Who came back when all was over fetches no manifests any more, and can judge nothing.
		const over = Math.max(...chain.slots.map(({ close }) => close)) * plan.epochMs;
		const [first, ...rest] = this.#honest().filter(({ startedAt }) => startedAt + HEAL_MS < over);
		if (first?.state == null) return;
		const known = knownTo(first.state);
		for (const { id, state } of rest) {
			if (state === null || knownTo(state) === known) continue;
			this.#violate(`L3 ${this.#world.nameOf(id)} knows other things than ${this.#world.nameOf(first.id)}`);
		}
		for (const item of chain.slots.flatMap((slot) => this.#world.itemsOf(slot))) {
			const kept = [first, ...rest].flatMap(({ state }) => this.#keptOf(state, item));
			if (new Set(kept).size > 1) this.#violate(`L3 several results of ${item.id} are kept`);
		}
	}

	/** Nobody need agree on the result of a liar, good as it is: whoever caught the liar hears it no more. */
	#keptOf(state: State | null, item: WorkItem): readonly string[] {
		const work = state?.works.get(item.id);
		if (state === null || work === undefined || !isExchanged(state, item)) return [];
		const { best } = work.results;
		if (best === null) return ['none'];
		const author = this.#world.nodes.find(({ id }) => id === best.statement.envelope.from);
		return author === undefined || this.#world.isHonest(author) ? [best.hash] : [];
	}
}

function isExchanged(state: State, item: WorkItem): boolean {
	return buildDigest(state).challenges.some(({ key }) => key === item.key);
}

/** The digest of it, but for the results. */
function knownTo(state: State): string {
	const { challenges } = buildDigest(state);
	return JSON.stringify(
		challenges.map(({ key, announcements, submissions, refusals }) => [key, announcements, submissions, refusals]),
	);
}

/** Results with skips may have to wait for the end. */
function hasSkips({ state }: SimNode, item: WorkItem): boolean {
	return (state?.works.get(item.id)?.results.best?.result.skipped.size ?? 0) > 0;
}
