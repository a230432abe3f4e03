/** What the core wants done. */
import type { Bitfield } from '../../domain/bitfield.ts';
import type { Envelope, Statement } from '../../domain/envelope.ts';
import type { ActorId, CidText, Hex32, NodeId, WorkId } from '../../domain/ids.ts';
import type { Gas, PostParams, SignedMessage } from '../../domain/message.ts';
import type { Digest, Pull } from '../../domain/sync.ts';
import type { WorkItem } from '../../domain/work.ts';
import type { Alarm, AlarmCode, Decision } from './decisions.ts';

/** Which peer is asked for which sectors of the manifest; `peer` = self means the own disk. */
export interface GatherShare {
	readonly peer: NodeId;
	readonly sectors: Bitfield;
}

export type Effect =
	/** Sign and gossip. Incarnation and sequence are set and durable. */
	| { readonly type: 'publish'; readonly envelope: Envelope }
	/** Ask these peers in order for the manifest. Answer: `manifest-held` or `manifest-failed`. */
	| { readonly type: 'fetch-manifest'; readonly root: Hex32; readonly from: readonly NodeId[] }
	/** Nothing needs the manifest any more: remove it from disk. */
	| { readonly type: 'forget-manifest'; readonly root: Hex32 }

	/** Open (or resume) the spool of a work item and stream these shares. Answers: `gathered`, one `gather-ended` per share, `gather-lost`. */
	| { readonly type: 'gather'; readonly work: WorkItem; readonly shares: readonly GatherShare[] }
	/**
	 * Stop streaming; `keep` keeps the spool for a later `gather` as long as its room is not needed, with `ready` for the
	 * proof of this job, whoever needs room, until the next stop. No answer, and none of this gather after it.
	 */
	| { readonly type: 'gather-stop'; readonly work: WorkId; readonly keep: boolean; readonly ready?: boolean }
	/** Submitter: can this holder open sectors that a result leaves out? Checked in full, kept by nobody. Answer: `holder-answered` within `limits.questionMs`. */
	| { readonly type: 'ask-holder'; readonly work: WorkItem; readonly peer: NodeId; readonly sectors: Bitfield }
	/**
	 * All sectors but `skipped` are in the spool: prove, with the library if `stock`. Answer: `proved` or `prove-failed`.
	 * `spareMs`: for so long another attempt would still come in time; a proof that hangs later is better left to run.
	 */
	| {
			readonly type: 'prove';
			readonly work: WorkItem;
			readonly slot: string;
			readonly skipped: Bitfield;
			readonly stock: boolean;
			readonly spareMs: number;
	  }
	| { readonly type: 'prove-cancel'; readonly work: WorkId; readonly slot: string }
	/** Verify against the held manifest without the skipped sectors. Answer: `verified`. */
	| {
			readonly type: 'verify';
			readonly work: WorkItem;
			readonly hash: Hex32;
			readonly proof: Uint8Array;
			readonly skipped: Bitfield;
	  }

	/** Ping directly and through `via`; silence of all = false. Answer: `probed`. */
	| { readonly type: 'probe'; readonly peer: NodeId; readonly via: readonly NodeId[]; readonly timeoutMs: number }
	/** Exchange digests. Answer: `sync-answered`. */
	| { readonly type: 'sync'; readonly peer: NodeId; readonly digest: Digest }
	/** Ask for what the digest showed to be newer. Answer: statements, then `pulled`. */
	| { readonly type: 'pull'; readonly peer: NodeId; readonly pull: Pull }
	/** Answers to `sync-asked` and `pull-asked`; `raw` null = own statement, to be sealed anew. `roster`: append the file. */
	| { readonly type: 'answer-sync'; readonly request: number; readonly digest: Digest }
	| {
			readonly type: 'answer-pull';
			readonly request: number;
			readonly roster: boolean;
			readonly statements: readonly AgedStatement[];
			readonly more: boolean;
	  }
	/** Ask the directory who holds sectors of a block of 1,024 sector numbers. Answer: `holders-found`. */
	| { readonly type: 'find-holders'; readonly miner: ActorId; readonly block: number }
	/** Own storage: the items whose sectors are to be opened ahead, most urgent first. Replaces the previous list. */
	| { readonly type: 'open-ahead'; readonly works: readonly { readonly work: WorkItem; readonly sectors: Bitfield }[] }

	/** Re-read randomness and PostSubmissions at head and head - 1, pick the commit epoch, estimate gas. Answer: `prepared` or `prepare-failed`. */
	| {
			readonly type: 'prepare';
			readonly work: WorkItem;
			readonly proof: Uint8Array;
			readonly skipped: Bitfield;
	  }
	/** Build and sign. Answer: `signed` or `sign-failed`. */
	| {
			readonly type: 'sign';
			readonly work: WorkId;
			readonly miner: ActorId;
			/** Key address whose nonce it is. */
			readonly sender: string;
			readonly params: PostParams;
			readonly nonce: number;
			readonly gas: Gas;
	  }
	/** Check the signature of a message that a peer or the pool showed. Answer: `message-checked`. */
	| { readonly type: 'check-message'; readonly cid: CidText; readonly signed: SignedMessage }
	/** Put the signed bytes into the full node's pool. Answer: `pushed`. */
	| { readonly type: 'push'; readonly cid: CidText; readonly signed: SignedMessage }
	/** Where is the message (or the one that replaced it)? Answer: `searched`. */
	| { readonly type: 'search'; readonly cid: CidText; readonly work: WorkItem }

	/** Shown to the operator and counted. Raised once for each (code, subject), cleared when it no longer holds. */
	| { readonly type: 'alarm'; readonly alarm: Alarm }
	| { readonly type: 'alarm-cleared'; readonly code: AlarmCode; readonly subject: string }
	/** Something was decided or observed that a person may ask about; for log, metrics and stories. */
	| { readonly type: 'decision'; readonly decision: Decision };

export type EffectOf<T extends Effect['type']> = Extract<Effect, { readonly type: T }>;

export interface AgedStatement {
	readonly statement: Statement;
	/** How long this node has had it. */
	readonly ageMs: number;
}
