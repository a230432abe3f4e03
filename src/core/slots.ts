/**
 * Which of this node's slots take an item: some prove other sizes or for other miners only, and a prover that reads the
 * sectors itself takes none of which a sector lies elsewhere.
 */

import type { WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { WorkItem } from '../domain/work.ts';
import type { SlotFilter, SlotOut, WaitReason } from './api.ts';
import { holdingsOf } from './holdings.ts';
import { keys, writeCrashes } from './keys.ts';
import { alarm, put } from './outbox.ts';
import type { SortedMap } from './sorted-map.ts';
import type { State, Work } from './state.ts';
import { pastNoReturn } from './timing.ts';
import { manifestOf } from './works.ts';

export interface SlotsSlice {
	/** Slots in service with the work they hold. */
	names: readonly string[];
	/** The others, where it is known why. */
	out: readonly SlotOut[];
	readonly busy: SortedMap<string, WorkId>;
}

/** One death may be the machine's; the second one is the item's, as far as anybody can tell. */
const CRASHES_TO_QUARANTINE = 2;

/** Slots in service that take the item, in order of preference. */
export function fittingSlots(state: State, work: Work): readonly string[] {
	return state.slots.names.filter((name) => filterComplaint(state, filterOf(state, name), work) === null);
}

/** Why no slot of this node takes the item; null when one does, or when none is in service at all. */
export function slotObstacle(state: State, work: Work): WaitReason | null {
	const { names } = state.slots;
	if (state.config.slotFilters.length === 0 || names.length === 0) return null;
	const fitting = fittingSlots(state, work);
	if (fitting.length > 0) return isCrowded(state, fitting) ? 'no-free-slot' : null;
	const complaints = names.map((name) => filterComplaint(state, filterOf(state, name), work));
	return complaints.includes('not-held-here') ? 'not-held-here' : 'slot-filter';
}

/**
 * The free slot that proves the item: one whose prover it has not killed, while there is such a slot or until the library
 * is to make the proof, which is another prover.
 */
export function pickSlot(state: State, work: Work): string | undefined {
	const fitting = fittingSlots(state, work);
	const free = fitting.filter((name) => !state.slots.busy.has(name));
	const untried = fitting.filter((name) => !work.claim.crashes.includes(name));
	if (untried.length === 0 || isUntriedByStock(work) || pastNoReturn(state, work, 0))
		return free.find((name) => untried.includes(name)) ?? free[0];
	return free.find((name) => untried.includes(name));
}

/** From the second death on only the library proves the item here: our own prover may be what dies of it. */
export function isForStock({ claim }: Work): boolean {
	return claim.crashes.length >= CRASHES_TO_QUARANTINE;
}

function isUntriedByStock(work: Work): boolean {
	return isForStock(work) && !work.claim.stockCrashed;
}

/** A prover died over the item; known again after a restart of this node, which it may have been the reason for. */
export function noteCrash(state: State, work: Work, { slot, ownEngine }: { slot: string; ownEngine: boolean }): void {
	const { claim, item } = work;
	claim.crashes = [...claim.crashes, slot].slice(-limits.crashesKept);
	claim.stockCrashed ||= !ownEngine;
	put(state, keys.crashes(item.id), writeCrashes(claim));
	warnOfCrashes(state, work);
}

/** Tells of an item that is in quarantine, once. */
export function warnOfCrashes(state: State, { claim, item, results }: Work): void {
	if (claim.crashes.length < CRASHES_TO_QUARANTINE || results.best !== null || results.candidates.size > 0) return;
	alarm(state, 'crashing-partition', item.id, { crashes: claim.crashes.length, slots: new Set(claim.crashes).size });
}

/**
 * It has killed two provers here, then the library's, and every one that could take it: left to others until nobody may
 * wait any more.
 */
export function isQuarantined(state: State, work: Work): boolean {
	const { crashes } = work.claim;
	if (crashes.length < CRASHES_TO_QUARANTINE || isUntriedByStock(work)) return false;
	return fittingSlots(state, work).every((name) => crashes.includes(name)) && !pastNoReturn(state, work, 0);
}

/** The items of this node that need one of these slots are as many as the slots, and one that is gathered ahead. */
function isCrowded(state: State, fitting: readonly string[]): boolean {
	let rivals = 0;
	for (const id of state.jobs.keys()) {
		const work = state.works.get(id);
		if (work !== undefined && fittingSlots(state, work).every((name) => fitting.includes(name))) rivals++;
	}
	return rivals > fitting.length;
}

function filterOf(state: State, name: string): SlotFilter | undefined {
	return state.config.slotFilters.find((filter) => filter.slot === name);
}

function filterComplaint(state: State, filter: SlotFilter | undefined, work: Work): WaitReason | null {
	if (filter === undefined) return null;
	if (!isAllowed(filter, work.item)) return 'slot-filter';
	if (!filter.readsOwnStorage) return null;
	const manifest = manifestOf(state, work);
	const held = holdingsOf(state, state.config.self, work.item.miner);
	return manifest !== null && held !== null && manifest.isSubsetOf(held) ? null : 'not-held-here';
}

function isAllowed({ proofTypes, miners }: SlotFilter, { proofType, miner }: WorkItem): boolean {
	return (proofTypes === null || proofTypes.includes(proofType)) && (miners === null || miners.includes(miner));
}
