/**
 * Leaving a sector out declares it faulty, so nobody's word alone is enough. A skip is backed when every storage member
 * whose signed holdings list the sector has refused it twice, at least one epoch apart; slow, offline or lying holders
 * back nothing. Whoever can open a skipped sector objects, and the item is open again for one who fetches it.
 */
import { Bitfield } from '../domain/bitfield.ts';
import { type NodeId, type SectorNumber, epoch as toEpoch } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Objection } from '../domain/record.ts';
import type { EventOf } from './api.ts';
import { currentEpoch } from './epoch-clock.ts';
import { holdersOf, holdingsOf } from './holdings.ts';
import { isNewer, publish } from './identity.ts';
import { keys, writeObjections, writeStatement } from './keys.ts';
import { hasRole, selfHasRole } from './members.ts';
import { decide, ignore, put } from './outbox.ts';
import { jitter } from './rank.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, StatementOf, Work } from './state.ts';
import type { Opened } from './storage.ts';
import { isPast } from './timing.ts';

export interface HeardObjection {
	readonly sector: SectorNumber;
	readonly holder: NodeId;
	/** Whoever objected first. */
	readonly by: NodeId;
	/** A claimant has fetched the sector in vain: not heeded again. */
	spent: boolean;
}

const PERMILLE = 1_000;

/** Those of the sectors that every known holder refused; a sector without a known holder is not among them. */
export function backedSkips(state: State, work: Work, sectors: Bitfield): Bitfield {
	let listed = Bitfield.empty;
	let withheld = Bitfield.empty;
	for (const id of holdersOf(state, work.item.miner, sectors)) {
		const held = (holdingsOf(state, id, work.item.miner) ?? Bitfield.empty).intersect(sectors);
		const refused = work.refusals.get(id)?.envelope.body.sectors ?? Bitfield.empty;
		listed = listed.union(held);
		withheld = withheld.union(held.subtract(refused));
	}
	return listed.subtract(withheld);
}

/** A result that leaves out sectors without every holder's word. */
export function hasUnbackedSkip(state: State, work: Work, skipped: Bitfield): boolean {
	return skipped.size > 0 && backedSkips(state, work, skipped).size < skipped.size;
}

/** More than 1 % or 10 sectors left out. */
export function hasManySkips(work: Work, skipped: Bitfield): boolean {
	return skipped.size > limits.manySkips || skipped.size * PERMILLE > work.item.sectorCount * limits.manySkipsPermille;
}

/** Signed refusals to send along with a result; this node's own travels by itself. */
export function refusalsFor(work: Work, skipped: Bitfield): readonly Uint8Array[] {
	const raws = [...work.refusals.values()].flatMap(({ envelope, raw }) =>
		raw !== null && raw.length <= limits.refusalBytes && envelope.body.sectors.intersect(skipped).size > 0 ? [raw] : [],
	);
	return raws.slice(0, limits.resultRefusals);
}

/** REF of another member, or of this one. */
export function onRefusal(state: State, statement: StatementOf<'ref'>): void {
	const { envelope } = statement;
	const { work: id, sectors, first } = envelope.body;
	const work = state.works.get(id);
	if (work === undefined) {
		ignore(state, 'refusal-of-unknown-work');
		return;
	}
	if (!hasRole(state, envelope.from, 'storage', work.item.miner)) {
		ignore(state, 'refusal-without-role');
		return;
	}
	// One that refuses nothing takes an earlier one back, which needs no second failure.
	if (sectors.size > 0 && (envelope.epoch <= first || first < work.item.challenge)) {
		ignore(state, 'refusal-too-quick');
		return;
	}
	const known = work.refusals.get(envelope.from);
	if (known !== undefined && !isNewer(envelope, known.envelope)) {
		ignore(state, 'stale-refusal');
		return;
	}
	work.refusals.set(envelope.from, statement);
	put(state, keys.refusal(id, envelope.from), writeStatement(statement));
	state.dirty = true;
}

/** Outcome of opening own sectors: the second failure, an epoch after the first, is a signed refusal. */
export function onOpened(state: State, { work: id, ok, failed }: EventOf<'opened'>): void {
	const work = state.works.get(id);
	if (work === undefined) return;
	const epoch = currentEpoch(state.clock, state.now);
	const opened = state.storage.opened.obtain(id, () => ({
		ok: Bitfield.empty,
		failedFirst: new SortedMap<number, Bitfield>(),
		failedTwice: Bitfield.empty,
	}));
	const bad = Bitfield.of(failed.map(({ sector }) => sector)).subtract(ok);
	const again = noteFailures(opened, ok, bad, epoch);
	opened.ok = opened.ok.union(ok).subtract(bad);
	const refused = opened.failedTwice.union(again).subtract(ok);
	const changed = !refused.equals(opened.failedTwice);
	opened.failedTwice = refused;
	state.dirty = true;
	if (!changed || !selfHasRole(state, 'storage', work.item.miner)) return;
	// One epoch stands for all sectors: the last in which one of them failed first.
	const firsts = [...opened.failedFirst].filter(([, sectors]) => sectors.intersect(refused).size > 0);
	const body = { work: id, sectors: refused, first: toEpoch(firsts.at(-1)?.[0] ?? epoch) };
	onRefusal(state, { envelope: publish(state, { kind: 'ref', body }), raw: null });
}

/** Each sector keeps its own first epoch; returns those that failed in an earlier one too. */
function noteFailures({ failedFirst }: Opened, ok: Bitfield, bad: Bitfield, epoch: number): Bitfield {
	let fresh = bad;
	let again = Bitfield.empty;
	for (const [first, sectors] of [...failedFirst]) {
		fresh = fresh.subtract(sectors);
		if (first < epoch) again = again.union(sectors.intersect(bad));
		const left = sectors.subtract(ok);
		if (left.size > 0) failedFirst.set(first, left);
		else failedFirst.delete(first);
	}
	if (fresh.size > 0) failedFirst.set(epoch, (failedFirst.get(epoch) ?? Bitfield.empty).union(fresh));
	return again;
}

/** Names skipped sectors that this node has opened: a few of them once, since one that comes brings the others along. */
export function objectToSkips(state: State): void {
	const { self } = state.config;
	for (const [id, opened] of state.storage.opened) {
		const work = state.works.get(id);
		const skipped = work?.results.best?.result.skipped;
		if (work === undefined || skipped === undefined || skipped.size === 0 || isPast(state, work)) continue;
		if (!selfHasRole(state, 'storage', work.item.miner)) continue;
		const here = skipped.intersect(opened.ok);
		if (here.size > 0 && objectedOf(work, self).intersect(skipped).size === 0) {
			object(state, work, here, self, 'sector-is-here');
		}
	}
}

/** Says in this node's record that the holder can open these skipped sectors. */
export function object(state: State, work: Work, sectors: Bitfield, holder: NodeId, why: string): void {
	const { id } = work.item;
	const room = limits.objectionsPerAuthor - heardFrom(work, state.config.self);
	const named = [...sectors.subtract(objectedOf(work, holder))].slice(0, Math.min(limits.objectionsPerWork, room));
	if (named.length === 0) return;
	state.records.changed = true;
	decide(state, 'object', why, { work: id, peer: holder, facts: { sectors: named.length } });
	const made = named.map((sector) => ({ work: id, sector, holder }) as Objection);
	heedObjections(state, state.config.self, made);
}

/**
 * What this node's record says: its objections to sectors that the best result still leaves out, and those of others
 * to sectors that it has opened itself. Of more than a record tells, others with each record.
 */
export function ownObjections(state: State): readonly Objection[] {
	const { self } = state.config;
	const all = state.works.values().flatMap((work) => {
		if (work.objections.size === 0 || isPast(state, work)) return [];
		const { id } = work.item;
		const opened = state.storage.opened.get(id)?.ok;
		return unsettled(work).flatMap(({ by, holder, sector }) =>
			by === self || (holder === self && opened?.has(sector)) ? [{ work: id, sector, holder }] : [],
		);
	});
	if (all.length <= limits.recordObjections) return all;
	const start = jitter(self, 'objections', state.identity.sequence, all.length);
	return [...all.slice(start), ...all.slice(0, start)].slice(0, limits.recordObjections);
}

function heardFrom(work: Work, author: NodeId): number {
	return work.objections.values().filter(({ by }) => by === author).length;
}

/** Sectors for which an objection named this holder, in vain or not. */
export function objectedOf(work: Work, holder: NodeId): Bitfield {
	const named = [...work.objections.values()].filter((objection) => objection.holder === holder);
	return Bitfield.of(named.map(({ sector }) => sector));
}

/** Objections count from the holder itself, and from a submitter that got the sector from it. */
export function heedObjections(state: State, from: NodeId, objections: readonly Objection[]): void {
	for (const { work: id, sector, holder } of objections) {
		const work = state.works.get(id);
		if (work === undefined) continue;
		const { miner } = work.item;
		const entitled = from === holder || hasRole(state, from, 'submitter', miner);
		if (!entitled || !hasRole(state, holder, 'storage', miner)) {
			ignore(state, 'objection-without-role');
			continue;
		}
		const key = `${sector}/${holder}`;
		if (work.objections.has(key)) continue;
		if (heardFrom(work, from) >= limits.objectionsPerAuthor) {
			ignore(state, 'too-many-objections');
			continue;
		}
		work.objections.set(key, { sector, holder, by: from, spent: false });
		work.claim.exhausted.delete(holder);
		state.dirty = true;
		if (isReopened(work)) decide(state, 'reopen', 'objection', { work: id, peer: holder, facts: { sector } });
	}
}

/** Sectors that unspent objections name among those the best result leaves out. */
export function objectedSectors(work: Work): Bitfield {
	return Bitfield.of(unsettled(work).map(({ sector }) => sector));
}

function unsettled(work: Work): readonly HeardObjection[] {
	const skipped = work.results.best?.result.skipped;
	if (skipped === undefined || skipped.size === 0 || work.objections.size === 0) return [];
	return work.objections.values().filter(({ spent, sector }) => !spent && skipped.has(sector));
}

export function isReopened(work: Work): boolean {
	return unsettled(work).length > 0;
}

/** The sectors did not come: these objections are not heeded again. */
export function spendObjections(state: State, work: Work, missing: Bitfield): void {
	for (const [key, objection] of work.objections) {
		if (missing.has(objection.sector)) work.objections.set(key, { ...objection, spent: true });
	}
	const spent = work.objections.values().filter((objection) => objection.spent);
	if (spent.length > 0) put(state, keys.objections(work.item.id), writeObjections(spent));
}

/** What an earlier life fetched in vain. */
export function recoverObjections(work: Work, spent: readonly Omit<HeardObjection, 'spent'>[]): void {
	for (const { sector, holder, by } of spent) {
		work.objections.set(`${sector}/${holder}`, { sector, holder, by, spent: true });
	}
}
