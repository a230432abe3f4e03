/**
 * Nonces of one sending address: which one comes next, whether it may be used already, and at what price. (sender,
 * nonce) is the fence: of two messages with the same nonce the chain takes one.
 */
import { type AttoFil, attoFil, type CidText, type Hex32, type NodeId, type WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Gas } from '../domain/message.ts';
import type { ChainView } from './api.ts';
import { derived } from './derived.ts';
import { connectedPeers, isPresent } from './liveness.ts';
import { isLive, type Message } from './message.ts';
import type { State } from './state.ts';

/** One sending address. */
export interface Sender {
	readonly address: string;
	/** Work whose message is being prepared, for which result, or signed, with the nonce once it is chosen. */
	busy: {
		readonly work: WorkId;
		readonly nonce: number | null;
		readonly result?: Hex32;
		readonly replaces?: CidText;
	} | null;
	/** Epoch since when the next nonce is held by no known message although later ones wait. */
	gapEpoch: number | null;
	/** Epoch of the last replacement. */
	replacedEpoch: number;
	/** When the last message of this node was signed, and its CID. */
	lastSigned: { readonly cid: CidText; readonly epoch: number } | null;
	/** Short hashes of messages whose signature did not hold, newest first. */
	forged: readonly string[];
}

/** Known messages of the sender, ascending by nonce, then the one that counts for it first. */
export function messagesOf(state: State, address: string): readonly Message[] {
	return bySender(state.messages).get(address) ?? [];
}

const bySender = derived((messages: readonly Message[]) =>
	Map.groupBy([...messages].sort(compareMessages), ({ sender }) => sender),
);

/** Of one nonce the message with the highest premium is the current one, then the lowest CID. */
export function compareMessages(
	a: Pick<Message, 'nonce' | 'submission'>,
	b: Pick<Message, 'nonce' | 'submission'>,
): number {
	if (a.nonce !== b.nonce) return a.nonce - b.nonce;
	const premiums = b.submission.signed.message.gasPremium - a.submission.signed.message.gasPremium;
	if (premiums !== 0n) return premiums > 0n ? 1 : -1;
	return a.submission.cid < b.submission.cid ? -1 : 1;
}

/** The one that counts for each nonce among live messages. */
export function currentMessages(state: State, address: string): readonly Message[] {
	const live = messagesOf(state, address).filter(isLive);
	return live.filter((message, i) => live[i - 1]?.nonce !== message.nonce);
}

/** Nonces that messages in the pool hold. A dead one holds none: it would keep everything behind it from the chain. */
export function pooledNonces(state: State, view: ChainView): readonly number[] {
	const standing = view.sender.pool.filter(({ cid }) => (state.messages.get(cid)?.dead ?? null) === null);
	return standing.map(({ signed }) => signed.message.nonce);
}

/** Lowest nonce from the actor's on that neither a live message nor the pool holds. */
export function nextNonce(state: State, view: ChainView): number {
	const taken = new Set(pooledNonces(state, view));
	for (const { nonce } of currentMessages(state, view.sender.address)) taken.add(nonce);
	let nonce = view.sender.nonce;
	while (taken.has(nonce)) nonce++;
	return nonce;
}

/** Live messages that the actor's nonce has not passed. */
export function pendingCount(state: State, view: ChainView): number {
	return currentMessages(state, view.sender.address).filter(({ nonce }) => nonce >= view.sender.nonce).length;
}

/**
 * A further nonce waits until the last message cannot be lost alone: another node stored it, a full node has it in its
 * pool, or an epoch passed. Near the close, or with nobody to wait for, it does not.
 */
export function mayUseNext(state: State, sender: Sender, epoch: number, close: number): boolean {
	if (sender.lastSigned === null || epoch > sender.lastSigned.epoch) return true;
	if (epoch >= close - limits.hurryEpochs || connectedPeers(state).length === 0) return true;
	const last = state.messages.get(sender.lastSigned.cid);
	return last === undefined || last.includedAt !== null || last.dead !== null || isElsewhere(state, last);
}

/** Not on this node's disk alone: a pool took it, or a member has stored it. */
export function isElsewhere(state: State, { everPooled, short }: Message): boolean {
	if (everPooled) return true;
	const stores = (id: NodeId): boolean =>
		state.peers.get(id)?.record?.envelope.body.submissions.includes(short) === true;
	return state.peers.keys().some((id) => isPresent(state, id) && stores(id));
}

/** The pool replaces a message only for 1.25 x its premium; one more covers the rounding. */
export function priceOf(state: State, address: string, nonce: number, wanted: Gas, feeCapLeast: AttoFil): Gas {
	let premium = wanted.premium as bigint;
	for (const message of messagesOf(state, address)) {
		// What nobody with the sender's key made waits in no pool, whatever it claims to pay.
		if (message.nonce !== nonce || !message.signatureGood) continue;
		const least = (message.submission.signed.message.gasPremium * 5n + 3n) / 4n + 1n;
		if (least > premium) premium = least;
	}
	let feeCap = wanted.feeCap as bigint;
	if (feeCapLeast > feeCap) feeCap = feeCapLeast;
	if (premium > feeCap) feeCap = premium;
	return { limit: wanted.limit, feeCap: attoFil(feeCap), premium: attoFil(premium) };
}
