/**
 * Before a result with an unbacked skip is signed, a submitter asks the holders of those sectors itself: one that could
 * open them but does not object, because it never heard of the result or is no node of ours, must not make them faulty.
 * Only a sector that came and passed the whole check counts. All of it runs beside submission and delays nothing.
 */
import { Bitfield } from '../domain/bitfield.ts';
import type { NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { EventOf } from './api.ts';
import { noteVain } from './gather.ts';
import { holdersOf, holdingsOf } from './holdings.ts';
import type { Asked } from './job.ts';
import { selfHasRole } from './members.ts';
import { decide, effect } from './outbox.ts';
import { backedSkips, isReopened, object, objectedOf } from './skips.ts';
import type { SortedMap } from './sorted-map.ts';
import type { State, Work } from './state.ts';
import { liveMessageOf, rankStep, submitters } from './submission.ts';
import { isPast } from './timing.ts';
import { epochNow, isReached } from './wake.ts';
import { manifestOf } from './works.ts';

/** A submitter's questions to holders of sectors that the best result leaves out. */
export interface QuestionsSlice {
	/** The one that is under way. */
	open: { readonly peer: NodeId; readonly sectors: Bitfield } | null;
	readonly asked: SortedMap<NodeId, Asked>;
}

interface Question {
	readonly peer: NodeId;
	readonly sectors: Bitfield;
}

/** Asks for items with doubtful results, the most urgent first, one holder of an item at a time. */
export function askHolders(state: State, works: readonly Work[]): void {
	if (!selfHasRole(state, 'submitter') || state.identity.stopping) return;
	let open = 0;
	const doubtful: Work[] = [];
	for (const work of works) {
		if (work.questions.open !== null) open++;
		else if ((work.results.best?.result.skipped.size ?? 0) > 0 && isOwnTurn(state, work)) doubtful.push(work);
	}
	doubtful.sort((a, b) => a.item.close - b.item.close || (a.item.id < b.item.id ? -1 : 1));
	for (const work of doubtful) {
		if (open >= limits.questions) return;
		const question = nextQuestion(state, work);
		if (question === null) continue;
		open++;
		work.questions.open = question;
		const { peer, sectors } = question;
		decide(state, 'ask', 'unbacked-skip', { work: work.item.id, peer, facts: { sectors: sectors.size } });
		effect(state, { type: 'ask-holder', work: work.item, peer, sectors });
	}
}

/** The result may still be exchanged for a better one, and the submitters ranked before this node had their time. */
function isOwnTurn(state: State, work: Work): boolean {
	const { item, results, ownView, posted } = work;
	if (item.kind !== 'post' || ownView !== 'agrees' || posted || isPast(state, work)) return false;
	if (!selfHasRole(state, 'submitter', item.miner) || manifestOf(state, work) === null) return false;
	if (isReopened(work) || liveMessageOf(state, work) !== undefined) return false;
	const epoch = epochNow(state);
	const rank = submitters(state, work).indexOf(state.config.self);
	return epoch - (results.best?.storedEpoch ?? epoch) >= rank * rankStep(epoch, item.close);
}

/** Sectors that the holder was not asked for yet go before those it once did not bring; each is asked for twice at most. */
function nextQuestion(state: State, work: Work): Question | null {
	const { miner } = work.item;
	const { asked } = work.questions;
	const skipped = work.results.best?.result.skipped ?? Bitfield.empty;
	const unbacked = skipped.subtract(backedSkips(state, work, skipped));
	let again: Question | null = null;
	for (const peer of holdersOf(state, miner, unbacked)) {
		const before = asked.get(peer);
		if (peer === state.config.self || state.peers.get(peer)?.connected !== true) continue;
		if (before !== undefined && !isReached(state, before.retryAt)) continue;
		const held = (holdingsOf(state, peer, miner) ?? Bitfield.empty).intersect(unbacked);
		const left = held.subtract(before?.twice ?? Bitfield.empty).subtract(objectedOf(work, peer));
		const fresh = left.subtract(before?.once ?? Bitfield.empty);
		if (fresh.size > 0) return { peer, sectors: first(fresh) };
		if (left.size > 0) again ??= { peer, sectors: first(left) };
	}
	return again;
}

function first(sectors: Bitfield): Bitfield {
	return Bitfield.of([...sectors].slice(0, limits.questionSectors));
}

/** What the best result still leaves out and the holder has brought is objected to. */
export function onHolderAnswered(state: State, { work: id, peer, ok, asked }: EventOf<'holder-answered'>): void {
	const work = state.works.get(id);
	const question = work?.questions.open;
	if (work === undefined || question?.peer !== peer) return;
	work.questions.open = null;
	state.dirty = true;
	noteVain(state, work.questions.asked, peer, asked ? question.sectors.subtract(ok) : Bitfield.empty, false);
	const skipped = work.results.best?.result.skipped ?? Bitfield.empty;
	const there = ok.intersect(skipped);
	if (there.size > 0) object(state, work, there, peer, 'holder-delivered');
}
