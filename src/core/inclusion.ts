/**
 * Seeing signed messages onto the chain and keeping them there: push again what no pool shows, find what landed, judge
 * it five epochs deep, replace what is priced too low, fill a nonce that holds up the rest.
 */
import { attoFil } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { ChainView, EventOf } from './api.ts';
import { keys, writeNumbers } from './keys.ts';
import { isSynced } from './members.ts';
import type { Message } from './message.ts';
import { bury } from './messages.ts';
import { currentMessages, messagesOf, pooledNonces, priceOf, type Sender } from './nonces.ts';
import { alarm, clearAlarm, decide, del, effect, put } from './outbox.ts';
import type { State, Work } from './state.ts';
import {
	isMessageDue,
	isOpen,
	liveMessageOf,
	messagesOf as messagesAbout,
	pushMessage,
	rankStep,
	submitters,
} from './submission.ts';

export function followMessages(state: State, view: ChainView, sender: Sender): void {
	for (const message of messagesOf(state, sender.address)) {
		const work = state.works.get(message.submission.work);
		if (work === undefined || message.dead?.startsWith('bad-')) continue;
		if (message.done && !isUndone(view, message, work)) continue;
		message.done = false;
		followMessage(state, view, message, work);
	}
	pushAgain(state, view, sender);
	// Before the first sync the message that is missed here may be known to all others.
	// Another process with this identity signs at the same rank.
	if (!isSynced(state) || state.identity.cloned) return;
	replaceStuck(state, view, sender);
	fillGap(state, view, sender);
}

/** A reorg deeper than the confirmation took it out: the chain is before it, or does not show its partition any more. */
function isUndone(view: ChainView, message: Message, work: Work): boolean {
	return view.sender.nonce <= message.nonce || (!work.posted && isOpen(view, work));
}

function followMessage(state: State, view: ChainView, message: Message, work: Work): void {
	const { epoch } = view;
	if (message.seenEpoch < 0) message.seenEpoch = epoch;
	if (view.sender.nonce <= message.nonce) {
		message.passedEpoch = null;
		// A displaced one comes back only where nothing else was signed for its work since: both would land.
		const isBack = message.dead === 'nonce-taken' && liveMessageOf(state, work) === undefined;
		if (message.includedAt !== null || isBack) {
			// The chain went back to before it: the same bytes again.
			message.includedAt = null;
			message.dead = null;
			message.pushedEpoch = null;
			decide(state, 'reverted', 'reorg', { work: work.item.id, facts: { nonce: message.nonce } });
		}
		if (epoch >= work.item.close && message.dead === null) bury(state, message, 'closed');
		return;
	}
	message.passedEpoch ??= epoch;
	if (message.searching || message.searchedEpoch >= epoch || epoch > work.item.close + limits.searchEpochs) return;
	if (!isWorthSearching(state, message, work, epoch)) return;
	search(state, message, work, epoch);
}

function search(state: State, message: Message, work: Work, epoch: number): void {
	message.searching = true;
	message.searchedEpoch = epoch;
	effect(state, { type: 'search', cid: message.submission.cid, work: work.item });
}

/** What landed is judged at its depth, or when its partition is not proven any more: a reorg may have put another there. */
function isWorthSearching(state: State, message: Message, { posted }: Work, epoch: number): boolean {
	const { dead, includedAt, searchedEpoch } = message;
	if (dead === 'nonce-taken') {
		const known = rivalsOf(state, message).some((rival) => rival.includedAt !== null);
		return !known && epoch >= searchedEpoch + limits.confirmationEpochs;
	}
	if (dead !== null && dead !== 'closed') return false;
	return includedAt === null || !posted || epoch >= includedAt + limits.confirmationEpochs;
}

/** Other known messages of the sender with the same nonce. */
function rivalsOf(state: State, message: Message): readonly Message[] {
	return messagesOf(state, message.sender).filter((other) => other !== message && other.nonce === message.nonce);
}

/** Another message holds its nonce: its work needs a new one, and the ranks take their turns anew. */
function displace(state: State, message: Message): void {
	if (message.dead === 'nonce-taken') return;
	bury(state, message, 'nonce-taken');
	const { work: id } = message.submission;
	const work = state.works.get(id);
	if (work !== undefined) work.submission.readyEpoch = null;
	decide(state, 'displaced', 'nonce-taken', { work: id, facts: { nonce: message.nonce } });
}

export function onSearched(state: State, { cid, epoch, lookup, posted }: EventOf<'searched'>): void {
	const message = state.messages.get(cid);
	if (message === undefined) return;
	message.searching = false;
	if (epoch < 0) return;
	message.lookedUpEpoch = epoch;
	state.dirty = true;
	if (lookup === null) {
		// A full node names only what replaced the very same call: of another message at the nonce it says nothing.
		const passedFor = message.passedEpoch === null ? -1 : epoch - message.passedEpoch;
		if (passedFor >= limits.displacedEpochs) displace(state, message);
		return;
	}
	const work = state.works.get(message.submission.work);
	const about = { work: message.submission.work, facts: { nonce: message.nonce, exit: lookup.exitCode } };
	if (lookup.message !== cid) {
		displace(state, message);
		return;
	}
	for (const rival of rivalsOf(state, message)) if (!rival.dead?.startsWith('bad-')) displace(state, rival);
	if (lookup.exitCode !== 0) {
		bury(state, message, `exit-${lookup.exitCode}`);
		if (work !== undefined) work.submission.retryEpoch = epoch + 1;
		decide(state, 'submission-refused', `exit-${lookup.exitCode}`, about);
		noticeDouble(state, message);
		return;
	}
	message.dead = null;
	if (message.includedAt === null) decide(state, 'included', posted ? 'posted' : 'not-posted', about);
	message.includedAt = lookup.height;
	clearAlarm(state, 'submission-stuck', cid);
	if (posted && epoch >= lookup.height + limits.confirmationEpochs) {
		message.done = true;
		decide(state, 'done', 'confirmed', about);
	}
	noticeDouble(state, message);
}

/** A partition was paid for again after its proof had landed; the chain executes the messages of a sender by nonce. */
function noticeDouble(state: State, message: Message): void {
	const { work } = message.submission;
	for (const other of state.messages.values()) {
		if (other === message || other.submission.work !== work) continue;
		const [first, second] = message.nonce < other.nonce ? [message, other] : [other, message];
		const landed = second.includedAt !== null || second.dead?.startsWith('exit-') === true;
		if (first.includedAt !== null && landed) alarm(state, 'double-submission', work, { nonce: second.nonce });
	}
}

/** Messages that no pool shows: the signer at once, others by rank; the same bytes cost nothing. */
function pushAgain(state: State, view: ChainView, sender: Sender): void {
	for (const message of currentMessages(state, sender.address)) {
		if (message.pooled || message.pushing || message.nonce < view.sender.nonce) continue;
		const work = state.works.get(message.submission.work);
		if (work === undefined || message.includedAt !== null) continue;
		const isOwn = message.statement?.envelope.from === state.config.self;
		const step = isOwn ? 0 : rankStep(view.epoch, work.item.close);
		const waited = view.epoch - (message.pushedEpoch ?? message.seenEpoch - (isOwn ? limits.fallbackEpochs : 0));
		// The first of the others waits one step: the order of all of them is seldom needed.
		if (waited < (message.pushedEpoch === null ? step : limits.fallbackEpochs)) continue;
		const rank = rankFrom(state, message, work);
		const wait = message.pushedEpoch === null ? rank * step : limits.fallbackEpochs;
		if (waited >= wait) pushMessage(state, message, rank === 0 ? 'not-in-pool' : 'fallback');
	}
}

/** 0 for the node that signed it, then the rendezvous order. */
function rankFrom(state: State, message: Message, work: Work): number {
	const signer = message.statement?.envelope.from;
	const order = submitters(state, work).filter((id) => id !== signer);
	return signer === state.config.self ? 0 : 1 + Math.max(0, order.indexOf(state.config.self));
}

/** The next message of the sender waits too long: those priced below twice the base fee are signed anew at their nonce. */
function replaceStuck(state: State, view: ChainView, sender: Sender): void {
	const pending = currentMessages(state, sender.address).filter(({ nonce }) => nonce >= view.sender.nonce);
	const [first] = pending;
	if (first === undefined) return;
	const waited = view.epoch - first.seenEpoch;
	if (waited < limits.stuckEpochs) return;
	const { cid, work: firstWork } = first.submission;
	if (waited >= limits.stuckAlarmEpochs) alarm(state, 'submission-stuck', cid, { nonce: first.nonce, epochs: waited });
	if (first.nonce !== view.sender.nonce) return;
	if (sender.busy !== null || view.epoch - sender.replacedEpoch < limits.fallbackEpochs) return;
	const work = state.works.get(firstWork);
	if (work === undefined) return;
	const rank = rankFrom(state, first, work);
	if (waited - limits.stuckEpochs < rank * limits.fallbackEpochs) return;
	const dearEnough = attoFil(view.baseFee * 2n);
	const cheap = pending.find(({ submission }) => submission.signed.message.gasFeeCap < dearEnough);
	const answered = cheap === undefined ? undefined : state.works.get(cheap.submission.work);
	if (cheap === undefined || answered === undefined || view.epoch >= answered.item.close) return;
	sender.replacedEpoch = view.epoch;
	signAgain(state, sender, cheap, answered, cheap.nonce, dearEnough, 'fee-too-low');
}

/** No known message holds the actor's next nonce although later ones wait for it. */
function fillGap(state: State, view: ChainView, sender: Sender): void {
	const { nonce } = view.sender;
	const live = currentMessages(state, sender.address).filter((message) => message.nonce >= nonce);
	if (live.length === 0 || live[0]?.nonce === nonce || pooledNonces(state, view).includes(nonce)) {
		sender.gapEpoch = null;
		return;
	}
	sender.gapEpoch ??= view.epoch;
	const [next] = live;
	const work = next === undefined ? undefined : state.works.get(next.submission.work);
	if (next === undefined || work === undefined || sender.busy !== null) return;
	const rank = Math.max(0, submitters(state, work).indexOf(state.config.self));
	// A message that came too late still uses up its nonce, if it pays enough.
	const late = messagesOf(state, sender.address).find(
		({ nonce: its, dead, submission }) =>
			its === nonce && dead === 'closed' && submission.signed.message.gasFeeCap >= view.baseFee,
	);
	const patience = late?.pooled === true ? limits.stuckEpochs : limits.fallbackEpochs;
	if (view.epoch - sender.gapEpoch < patience + rank * limits.fallbackEpochs) return;
	// A proof that waits for its message takes the lowest free nonce, and costs nothing that was not due anyway.
	const hurried = view.epoch >= work.item.close - limits.hurryEpochs;
	if (!hurried && late?.pooled !== false && isMessageDue(state, view, sender)) return;
	sender.gapEpoch = view.epoch;
	// Else the next item is signed a second time: one of its two messages is paid for in vain, and nobody can undo it.
	if (late?.pooled === false) pushMessage(state, late, 'fills-gap');
	else signAgain(state, sender, next, work, nonce, attoFil(view.baseFee * 2n), 'fills-gap');
}

function signAgain(
	state: State,
	sender: Sender,
	message: Message,
	work: Work,
	nonce: number,
	feeCapLeast: ReturnType<typeof attoFil>,
	why: string,
): void {
	const { gasLimit, gasFeeCap, gasPremium } = message.submission.signed.message;
	const wanted = { limit: gasLimit, feeCap: gasFeeCap, premium: gasPremium };
	const gas = priceOf(state, sender.address, nonce, wanted, feeCapLeast);
	sender.busy = { work: work.item.id, nonce, replaces: message.submission.cid };
	decide(state, 'replace', why, { work: work.item.id, facts: { nonce } });
	// A message fixes its result while it lives: the same proof, whatever better one is known now.
	const { id, miner } = work.item;
	effect(state, { type: 'sign', work: id, miner, sender: sender.address, params: message.params, nonce, gas });
}

/**
 * Due work that closed without a message on the chain: nothing can be done any more, but an operator must know. It is
 * judged at the first view that comes late enough, whenever that is, in a later life of this node too.
 */
export function noticeMissed(state: State, view: ChainView): void {
	for (const [id, work] of state.works) {
		const { item, ownView, posted } = work;
		if (item.kind !== 'post' || item.miner !== view.miner) continue;
		if (view.epoch < item.close && ownView !== 'unknown') watch(state, work, ownView === 'agrees' && !posted);
		if (!work.watched || view.epoch < item.close + limits.confirmationEpochs) continue;
		const known = messagesAbout(state, work);
		if (known.some(({ includedAt }) => includedAt !== null)) {
			watch(state, work, false);
			clearAlarm(state, 'deadline-missed', id);
		} else if (!awaitsLookup(state, view, work, known)) {
			alarm(state, 'deadline-missed', id, { deadline: item.deadline, partition: item.partition });
		}
	}
}

function watch(state: State, work: Work, watched: boolean): void {
	if (work.watched === watched) return;
	work.watched = watched;
	if (watched) put(state, keys.watched(work.item.id), writeNumbers([]));
	else del(state, keys.watched(work.item.id));
}

/**
 * Looks for every known message of the work once more: what landed in the last tipset before the close is on the chain,
 * and no view has shown it as posted. True while an answer is awaited.
 */
function awaitsLookup(state: State, view: ChainView, work: Work, known: readonly Message[]): boolean {
	const unsure = known.filter(
		({ dead, lookedUpEpoch }) =>
			dead?.startsWith('bad-') !== true && lookedUpEpoch < work.item.close + limits.confirmationEpochs,
	);
	for (const message of unsure) if (!message.searching) search(state, message, work, view.epoch);
	return unsure.length > 0;
}
