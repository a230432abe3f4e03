/**
 * Own storage: the sectors of due items are opened ahead, most urgent first, before anybody asks. What nobody needs any
 * more is left; what failed is tried once more an epoch later, since only two failures make a refusal.
 */
import { Bitfield } from '../domain/bitfield.ts';
import type { WorkId } from '../domain/ids.ts';
import { isCancelled } from './announce.ts';
import { holdingsOf } from './holdings.ts';
import { selfHasRole } from './members.ts';
import { effect } from './outbox.ts';
import type { SortedMap } from './sorted-map.ts';
import type { State, Work } from './state.ts';
import { isPast } from './timing.ts';
import { epochNow } from './wake.ts';
import { manifestOf } from './works.ts';

export interface StorageSlice {
	/** The last `open-ahead`. */
	ordered: readonly { readonly work: WorkId; readonly sectors: Bitfield }[];
	readonly opened: SortedMap<WorkId, Opened>;
}

export interface Opened {
	ok: Bitfield;
	/** Failed sectors by the epoch in which each failed first, and those that failed again in a later one. */
	readonly failedFirst: SortedMap<number, Bitfield>;
	failedTwice: Bitfield;
}

/** Tells the opener what to open, when that changed. */
export function openAhead(state: State, works: readonly Work[]): void {
	if (!selfHasRole(state, 'storage')) return;
	const wanted: { readonly work: Work; readonly sectors: Bitfield }[] = [];
	for (const work of works) {
		const sectors = toOpen(state, work);
		if (sectors.size > 0) wanted.push({ work, sectors });
	}
	wanted.sort((a, b) => urgency(a.work) - urgency(b.work) || (a.work.item.id < b.work.item.id ? -1 : 1));
	const { ordered } = state.storage;
	const isSame = ({ work, sectors }: (typeof wanted)[number], i: number): boolean =>
		ordered[i]?.work === work.item.id && ordered[i].sectors.equals(sectors);
	if (wanted.length === ordered.length && wanted.every(isSame)) return;
	state.storage.ordered = wanted.map(({ work, sectors }) => ({ work: work.item.id, sectors }));
	effect(state, { type: 'open-ahead', works: wanted.map(({ work, sectors }) => ({ work: work.item, sectors })) });
}

/**
 * Own sectors of an open item, those that are open already too: what leaves the list is dropped by the opener. Of a
 * finished item those that its result leaves out.
 */
function toOpen(state: State, work: Work): Bitfield {
	const { best } = work.results;
	if (best !== null && best.result.skipped.size === 0) return Bitfield.empty;
	const held = holdingsOf(state, state.config.self, work.item.miner);
	const manifest = manifestOf(state, work);
	if (held === null || manifest === null || isPast(state, work) || isCancelled(state, work)) return Bitfield.empty;
	const needed = best === null ? manifest : best.result.skipped;
	const wanted = held.intersect(needed);
	const opened = state.storage.opened.get(work.item.id);
	if (opened === undefined) return wanted;
	const failedNow = opened.failedFirst.get(epochNow(state)) ?? Bitfield.empty;
	return wanted.subtract(failedNow).subtract(opened.failedTwice);
}

function urgency({ item }: Work): number {
	return item.kind === 'post' ? item.close : Number.MAX_SAFE_INTEGER;
}
