/** Figures of a run: how soon work is claimed and taken over, and what was proven more than once. */
import type { Effect } from '../../src/core/api.ts';
import type { WorkId } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { WorkItem } from '../../src/domain/work.ts';
import { EXIT_REFUSED } from './chain.ts';
import type { SimNode } from './node.ts';
import type { World } from './world.ts';

interface Attempt {
	readonly node: SimNode;
	readonly from: number;
	to: number | null;
}

/** Work whose holder died. */
interface Orphan {
	readonly at: number;
	readonly silent: boolean;
	/** A slot was free for it, and the loss was none that counts as a split. */
	readonly free: boolean;
}

export class Metrics {
	/** Ms from when a node with a free slot may claim an item to its first claim, and from the challenge to that time. */
	readonly claimMs: number[] = [];
	readonly claimableMs: number[] = [];
	readonly takeoverResetMs: number[] = [];
	readonly takeoverSilentMs: number[] = [];
	/** Where no slot was free, or too many died at once. */
	readonly takeoverBusyMs: number[] = [];
	proofsStarted = 0;
	/** Begun while another proof of the item ran or was done, backups not counted. */
	duplicateStarts = 0;
	readonly #world: World;
	readonly #attempts = new Map<WorkId, Attempt[]>();
	/** Backups for slowness begun while an item waited for its first proof. */
	earlyBackups = 0;
	/** World time of the first claim and of the first proof of each item. */
	readonly claimedAt = new Map<WorkId, number>();
	readonly madeAt = new Map<WorkId, number>();
	/** Items of the chain that nobody has claimed, by the time of their challenge. */
	readonly #unclaimed = new Map<WorkId, number>();
	/** Since when each machine may claim which of them. */
	readonly #mayClaim = new Map<SimNode, Map<WorkId, number>>();
	readonly #orphans = new Map<WorkId, Orphan>();
	readonly #deaths: number[] = [];

	constructor(world: World) {
		this.#world = world;
	}

	/** A new challenge brings new items. */
	epoch(): void {
		const { chain, heap } = this.#world;
		for (const slot of chain.slots) {
			if (slot.challenge !== chain.epoch - 1) continue;
			for (const { id } of this.#world.itemsOf(slot)) if (!this.claimedAt.has(id)) this.#unclaimed.set(id, heap.now);
		}
	}

	/** A machine with a free slot may claim what nothing stands in the way of. */
	stepped(node: SimNode): void {
		if (this.#unclaimed.size === 0 || node.state === null || node.config.slots.length === 0) return;
		if (!this.#world.isHonest(node)) return;
		const { state } = node;
		let mine = this.#mayClaim.get(node);
		if (state.jobs.size >= state.slots.names.length) {
			mine?.clear();
			return;
		}
		if (mine === undefined) {
			mine = new Map();
			this.#mayClaim.set(node, mine);
		}
		for (const id of this.#unclaimed.keys()) {
			if (mine.has(id) || state.works.get(id)?.claim.availableAt == null) continue;
			mine.set(id, this.#world.heap.now);
		}
	}

	effect(node: SimNode, effect: Effect): void {
		if (effect.type !== 'decision') return;
		const { name, work } = effect.decision;
		if (work === undefined || (name !== 'claim' && name !== 'takeover' && name !== 'hedge')) {
			if (name === 'result-stored' && work !== undefined) this.#orphans.delete(work);
			return;
		}
		const { now } = this.#world.heap;
		if (name === 'hedge' && effect.decision.reason === 'slow' && this.#someWaits()) this.earlyBackups++;
		this.#firstClaim(node, work, now);
		const orphan = this.#orphans.get(work);
		if (orphan === undefined) return;
		this.#orphans.delete(work);
		const list = !orphan.free ? this.takeoverBusyMs : orphan.silent ? this.takeoverSilentMs : this.takeoverResetMs;
		list.push(now - orphan.at);
	}

	/** An item of the chain that nobody works on and nobody has proven. */
	#someWaits(): boolean {
		const { chain, nodes } = this.#world;
		const known = chain.slots.filter(({ challenge, close }) => challenge < chain.epoch - 1 && chain.epoch < close);
		return known
			.flatMap((slot) => this.#world.itemsOf(slot))
			.some(({ id }) => !this.madeAt.has(id) && !nodes.some(({ state }) => state?.jobs.has(id) === true));
	}

	#firstClaim(node: SimNode, work: WorkId, now: number): void {
		const challengeAt = this.#unclaimed.get(work);
		if (!this.claimedAt.has(work)) this.claimedAt.set(work, now);
		if (challengeAt === undefined) return;
		this.#unclaimed.delete(work);
		let since: number | undefined;
		for (const times of this.#mayClaim.values()) {
			const at = times.get(work);
			if (at !== undefined && (since === undefined || at < since)) since = at;
			times.delete(work);
		}
		// Fetched ahead of a slot: no slot was free for it.
		const { state } = node;
		if (since === undefined && state !== null && state.jobs.size > state.slots.names.length) return;
		this.claimMs.push(now - (since ?? now));
		this.claimableMs.push((since ?? now) - challengeAt);
	}

	dies(node: SimNode, silent: boolean): void {
		const { heap, nodes } = this.#world;
		this.#deaths.push(heap.now);
		this.#mayClaim.delete(node);
		const { state } = node;
		if (state === null || !this.#world.isHonest(node)) return;
		const orphans = [...state.jobs.values()].filter(
			({ work, backup }) => !backup && !nodes.some((other) => other !== node && other.state?.jobs.has(work) === true),
		);
		const free = nodes.reduce((sum, other) => {
			const { jobs, slots } = other.state ?? {};
			const able = other !== node && other.isAwake && this.#world.isHonest(other);
			return sum + (able ? Math.max(0, (slots?.names.length ?? 0) - (jobs?.size ?? 0)) : 0);
		}, 0);
		const recent = this.#deaths.filter((at) => heap.now - at < limits.leaseMs + limits.probeMs).length;
		const hasSlot = free >= orphans.length + this.#unclaimed.size && recent < limits.massLossLeast;
		for (const { work } of orphans) this.#orphans.set(work, { at: heap.now, silent, free: hasSlot });
	}

	proofStarted(node: SimNode, { id }: WorkItem): void {
		const attempts = this.#attempts.get(id) ?? [];
		this.#attempts.set(id, attempts);
		this.proofsStarted++;
		const isBackup = node.state?.jobs.get(id)?.backup === true;
		const running = attempts.some(({ to }) => to === null);
		if (!isBackup && (running || this.madeAt.has(id))) this.duplicateStarts++;
		attempts.push({ node, from: this.#world.heap.now, to: null });
	}

	proofEnded(node: SimNode, work: WorkId): void {
		const attempt = this.#attempts.get(work)?.findLast((other) => other.node === node && other.to === null);
		if (attempt !== undefined) attempt.to = this.#world.heap.now;
	}

	proofMade({ id }: WorkItem): void {
		if (!this.madeAt.has(id)) this.madeAt.set(id, this.#world.heap.now);
	}

	/** GPU time in all, and what of it went into an item that another proof covered at the time or before. */
	gpuMs(): { readonly total: number; readonly duplicate: number } {
		let total = 0;
		let useful = 0;
		for (const [id, attempts] of this.#attempts) {
			const made = this.madeAt.get(id) ?? Number.MAX_SAFE_INTEGER;
			let covered = 0;
			for (const { from, to } of attempts) {
				const end = to ?? this.#world.heap.now;
				total += end - from;
				// In order of their begin: what goes beyond all before it, until the first is done.
				useful += Math.max(0, Math.min(end, made) - Math.max(from, covered));
				covered = Math.max(covered, end);
			}
		}
		return { total, duplicate: total - useful };
	}

	/** Messages that the chain took for a partition that was proven already. */
	paidTwice(): number {
		const { chain } = this.#world;
		const proven = new Set<string>();
		let twice = 0;
		for (const { message, exitCode } of chain.landed) {
			if (message.call?.kind !== 'submit-post') continue;
			const key = `${chain.slotOf(message)?.index}/${message.call.params.partition}`;
			if (exitCode === EXIT_REFUSED && proven.has(key)) twice++;
			if (exitCode === 0) proven.add(key);
		}
		return twice;
	}
}
