/**
 * Own storage: the sectors of due items are opened ahead, most urgent first, before anybody asks. What nobody needs any
 * more is left; what failed is tried once more an epoch later, since only two failures make a refusal.
 */
import { Bitfield } from '../domain/bitfield.ts';
import { isCancelled } from './announce.ts';
import { currentEpoch } from './epoch-clock.ts';
import { holdingsOf } from './holdings.ts';
import { selfHasRole } from './members.ts';
import { effect } from './outbox.ts';
import type { State, Work } from './state.ts';
import { isPast } from './timing.ts';
import { manifestOf } from './works.ts';

/** Tells the opener what to open, when that changed. */
export function openAhead(state: State): void {
	if (!selfHasRole(state, 'storage')) return;
	const wanted = [...state.works.values()].flatMap((work) => {
		const sectors = toOpen(state, work);
		return sectors.size > 0 ? [{ work, sectors }] : [];
	});
	wanted.sort((a, b) => urgency(a.work) - urgency(b.work) || (a.work.item.id < b.work.item.id ? -1 : 1));
	const ordered = wanted.map(({ work, sectors }) => `${work.item.id}/${shape(sectors)}`).join(' ');
	if (ordered === state.storage.ordered) return;
	state.storage.ordered = ordered;
	effect(state, { type: 'open-ahead', works: wanted.map(({ work, sectors }) => ({ work: work.item, sectors })) });
}

/** Own sectors of an open item that are not open yet; of a finished one those that its result leaves out. */
function toOpen(state: State, work: Work): Bitfield {
	const held = holdingsOf(state, state.config.self, work.item.miner);
	const manifest = manifestOf(state, work);
	if (held === null || manifest === null || isPast(state, work) || isCancelled(state, work)) return Bitfield.empty;
	const { best } = work.results;
	const needed = best === null ? manifest : best.result.skipped;
	const opened = state.storage.opened.get(work.item.id);
	if (opened === undefined) return held.intersect(needed);
	const epoch = currentEpoch(state.clock, state.now);
	const failed = epoch > opened.firstEpoch ? opened.failedTwice : opened.failedOnce;
	return held.intersect(needed).subtract(opened.ok).subtract(failed);
}

function urgency({ item }: Work): number {
	return item.kind === 'post' ? item.close : Number.MAX_SAFE_INTEGER;
}

/** Changes whenever the set does in size or span: enough to see that the opener's list is old. */
function shape(sectors: Bitfield): string {
	return `${sectors.size}:${sectors.runs[0]?.start ?? 0}:${sectors.runs.at(-1)?.end ?? 0}`;
}
