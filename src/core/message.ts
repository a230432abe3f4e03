/** One signed message of a sender that this mesh knows, and what it counts for. */
import type { Hex32, NodeId, WorkId } from '../domain/ids.ts';
import type { PostParams } from '../domain/message.ts';
import type { Submission } from '../domain/submission.ts';
import type { SortedMap } from './sorted-map.ts';
import type { StatementOf } from './state.ts';

export interface Message {
	readonly submission: Submission;
	readonly params: PostParams;
	readonly sender: string;
	readonly nonce: number;
	/** The SUB envelope; null for one found in the pool that was not told on yet. */
	statement: StatementOf<'sub'> | null;
	/** First 8 bytes of SHA-256 of the signed bytes. */
	readonly short: string;
	/** Identity of proof and skips, as results have it. */
	readonly hash: Hex32;
	/** Signed here in an earlier life, and perhaps known to nobody else (held.ts): it does not count yet. */
	held: boolean;
	/** Both must hold before it counts. */
	proofGood: boolean;
	signatureGood: boolean;
	checkingProof: boolean;
	checkingSignature: boolean;
	retryAt: number;
	/** Epoch it was first seen here; -1 until an epoch is known. */
	seenEpoch: number;
	/** In the pool at the last view, and ever in one. */
	pooled: boolean;
	everPooled: boolean;
	pushing: boolean;
	/** Epoch of this node's last push. */
	pushedEpoch: number | null;
	/** Epoch of the first view whose actor nonce is above the message's; null while none is. */
	passedEpoch: number | null;
	/** Epoch of the including tipset. */
	includedAt: number | null;
	searching: boolean;
	searchedEpoch: number;
	/** Epoch of the last search that was answered. */
	lookedUpEpoch: number;
	/** Why it will never count again; a reorg brings back those that another message displaced. */
	dead: string | null;
	done: boolean;
	/** retold.ts: what members said of it for other items, and items that its proof does not answer. */
	readonly retold: SortedMap<NodeId, StatementOf<'sub'>>;
	readonly refuted: SortedMap<WorkId, true>;
}

/** A message counts: everything about it was checked here. */
export function counts(message: Message): boolean {
	return message.proofGood && message.signatureGood && !message.held;
}

export function isUnjudged(message: Message): boolean {
	return !counts(message) && message.dead === null;
}

export function isLive(message: Message): boolean {
	return counts(message) && message.dead === null;
}
