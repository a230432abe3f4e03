/**
 * What still has to be proven and by whose slots, and what follows from it: the latest time to start, and whether all of
 * it can be proven in time. Not every slot takes every item, so items are counted by the slots that take them: a miner
 * of few slots is not told by the many slots of others that it has time.
 */
import { limits } from '../domain/limits.ts';
import { unbelieved } from './announce.ts';
import { longEpochMs, msUntil, shortEpochMs } from './epoch-clock.ts';
import { isPeerPresent } from './liveness.ts';
import { hasRole } from './members.ts';
import { alarm, clearAlarm } from './outbox.ts';
import { fittingSlots } from './slots.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, Work } from './state.ts';
import { estimate, isPast } from './timing.ts';
import { isWithin } from './wake.ts';

/** Waiting items of one round of decisions. They are counted when a rule asks first: in most rounds none does. */
export interface Load {
	readonly works: readonly Work[];
	counted: Counted | null;
}

interface Counted {
	/** By the slots that take them. */
	readonly demands: SortedMap<string, Demand>;
	/** The same by miner and proof type. */
	readonly byKind: Map<string, Demand>;
	/** How many slots each taker has. */
	readonly slots: Map<string, number>;
	readonly rounds: Map<Demand, number>;
}

/** Items that the same slots take. */
interface Demand {
	/** Present members that take them; of this node each slot by itself, since its slots may differ. */
	readonly takers: ReadonlySet<string>;
	/** How many wait by the close of their deadline, and one of them. */
	readonly byClose: SortedMap<number, { count: number; readonly work: Work }>;
}

/** Demands that only these slots can meet. */
interface Contest {
	readonly slots: number;
	readonly demands: readonly Demand[];
}

export function currentLoad(state: State, works: readonly Work[] = state.works.values()): Load {
	return { works, counted: null };
}

function countOnce(state: State, load: Load): Counted {
	if (load.counted !== null) return load.counted;
	const counted = { demands: new SortedMap<string, Demand>(), byKind: new Map(), slots: new Map(), rounds: new Map() };
	load.counted = counted;
	for (const work of load.works) {
		if (!isWaiting(state, work)) continue;
		const { byClose } = demandOf(state, counted, work);
		byClose.obtain(work.item.close, () => ({ count: 0, work })).count++;
	}
	return counted;
}

/** To be proven still. What nobody will prove takes no slot and must not hurry the others. */
function isWaiting(state: State, work: Work): boolean {
	const open = work.item.kind === 'post' && work.results.best === null && !work.posted && !isPast(state, work);
	return open && unbelieved(state, work) === null;
}

function demandOf(state: State, { demands, byKind, slots }: Counted, work: Work): Demand {
	const { miner, proofType } = work.item;
	const differs = state.config.slotFilters.length > 0 ? fittingSlots(state, work).join() : '';
	const kind = `${miner}/${proofType}/${differs}`;
	const known = byKind.get(kind);
	if (known !== undefined) return known;
	const takers = new Set<string>();
	for (const [id, peer] of state.peers) {
		// One that is not in sync yet will be in seconds: no sector is given up over a restart.
		const given = hasRole(state, id, 'prover', miner) && isPeerPresent(state, peer);
		const count = given ? Math.min(peer.record?.envelope.body.slots ?? 0, state.roster.byId.get(id)?.slots ?? 0) : 0;
		if (count === 0) continue;
		takers.add(id);
		slots.set(id, count);
	}
	for (const name of ownSlots(state, work)) {
		takers.add(`own/${name}`);
		slots.set(`own/${name}`, 1);
	}
	const key = takers.size > 0 ? [...takers].join() : kind;
	const demand = demands.obtain(key, () => ({ takers, byClose: new SortedMap() }));
	byKind.set(kind, demand);
	return demand;
}

/** Busy ones count as well: they are free for the next round. */
function ownSlots(state: State, work: Work): readonly string[] {
	const { self, proofTypes } = state.config;
	const may = hasRole(state, self, 'prover', work.item.miner) && proofTypes.includes(work.item.proofType);
	return may ? fittingSlots(state, work) : [];
}

/**
 * Slots that take the demand, alone and with those of each other demand that shares some of them: a slot that serves
 * several miners can be needed by all of them at once.
 */
function contestsOf({ demands, slots }: Counted, demand: Demand): readonly Contest[] {
	const sharing = demands.values().filter((other) => other === demand || !other.takers.isDisjointFrom(demand.takers));
	return sharing.map((other) => {
		const takers = demand.takers.union(other.takers);
		let sum = 0;
		for (const taker of takers) sum += slots.get(taker) ?? 0;
		const bound = demands.values().filter((some) => some === demand || isBound(some, takers));
		return { slots: Math.max(1, sum), demands: bound };
	});
}

function isBound({ takers }: Demand, to: ReadonlySet<string>): boolean {
	return takers.size > 0 && takers.isSubsetOf(to);
}

/** How often in turn the slots that take the item must prove until all that waits for them is proven; at least once. */
export function roundsLeft(state: State, work: Work, load: Load): number {
	const counted = countOnce(state, load);
	const demand = demandOf(state, counted, work);
	const known = counted.rounds.get(demand);
	if (known !== undefined) return known;
	let rounds = 1;
	for (const { slots, demands } of contestsOf(counted, demand)) {
		let waiting = 0;
		for (const { byClose } of demands) for (const { count } of byClose.values()) waiting += count;
		rounds = Math.max(rounds, Math.ceil(waiting / slots));
	}
	counted.rounds.set(demand, rounds);
	return rounds;
}

/**
 * True from the latest time on at which the item must be started, reckoned so that all waiting items still fit in:
 * close - margin - T99 x ceil(waiting / fitting slots). For giving up with the longer epoch, for adding work with the shorter.
 */
export function isLatestStart(
	state: State,
	work: Work,
	load: Load,
	epochMs: number = longEpochMs(state.clock),
): boolean {
	const ms = estimate(state, work.item.proofType).p99Ms * roundsLeft(state, work, load);
	return isWithin(state, work.item.close - limits.marginEpochs, ms, epochMs) ?? false;
}

/** More is due before a close than the slots that take it can prove: told, never silently dropped. */
export function checkFeasible(state: State, load: Load): void {
	// Who verifies nothing never learns what is proven already.
	if (state.config.keys === null) return;
	const counted = countOnce(state, load);
	const contests = counted.demands.values().flatMap((demand) => contestsOf(counted, demand));
	const feasible = contests.map((contest) => isFeasible(state, contest));
	if (!feasible.includes(false)) clearAlarm(state, 'infeasible', 'capacity');
}

function isFeasible(state: State, { slots, demands }: Contest): boolean {
	const closes = [...new Set(demands.flatMap(({ byClose }) => byClose.keys()))].sort((a, b) => a - b);
	const epochMs = shortEpochMs(state.clock);
	let ahead = 0;
	let feasible = true;
	for (const close of closes) {
		let p95Ms = 0;
		for (const { byClose } of demands) {
			const due = byClose.get(close);
			if (due === undefined) continue;
			ahead += due.count;
			p95Ms = Math.max(p95Ms, estimate(state, due.work.item.proofType).p95Ms);
		}
		const needed = Math.ceil(ahead / slots) * p95Ms;
		const left = msUntil(state.clock, close - limits.marginEpochs, state.now, epochMs);
		if (left === null || isWithin(state, close - limits.marginEpochs, needed - 1, epochMs) !== true) continue;
		feasible = false;
		alarm(state, 'infeasible', 'capacity', { close, items: ahead, slots, neededMs: needed, leftMs: left });
	}
	return feasible;
}
