/**
 * Signed messages that this mesh knows: from peers, from the pool, from this node. One counts only after all of it
 * holds (sender, receiver, method, parameters, signature, and the proof over the same skips, verified here): a forged
 * message must not silence those who would send the real one.
 */
import { minerAddress } from '../codec/address.ts';
import { resultHash, shortHash } from '../codec/work-id.ts';
import { assert } from '../domain/errors.ts';
import type { CidText, NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { PROOF_BYTES } from '../domain/proof.ts';
import type { Submission } from '../domain/submission.ts';
import type { ChainView, EventOf, PoolMessage } from './api.ts';
import { currentEpoch } from './epoch-clock.ts';
import { publish } from './identity.ts';
import { keys, writeStatement } from './keys.ts';
import { hasRole, selfHasRole, senderOf } from './members.ts';
import { counts, isUnjudged, type Message } from './message.ts';
import type { Sender } from './nonces.ts';
import { alarm, clearAlarm, decide, effect, ignore, put } from './outbox.ts';
import { hearRetold, isRefuted, turnToRetold } from './retold.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, StatementOf, Work } from './state.ts';
import { isReached } from './wake.ts';
import { manifestOf } from './works.ts';

/** Method of SubmitWindowedPoSt (go-state-types `builtin/methods.go`). */
const SUBMIT_WINDOWED_POST = 5;

/** SUB of another member. */
export function onSubmission(state: State, statement: StatementOf<'sub'>): void {
	const { from, body } = statement.envelope;
	const work = state.works.get(body.work);
	if (work === undefined) {
		ignore(state, 'submission-of-unknown-work');
		return;
	}
	if (!hasRole(state, from, 'submitter', work.item.miner)) {
		ignore(state, 'submission-without-role');
		return;
	}
	const short = shortHash(body.bytes);
	const known = state.messages.get(body.cid);
	if (known !== undefined) {
		// The CID of a BLS message does not cover its signature: other bytes are another claim, asked for again by sync.
		if (known.short !== short) ignore(state, 'submission-known-otherwise');
		else if (known.submission.work !== body.work) hearRetold(state, known, work, statement);
		else if (known.statement === null) {
			known.statement = statement;
			state.told++;
		}
		return;
	}
	if (state.senders.get(body.signed.message.from)?.forged.includes(short) === true) {
		ignore(state, 'submission-known-forged');
		return;
	}
	const fault = mismatch(state, work, body);
	if (fault !== null) {
		decide(state, 'submission-refused', fault, { work: work.item.id, peer: from });
		alarm(state, 'bad-submission', from, { work: work.item.id, fault });
		return;
	}
	if (unjudged(state, from) >= limits.challengeSubmissions || state.messages.size >= limits.works) {
		ignore(state, 'too-many-submissions');
		return;
	}
	enterMessage(state, work, body).statement = statement;
}

/** Messages of one author that were not found good or bad yet. */
function unjudged(state: State, author: NodeId): number {
	let count = 0;
	for (const message of state.messages.values()) {
		if (isUnjudged(message) && message.statement?.envelope.from === author) count++;
	}
	return count;
}

/** What in the message does not answer the item; null when all of it does. */
export function mismatch(state: State, { item }: Work, { signed, call }: Submission): string | null {
	const { message } = signed;
	if (item.kind !== 'post') return 'dry-run';
	if (message.from !== senderOf(state, item.miner)) return 'sender';
	if (message.to !== minerAddress(item.miner)) return 'receiver';
	if (message.method !== SUBMIT_WINDOWED_POST || call.kind !== 'submit-post') return 'method';
	if (message.value !== 0n) return 'value';
	const { params } = call;
	if (params.deadline !== item.deadline || params.partition !== item.partition) return 'partition';
	if (params.proofType !== item.proofType) return 'proof-type';
	if (params.proof.length !== PROOF_BYTES) return 'proof-length';
	if (params.commitEpoch < item.challenge || params.commitEpoch >= item.close) return 'commit-epoch';
	if (params.skipped.size >= item.sectorCount) return 'skips';
	return null;
}

/** A message that is not judged yet. One that this node signed, stored or has in its pool always has its place. */
export function enterMessage(
	state: State,
	work: Work,
	submission: Submission,
	seenEpoch: number = currentEpoch(state.clock, state.now),
): Message {
	const { call, signed, cid } = submission;
	assert(call.kind === 'submit-post', 'only proofs are entered');
	const short = shortHash(submission.bytes);
	const known = state.messages.get(cid);
	if (known?.short === short && known.submission.work === submission.work) return known;
	const message: Message = {
		submission,
		params: call.params,
		sender: signed.message.from,
		nonce: signed.message.nonce,
		statement: null,
		short,
		hash: resultHash(call.params.proof, call.params.skipped),
		held: false,
		proofGood: false,
		signatureGood: false,
		checkingProof: false,
		checkingSignature: false,
		retryAt: state.now,
		seenEpoch,
		pooled: false,
		everPooled: false,
		pushing: false,
		pushedEpoch: null,
		passedEpoch: null,
		includedAt: null,
		searching: false,
		searchedEpoch: -1,
		lookedUpEpoch: -1,
		dead: null,
		done: false,
		retold: new SortedMap(),
		refuted: new SortedMap(),
	};
	state.messages.set(cid, message);
	senderSlice(state, message.sender);
	if (work.results.best?.hash === message.hash) message.proofGood = true;
	state.dirty = true;
	return message;
}

export function senderSlice(state: State, address: string): Sender {
	return state.senders.obtain(address, () => ({
		address,
		busy: null,
		gapEpoch: null,
		replacedEpoch: -1,
		lastSigned: null,
		forged: [],
	}));
}

/** It never counts again, unless a reorg brings it back. */
export function bury(state: State, message: Message, why: string): void {
	message.dead = why;
	message.includedAt = null;
	clearAlarm(state, 'submission-stuck', message.submission.cid);
}

/** Asks for what is still unknown about messages: is the signature good, is the proof good. */
export function checkMessages(state: State): void {
	if (state.config.keys === null) return;
	let running = 0;
	let checking = 0;
	const byAuthor = new Map<NodeId, number>();
	for (const message of state.messages.values()) {
		if (message.checkingProof) running++;
		if (!message.checkingSignature) continue;
		checking++;
		byAuthor.set(authorOf(state, message), (byAuthor.get(authorOf(state, message)) ?? 0) + 1);
	}
	for (const [cid, known] of state.messages) {
		const message = turnToRetold(state, known);
		const work = state.works.get(message.submission.work);
		if (work === undefined || counts(message) || message.dead !== null) continue;
		if (!isReached(state, message.retryAt)) continue;
		const author = authorOf(state, message);
		const ofAuthor = byAuthor.get(author) ?? 0;
		const room = checking < limits.messageChecks && ofAuthor < limits.messageChecksPerAuthor;
		if (!message.signatureGood && !message.checkingSignature && room) {
			message.checkingSignature = true;
			checking++;
			byAuthor.set(author, ofAuthor + 1);
			effect(state, { type: 'check-message', cid, signed: message.submission.signed });
		}
		// The proof is verified only once the key of the sender stands behind it.
		if (!message.signatureGood || message.proofGood || message.checkingProof) continue;
		const sectors = manifestOf(state, work);
		if (running >= limits.verifications || sectors === null) continue;
		const { proof, skipped } = message.params;
		// The chain refuses numbers that the partition does not have, and the verifier never sees them.
		if (!skipped.isSubsetOf(sectors)) {
			refute(state, message, 'skips');
			continue;
		}
		message.checkingProof = true;
		running++;
		effect(state, { type: 'verify', work: work.item, hash: message.hash, proof, skipped });
	}
}

export function onMessageChecked(state: State, { cid, verdict }: EventOf<'message-checked'>): void {
	const message = state.messages.get(cid);
	if (message === undefined) return;
	message.checkingSignature = false;
	state.dirty = true;
	// Known good meanwhile, from the pool or because this node signed it: the verdict is on other bytes.
	if (message.signatureGood) return;
	if (verdict === 'unavailable') message.retryAt = state.now + limits.verifyRetryMs;
	else if (verdict === 'bad') {
		condemn(state, message, 'signature');
		forget(state, message);
	} else {
		message.signatureGood = true;
		settle(state, cid, message);
	}
}

/** Verdict on a proof: also on those of messages that carry it. */
export function onMessageProof(state: State, { work, hash, verdict }: EventOf<'verified'>): void {
	for (const [cid, message] of state.messages) {
		if (message.submission.work !== work || message.hash !== hash || message.proofGood) continue;
		message.checkingProof = false;
		state.dirty = true;
		if (verdict === 'unavailable') message.retryAt = state.now + limits.verifyRetryMs;
		else if (verdict === 'bad') refute(state, message, 'proof');
		else {
			message.proofGood = true;
			settle(state, cid, message);
		}
	}
}

/** Who told it; this node for what only its own full node shows. */
function authorOf(state: State, { statement }: Message): NodeId {
	return statement?.envelope.from ?? state.config.self;
}

function refute(state: State, message: Message, fault: 'proof' | 'skips'): void {
	message.refuted.set(message.submission.work, true);
	condemn(state, message, fault);
}

function condemn(state: State, message: Message, fault: string): void {
	bury(state, message, `bad-${fault}`);
	const from = authorOf(state, message);
	decide(state, 'submission-refused', fault, { work: message.submission.work, peer: from });
	alarm(state, 'bad-submission', from, { work: message.submission.work, fault });
}

/** Nobody with the sender's key made it, so that it can take no nonce: only its name is kept, against repeats. */
function forget(state: State, { sender, short, submission }: Message): void {
	const slice = senderSlice(state, sender);
	slice.forged = [short, ...slice.forged].slice(0, limits.forgedSubmissions);
	state.messages.delete(submission.cid);
}

/** From now on the message counts: it goes to disk, its receipt is told, one from the pool is told on. */
export function settle(state: State, cid: CidText, message: Message): void {
	if (!counts(message)) return;
	const { submission } = message;
	if (message.statement === null) {
		const work = state.works.get(submission.work);
		if (work === undefined || !selfHasRole(state, 'submitter', work.item.miner)) return;
		message.statement = { envelope: publish(state, { kind: 'sub', body: submission }), raw: null };
	}
	put(state, keys.submission(message.sender, message.nonce, cid), writeStatement(message.statement));
	const { records } = state;
	records.submissions = [message.short, ...records.submissions].slice(0, limits.recordSubmissions);
	records.changed = true;
	const { from } = message.statement.envelope;
	if (from !== state.config.self) {
		decide(state, 'adopt', 'submission-holds', { work: submission.work, peer: from, facts: { nonce: message.nonce } });
	}
}

/** What the own full node's pool shows of the miner's sender: known messages, new ones, and foreign ones. */
export function heedPool(state: State, view: ChainView): void {
	const address = senderOf(state, view.miner);
	if (address === undefined || address !== view.sender.address) return;
	const pooled = new Set(view.sender.pool.map(({ cid }) => cid));
	for (const [cid, message] of state.messages) {
		if (message.sender !== address) continue;
		message.pooled = pooled.has(cid);
		message.everPooled ||= message.pooled;
	}
	for (const waiting of view.sender.pool) {
		const known = state.messages.get(waiting.cid);
		if (known === undefined || isRefuted(known)) adopt(state, view, waiting, known);
	}
}

/** An unknown message of our sender: one of ours whose SUB was lost, or somebody uses the address beside this mesh. */
function adopt(
	state: State,
	view: ChainView,
	{ cid, bytes, signed, call }: PoolMessage,
	known: Message | undefined,
): void {
	const work =
		call?.kind === 'submit-post' ? answeredBy(state, view, call.params.deadline, call.params.partition) : null;
	if (call !== null && work != null) {
		const submission: Submission = { work: work.item.id, bytes, cid, signed, call };
		if (known?.refuted.has(work.item.id) !== true && mismatch(state, work, submission) === null) {
			const message = enterMessage(state, work, submission);
			// The full node took it into its pool, so the signature holds; the proof is still to be verified.
			message.signatureGood = true;
			message.pooled = true;
			message.everPooled = true;
			settle(state, cid, message);
			return;
		}
	}
	if (known !== undefined) return;
	alarm(state, 'foreign-message', cid, { nonce: signed.message.nonce, method: signed.message.method });
}

function answeredBy(state: State, view: ChainView, deadline: number, partition: number): Work | null {
	for (const work of state.works.values()) {
		const { item, ownView } = work;
		const fits = item.miner === view.miner && item.deadline === deadline && item.partition === partition;
		if (fits && item.kind === 'post' && ownView === 'agrees' && view.epoch < item.close) return work;
	}
	return null;
}
