/**
 * Getting a result onto the chain: exactly one message normally, never none. One submitter per sender and deadline acts,
 * in rendezvous order; the others push its bytes again, and sign only where none is known to hold.
 */
import { attoFil, type CidText, type NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { PostParams } from '../domain/message.ts';
import type { Submission } from '../domain/submission.ts';
import type { ChainView, EventOf } from './api.ts';
import { derived } from './derived.ts';
import { currentEpoch } from './epoch-clock.ts';
import { judgeHeld } from './held.ts';
import { publish } from './identity.ts';
import { followMessages } from './inclusion.ts';
import { keys, writeStatement } from './keys.ts';
import { isPresent } from './liveness.ts';
import { isSynced, nameOf, ranking, selfHasRole, senderOf } from './members.ts';
import { isLive, type Message } from './message.ts';
import { enterMessage, senderSlice } from './messages.ts';
import { compareMessages, mayUseNext, nextNonce, pendingCount, priceOf, type Sender } from './nonces.ts';
import { alarm, clearAlarm, decide, effect, put } from './outbox.ts';
import { hasManySkips, hasUnbackedSkip } from './skips.ts';
import type { State, Work } from './state.ts';
import { isEpochReached } from './wake.ts';

export interface SubmissionSlice {
	/** Epoch since when the work could be sent. */
	readyEpoch: number | null;
	retryEpoch: number;
	/** Times the chain refused it. */
	refusals: number;
	/** Why nothing was sent yet, as people are told. */
	reason: string;
}

/** Looks at every miner this node may submit for. */
export function driveSubmissions(state: State): void {
	if (!state.chain.reachable) return;
	for (const view of state.chain.views.values()) {
		const address = senderOf(state, view.miner);
		if (address === undefined || view.sender.address !== address) continue;
		if (!selfHasRole(state, 'submitter', view.miner)) continue;
		if (isEpochReached(state, view.epoch + limits.staleViewEpochs + 1)) continue;
		const sender = senderSlice(state, address);
		judgeHeld(state, view, sender);
		followMessages(state, view, sender);
		if (sender.busy === null) prepareNext(state, view, sender);
	}
}

/** Present submitters of the deadline in rendezvous order: one and the same for all its partitions, so that one signs. */
export function submitters(state: State, { item }: Work): readonly NodeId[] {
	const address = senderOf(state, item.miner) ?? '';
	const order = ranking(state, `${address}/${item.periodStart}/${item.deadline}`, 'submitter', item.miner);
	return order.filter((id) => {
		if (id === state.config.self) return true;
		return isPresent(state, id) && state.peers.get(id)?.record?.envelope.body.chain === true;
	});
}

/** Epochs between two ranks, less towards the close. */
export function rankStep(epoch: number, close: number): number {
	if (epoch >= close - limits.lastEpochs) return 0;
	return epoch >= close - limits.hurryEpochs ? 1 : limits.fallbackEpochs;
}

/** Begins with the most urgent item whose turn has come. */
function prepareNext(state: State, view: ChainView, sender: Sender): void {
	for (const work of byUrgency(state.works)) {
		if (work.item.miner !== view.miner || work.item.kind !== 'post') continue;
		work.submission.reason = hindrance(state, work, view, sender) ?? 'ready';
		const { best } = work.results;
		if (work.submission.reason !== 'ready' || best === null) continue;
		sender.busy = { work: work.item.id, nonce: null, result: best.hash };
		effect(state, { type: 'prepare', work: work.item, proof: best.result.proof, skipped: best.result.skipped });
		return;
	}
}

const byUrgency = derived((works: readonly Work[]) =>
	[...works].sort((a, b) => a.item.close - b.item.close || a.item.partition - b.item.partition),
);

/** Why no message for the work is begun now; null when it is time. */
function hindrance(state: State, work: Work, view: ChainView, sender: Sender): string | null {
	const { item, results, submission } = work;
	const { epoch } = view;
	if (state.identity.cloned) return 'key-cloned';
	if (epoch >= item.close) return 'closed';
	if (work.ownView !== 'agrees') return 'not-in-own-view';
	if (work.posted) return 'posted';
	if (!isOpen(view, work)) return 'not-open';
	if (liveMessageOf(state, work) !== undefined) return 'message-known';
	if (messagesOf(state, work).some(({ held, dead }) => held && dead === null)) return 'message-held';
	// Before its first sync it knows neither what was signed already nor who else is there to sign.
	if (!isSynced(state) && epoch < item.close - limits.lastEpochs) return 'not-synced';
	if (results.best === null) return 'no-result';
	const { skipped } = results.best.result;
	const doubtful = hasUnbackedSkip(state, work, skipped) || hasManySkips(work, skipped);
	if (doubtful && epoch < item.close - limits.doubtfulEpochs) return 'doubtful-skips';
	if (epoch < item.open + limits.submitDelayEpochs) return 'too-early';
	submission.readyEpoch ??= epoch;
	if (epoch < submission.retryEpoch) return 'refused-lately';
	const rank = submitters(state, work).indexOf(state.config.self);
	if (epoch - submission.readyEpoch < rank * rankStep(epoch, item.close)) return 'better-ranked';
	if (pendingCount(state, view) >= limits.pendingMessages) return 'too-many-pending';
	return mayUseNext(state, sender, epoch, item.close) ? null : 'last-message-unconfirmed';
}

/** What keeps a message from being signed for some epochs at most. */
const BRIEF = ['ready', 'too-early', 'better-ranked', 'last-message-unconfirmed'];

/** A proof is there whose message is signed soon, here or by another submitter, and that no chain has refused so far. */
export function isMessageDue(state: State, view: ChainView, sender: Sender): boolean {
	return state.works.values().some((work) => {
		if (work.item.miner !== view.miner || work.item.kind !== 'post' || work.submission.refusals > 0) return false;
		return BRIEF.includes(hindrance(state, work, view, sender) ?? 'ready');
	});
}

/** The deadline is open at the head of the view. */
export function isOpen(view: ChainView, { item }: Work): boolean {
	return view.challenges.some(
		({ challenge, posted }) =>
			posted !== null && challenge.periodStart === item.periodStart && challenge.deadline === item.deadline,
	);
}

/** A message for the work that may still land or has landed. */
export function liveMessageOf(state: State, work: Work): Message | undefined {
	return messagesOf(state, work).find(isLive);
}

/** The messages known for the work, in order of their CIDs. */
export function messagesOf(state: State, work: Work): readonly Message[] {
	return byWork(state.messages).get(work.item.id) ?? [];
}

const byWork = derived((messages: readonly Message[]) => Map.groupBy(messages, ({ submission }) => submission.work));

export function onPrepared(state: State, event: EventOf<'prepared'>): void {
	const work = state.works.get(event.work);
	const sender = senderBusyWith(state, event.work);
	if (sender === undefined) return;
	if (work === undefined) {
		// Retired meanwhile: the sender is free for others.
		sender.busy = null;
		return;
	}
	const view = state.chain.views.get(work.item.miner);
	const { best } = work.results;
	const changed = event.randomness !== work.item.randomness || work.ownView !== 'agrees';
	// Gas was reckoned for the result of then; of a better one it may not be time yet.
	const isOther = best?.hash !== sender.busy?.result;
	if (
		changed ||
		event.posted ||
		best === null ||
		isOther ||
		view === undefined ||
		mayNotSign(state, work, view, sender)
	) {
		sender.busy = null;
		if (event.posted) work.posted = true;
		// The full node is ahead of the view here: until the next one the same would come again.
		else if (changed) work.submission.retryEpoch = currentEpoch(state.clock, state.now) + 1;
		return;
	}
	clearAlarm(state, 'submission-refused', event.work);
	const params: PostParams = {
		deadline: work.item.deadline,
		partition: work.item.partition,
		skipped: best.result.skipped,
		proofType: work.item.proofType,
		proof: best.result.proof,
		commitEpoch: event.commitEpoch,
		commitRandomness: event.commitRandomness,
	};
	const nonce = nextNonce(state, view);
	const gas = priceOf(state, sender.address, nonce, event.gas, attoFil(0n));
	sender.busy = { work: event.work, nonce };
	decide(state, 'sign', 'turn-has-come', { work: event.work, facts: { nonce } });
	const { miner } = work.item;
	effect(state, { type: 'sign', work: event.work, miner, sender: sender.address, params, nonce, gas });
}

function mayNotSign(state: State, work: Work, view: ChainView, sender: Sender): boolean {
	return hindrance(state, work, view, sender) !== null;
}

export function onPrepareFailed(state: State, { work: id, code, refused, detail }: EventOf<'prepare-failed'>): void {
	const sender = senderBusyWith(state, id);
	if (sender !== undefined) sender.busy = null;
	const work = state.works.get(id);
	if (work === undefined) return;
	const epoch = currentEpoch(state.clock, state.now);
	// What the chain refused it refuses again for a while; what did not answer may be well at the next head.
	work.submission.retryEpoch = epoch + (refused ? limits.refusedRetryEpochs : 1);
	noteRefusal(state, work, code, detail);
}

function noteRefusal(state: State, { item: { id }, submission }: Work, code: string, detail: string): void {
	submission.refusals++;
	decide(state, 'submission-refused', code, { work: id, facts: { detail } });
	if (submission.refusals >= limits.refusalsAlarming) alarm(state, 'submission-refused', id, { code, detail });
}

/** On disk, then told with its bytes, then pushed: whoever holds it can carry on at any of these points. */
export function onSigned(state: State, { submission }: EventOf<'signed'>): void {
	const work = state.works.get(submission.work);
	const sender = senderBusyWith(state, submission.work);
	if (sender === undefined) return;
	const replaced = sender.busy?.replaces;
	sender.busy = null;
	state.dirty = true;
	if (work === undefined) return;
	// Another submitter's message came meanwhile, or its twin may have signed too: this one has not left the node, and never does.
	if (state.identity.cloned || isNeedless(state, submission, replaced)) return;
	const message = enterMessage(state, work, submission);
	message.proofGood = true;
	message.signatureGood = true;
	const statement = { envelope: publish(state, { kind: 'sub', body: submission }), raw: null };
	message.statement = statement;
	put(state, keys.submission(message.sender, message.nonce, submission.cid), writeStatement(statement));
	state.records.submissions = [message.short, ...state.records.submissions].slice(0, limits.recordSubmissions);
	state.records.changed = true;
	sender.lastSigned = { cid: submission.cid, epoch: currentEpoch(state.clock, state.now) };
	pushMessage(state, message, 'signed');
}

/** The work has a live message that counts before this one: beside what is replaced, or at the same nonce and better. */
function isNeedless(state: State, submission: Submission, replaced: CidText | undefined): boolean {
	const { nonce } = submission.signed.message;
	const replacedNonce = replaced === undefined ? undefined : state.messages.get(replaced)?.nonce;
	for (const other of state.messages.values()) {
		if (other.submission.work !== submission.work || !isLive(other)) continue;
		if (other.nonce === nonce ? compareMessages(other, { nonce, submission }) < 0 : other.nonce !== replacedNonce) {
			return true;
		}
	}
	return false;
}

export function onSignFailed(state: State, { work: id, code }: EventOf<'sign-failed'>): void {
	const sender = senderBusyWith(state, id);
	if (sender !== undefined) sender.busy = null;
	const work = state.works.get(id);
	if (work === undefined) return;
	work.submission.retryEpoch = currentEpoch(state.clock, state.now) + 1;
	decide(state, 'submission-refused', code, { work: id });
	alarm(state, 'submission-refused', id, { code, detail: `signing failed on ${nameOf(state, state.config.self)}` });
}

export function pushMessage(state: State, message: Message, why: string): void {
	const { cid, signed, work } = message.submission;
	message.pushing = true;
	decide(state, 'push', why, { work, facts: { nonce: message.nonce, cid } });
	effect(state, { type: 'push', cid, signed });
}

export function onPushed(state: State, { cid, code, detail }: EventOf<'pushed'>): void {
	const message = state.messages.get(cid);
	if (message === undefined) return;
	message.pushing = false;
	const epoch = currentEpoch(state.clock, state.now);
	// A push that failed is tried again at the next epoch, one that worked when the pool does not show it.
	message.pushedEpoch = code === null ? epoch : epoch - limits.fallbackEpochs + 1;
	if (code === null) message.everPooled = true;
	state.dirty = true;
	const work = state.works.get(message.submission.work);
	if (code !== null && detail !== undefined && work !== undefined) noteRefusal(state, work, code, detail);
	else if (code === null) clearAlarm(state, 'submission-refused', message.submission.work);
}

function senderBusyWith(state: State, work: Work['item']['id']): Sender | undefined {
	for (const sender of state.senders.values()) if (sender.busy?.work === work) return sender;
	return undefined;
}
