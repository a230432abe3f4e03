/**
 * The contract between the core and whatever runs it (the node's loop, the simulator): events in, effects out, all of
 * them plain data that nobody changes after it was handed over. The core reads no clock, draws no random number and
 * does no I/O, so the same events give the same decisions, bit for bit.
 *
 * Entry points (poster.ts): `createState(config, recovered): State`, `step(state, event, now): Step`,
 * `view(state, now, shows): View`, `storedResults(state): StoredResult[]`. The first step after `createState` is a `tick`: it
 * makes the new incarnation durable and tells the mesh what this node still holds.
 *
 * For every event the runner calls `step`; it writes `persist` (of up to 64 events together) in one synced batch and
 * only then carries out `after`, in order. An effect that names an answer is answered by exactly one such event, also
 * when it fails; until then the core waits, with the time limit that stands beside the effect.
 */
import type { Bitfield } from '../domain/bitfield.ts';
import type { MessageLookup } from '../domain/chain.ts';
import type { Envelope, Statement } from '../domain/envelope.ts';
import type {
	ActorId,
	AttoFil,
	CidText,
	DeadlineIndex,
	Epoch,
	Hex32,
	MonoMs,
	NodeId,
	PartitionIndex,
	SectorNumber,
	WorkId,
} from '../domain/ids.ts';
import type { LeasePhase, ReleaseReason } from '../domain/lease.ts';
import type { Gas, MinerCall, PostParams, SignedMessage } from '../domain/message.ts';
import type { PoStProofType } from '../domain/proof.ts';
import type { Result } from '../domain/result.ts';
import type { Role, Roster } from '../domain/roster.ts';
import type { Submission } from '../domain/submission.ts';
import type { Digest, Pull } from '../domain/sync.ts';
import type { Challenge, ChallengeKey, DuePartition, WorkItem, WorkKind } from '../domain/work.ts';
import type { Write } from '../domain/write.ts';

/** What one slot takes. */
export interface SlotFilter {
	readonly slot: string;
	/** Null: all that the node can prove. */
	readonly proofTypes: readonly PoStProofType[] | null;
	/** Null: every miner. */
	readonly miners: readonly ActorId[] | null;
	/** Its prover reads the sectors itself: every sector of the item must lie on this node. */
	readonly readsOwnStorage: boolean;
}

export interface CoreConfig {
	readonly self: NodeId;
	/** StateNetworkName; equals the roster's. */
	readonly network: string;
	/** Newest roster that this node accepted, and SHA-256 of its payload. */
	readonly roster: Roster;
	readonly rosterHash: Hex32;
	/** Roles this node has the means for; what the roster does not give it is not used. */
	readonly roles: readonly Role[];
	/** Names of the proving slots in service at start, in order of preference. */
	readonly slots: readonly string[];
	/** Slots that do not take every item; the others take all of `proofTypes`. */
	readonly slotFilters: readonly SlotFilter[];
	/** Window proof types that the slots can prove. */
	readonly proofTypes: readonly PoStProofType[];
	/** SHA-256 over the sorted digests of the verifying keys in use; null when this node cannot verify. */
	readonly keys: Hex32 | null;
	/** Milliseconds of an epoch, known for sure; null = learn it from the heads, beginning with `epochMsGuess`. */
	readonly epochMs: number | null;
	readonly epochMsGuess: number;
	/** Incarnation of a store that remembers none, 1 to 2^32 - 1: seconds since 1970, so that who lost its disk says nothing a second time. */
	readonly firstIncarnation: number;
}

/** What the store held at start, in key order. The core reads the keys it wrote and ignores others (`m/…`). */
export type Recovered = Iterable<readonly [key: string, value: Uint8Array]>;

/** `state` is owned by the core: nobody else reads or changes it. */
export interface Step {
	readonly persist: readonly Write[];
	readonly after: readonly Effect[];
}

// ---------------------------------------------------------------------------------------------------------------- chain

/** A due deadline as this node's full node sees it. */
export interface ChallengeView {
	readonly challenge: Challenge;
	/** Ascending; partitions without a sector to prove are left out. */
	readonly due: readonly DuePartition[];
	/** PostSubmissions at the head; null while the deadline is not open at the head (the set belongs to another one). */
	readonly posted: Bitfield | null;
}

/** A message of the miner's sender that waits in the full node's pool. */
export interface PoolMessage {
	readonly cid: CidText;
	readonly bytes: Uint8Array;
	readonly signed: SignedMessage;
	/** Null when it is no call of methods 5, 10, 11 with one partition. */
	readonly call: MinerCall | null;
}

/** In words, for the operator. */
export type SenderFault = { readonly reason: string; readonly advice: string };

/** Everything the core wants to know of one miner at one head. Immutable, replaces the miner's previous view. */
export interface ChainView {
	readonly miner: ActorId;
	/** Height of the head that all of it was read at. */
	readonly epoch: Epoch;
	/** Every deadline with challenge <= epoch < close (one or two), ascending by challenge. */
	readonly challenges: readonly ChallengeView[];
	readonly sender: {
		readonly address: string;
		/** Actor nonce in the state of the head. */
		readonly nonce: number;
		/** Ascending by nonce, then CID. Empty on nodes without the submitter role. */
		readonly pool: readonly PoolMessage[];
		/** Why the chain would refuse its messages; absent or null when it would take them. */
		readonly fault?: SenderFault | null;
	};
	readonly baseFee: AttoFil;
}

// --------------------------------------------------------------------------------------------------------------- events

export type Event =
	/** Every `limits.tickMs`; all rules are level-triggered and evaluated again. */
	| { readonly type: 'tick' }
	/**
	 * A statement whose signature, membership and quota were checked. `relay`: who sent it to this node; `ageMs`: how
	 * long the relay had it (0 by gossip).
	 */
	| {
			readonly type: 'statement';
			readonly envelope: Envelope;
			readonly raw: Uint8Array;
			readonly relay: NodeId;
			readonly ageMs: number;
	  }
	| { readonly type: 'connected'; readonly peer: NodeId }
	| { readonly type: 'disconnected'; readonly peer: NodeId; readonly cause: 'reset' | 'closed' }
	/** Answer to `probe`: false only if direct and indirect probes were all silent. */
	| { readonly type: 'probed'; readonly peer: NodeId; readonly alive: boolean }
	/** A newer roster with a valid operator signature. The runner has stored it and hangs up removed members. */
	| { readonly type: 'roster'; readonly roster: Roster; readonly hash: Hex32 }
	/** The node is about to end in order: leases are given back, nothing new is begun. */
	| { readonly type: 'stopping' }
	/** The core failed on these entries of the store, which it begins without; the runner has moved them away. */
	| { readonly type: 'set-aside'; readonly keys: readonly string[] }
	/** Slots in service changed: a worker died for good or came back. */
	| { readonly type: 'slots'; readonly slots: readonly string[] }
	/** One proof of this type was measured at start. */
	| { readonly type: 'measured'; readonly proofType: PoStProofType; readonly sectors: number; readonly ms: number }

	/** Every head of the full node, also by null rounds and reorgs to a lower height. */
	| { readonly type: 'head'; readonly epoch: Epoch }
	/** The full node does not answer; views stay as they were and are not trusted for signing. */
	| { readonly type: 'chain-lost' }
	| { readonly type: 'chain-view'; readonly view: ChainView }
	/** An operator asks this chain node to announce a dry run of these partitions. `challenge.kind` is `dry`. */
	| { readonly type: 'dry-run'; readonly challenge: Challenge; readonly due: readonly DuePartition[] }
	/** The operator ends a dry run. */
	| { readonly type: 'dry-run-cancel'; readonly key: ChallengeKey }

	/** The manifest of this root is on disk (fetched, computed from the chain, or found at start). */
	| { readonly type: 'manifest-held'; readonly root: Hex32; readonly sectors: Bitfield }
	/** Answer to `fetch-manifest` when none of the peers served it. */
	| { readonly type: 'manifest-failed'; readonly root: Hex32 }

	/** Own storage: sectors of the miner present now. At start and on change. */
	| { readonly type: 'holdings'; readonly miner: ActorId; readonly sectors: Bitfield }
	/** Own storage: outcome of opening sectors for a work item, ahead or on request, in batches. */
	| {
			readonly type: 'opened';
			readonly work: WorkId;
			readonly ok: Bitfield;
			readonly failed: readonly SectorFault[];
	  }
	/** Answer to `find-holders`: providers of the block, at most `limits.directoryProviders`; empty if none. */
	| {
			readonly type: 'holders-found';
			readonly miner: ActorId;
			readonly block: number;
			readonly peers: readonly NodeId[];
	  }

	/** Checked sectors since the last such event: `ok` lie in the spool. `peer` = self for own disk and a kept spool. */
	| {
			readonly type: 'gathered';
			readonly work: WorkId;
			readonly peer: NodeId;
			readonly ok: Bitfield;
			readonly failed: readonly SectorFault[];
	  }
	/** The stream from this peer ended, and what it still owed will not come; `code` of the error, null at a clean end. */
	| {
			readonly type: 'gather-ended';
			readonly work: WorkId;
			readonly peer: NodeId;
			readonly code: string | null;
	  }
	/**
	 * Answer to `ask-holder`: sectors that came and passed the whole check. `asked` false when this node could not ask (no
	 * checker, no disk), which says nothing about the holder.
	 */
	| {
			readonly type: 'holder-answered';
			readonly work: WorkId;
			readonly peer: NodeId;
			readonly ok: Bitfield;
			readonly asked: boolean;
	  }
	/** The spool could not be made, written or read (disk full, checker down): everything gathered is gone. */
	| { readonly type: 'gather-lost'; readonly work: WorkId; readonly code: string }

	/** From the code that does the work; permille = finished share in thousandths. */
	| {
			readonly type: 'prove-progress';
			readonly work: WorkId;
			readonly slot: string;
			readonly phase: string;
			readonly permille: number;
			/** Its prover may be another one than made the proofs before: how long it may stand still is not known here. */
			readonly anew?: true;
	  }
	/** Answer to `prove`. A work given up and taken again may run in two slots for a moment: each answers for itself. */
	| {
			readonly type: 'proved';
			readonly work: WorkId;
			readonly slot: string;
			readonly proof: Uint8Array;
			readonly proveMs: number;
			/** The library made it, and our own prover the ones before: what those took says nothing of the next ones. */
			readonly anew?: true;
	  }
	/**
	 * Answer to `prove`, and to `prove-cancel` with the code `prover-cancelled`. `ownEngine`: our own prover may have been
	 * at it.
	 */
	| {
			readonly type: 'prove-failed';
			readonly work: WorkId;
			readonly slot: string;
			readonly code: string;
			readonly ownEngine?: boolean;
	  }
	/** Our own prover made a proof that verifies; or was given up, for a reason in words, and the library took its place. */
	| {
			readonly type: 'own-prover';
			readonly slot: string;
			readonly proofType: PoStProofType;
			readonly failure: string | null;
	  }
	/** Answer to `verify`. `unavailable`: the verifier could not tell; it is asked again later. */
	| {
			readonly type: 'verified';
			readonly work: WorkId;
			readonly hash: Hex32;
			readonly verdict: 'good' | 'bad' | 'unavailable';
	  }

	/** Answer to `check-message`. */
	| { readonly type: 'message-checked'; readonly cid: CidText; readonly verdict: 'good' | 'bad' | 'unavailable' }
	/** Answer to `prepare`: read at one head right now. */
	| {
			readonly type: 'prepared';
			readonly work: WorkId;
			readonly epoch: Epoch;
			/** Challenge randomness of the deadline at that head. */
			readonly randomness: Hex32;
			/** True if the partition is in PostSubmissions of that head or of the one before. */
			readonly posted: boolean;
			readonly commitEpoch: Epoch;
			readonly commitRandomness: Hex32;
			/** Estimated by executing the call at the head. */
			readonly gas: Gas;
	  }
	/** Answer to `prepare` when the chain refused the call (`refused`, the chain's own text) or did not answer. */
	| {
			readonly type: 'prepare-failed';
			readonly work: WorkId;
			readonly code: string;
			readonly refused: boolean;
			readonly detail: string;
	  }
	/** Answer to `sign`. */
	| { readonly type: 'signed'; readonly submission: Submission }
	| { readonly type: 'sign-failed'; readonly work: WorkId; readonly nonce: number; readonly code: string }
	/** Answer to `push`. `code` null when the pool took it or had it already; `detail`: why the full node refused it. */
	| { readonly type: 'pushed'; readonly cid: CidText; readonly code: string | null; readonly detail?: string }
	/**
	 * Answer to `search`. `lookup` null while neither the message nor another with the same call is on the chain of
	 * `epoch`; `epoch` -1 when the full node could not tell. `posted`: the work's partition is in PostSubmissions of the
	 * state right after the including tipset.
	 */
	| {
			readonly type: 'searched';
			readonly cid: CidText;
			readonly epoch: Epoch;
			readonly lookup: MessageLookup | null;
			readonly posted: boolean;
	  }

	/** Answer to `sync`; null when the exchange failed. */
	| { readonly type: 'sync-answered'; readonly peer: NodeId; readonly digest: Digest | null }
	/** Answer to `pull`, after every statement of the answer came as an event of its own. `more`: the answer was full. */
	| { readonly type: 'pulled'; readonly peer: NodeId; readonly ok: boolean; readonly more: boolean }
	/** A peer asks. `request` is the runner's name for the waiting stream. */
	| { readonly type: 'sync-asked'; readonly request: number; readonly peer: NodeId; readonly digest: Digest }
	| { readonly type: 'pull-asked'; readonly request: number; readonly peer: NodeId; readonly pull: Pull };

/** Reasons as the native worker and the streams name them (`missing`, `unreadable`, `merkle`, …). */
export interface SectorFault {
	readonly sector: SectorNumber;
	readonly code: string;
}

export type EventOf<T extends Event['type']> = Extract<Event, { readonly type: T }>;

// -------------------------------------------------------------------------------------------------------------- effects

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

export type AlarmCode =
	/** A result leaves out sectors without every holder's word, or more than 1 % or 10 sectors. */
	| 'unbacked-skip'
	| 'many-skips'
	| 'nothing-left-to-prove'
	/** More is due before a close than the slots that take it can prove in time. */
	| 'infeasible'
	| 'deadline-missed'
	/** Two provers of this node died over an item: it is tried in others, or not before it is nearly too late. */
	| 'crashing-partition'
	/** Our own prover made a wrong proof or failed: the library proves that size there, and this node's times are learned anew. */
	| 'own-prover'
	/** A member announces, proves or submits what does not hold. */
	| 'bad-result'
	| 'bad-submission'
	| 'announcement-differs'
	/** This node failed on entries of its store, and goes on without them. */
	| 'entries-set-aside'
	/** Statements of this node's own identity that it did not make: its key is in use elsewhere. */
	| 'key-cloned'
	| 'roster-conflict'
	| 'keys-differ'
	| 'holdings-too-large'
	| 'verifier-unavailable'
	/** The miner's sender by the roster: no address of the miner, unknown to the chain, or without funds. */
	| 'sender-refused'
	| 'submission-refused'
	| 'submission-stuck'
	| 'foreign-message'
	| 'double-submission';

export interface Alarm {
	readonly code: AlarmCode;
	/** What it is about (work, miner, peer): one alarm per code and subject. */
	readonly subject: string;
	readonly facts: Readonly<Record<string, string | number>>;
}

export type DecisionName =
	| 'claim'
	| 'takeover'
	| 'hedge'
	| 'yield'
	| 'release'
	| 'gather'
	| 'prove'
	| 'skip'
	| 'result-stored'
	| 'result-refused'
	| 'result-acknowledged'
	| 'ask'
	| 'object'
	| 'reopen'
	| 'sign'
	| 'push'
	| 'replace'
	| 'adopt'
	| 'submission-refused'
	| 'included'
	| 'displaced'
	| 'reverted'
	| 'done'
	| 'announce'
	| 'retire'
	| 'suspect'
	| 'presume-dead'
	| 'ignore';

export interface Decision {
	readonly name: DecisionName;
	readonly reason: string;
	readonly work?: WorkId;
	readonly peer?: NodeId;
	readonly facts?: Readonly<Record<string, string | number>>;
}

// ---------------------------------------------------------------------------------------------------------------- views

/** Why this node does not take (or take further) an item. `own`: it does. */
export type WaitReason =
	| 'own'
	| 'no-prover-role'
	| 'not-my-miner'
	| 'proof-type'
	| 'slot-filter'
	| 'not-held-here'
	| 'quarantined'
	| 'too-late'
	| 'not-synced'
	| 'stopping'
	| 'key-cloned'
	| 'one-announcer'
	| 'announcement-differs'
	| 'cancelled'
	| 'no-manifest'
	| 'result-known'
	| 'result-unverified'
	| 'already-posted'
	| 'leased'
	| 'better-ranked'
	| 'no-free-slot'
	| 'mass-loss'
	| 'incomplete'
	| 'nothing-left-to-prove'
	| 'failed-recently'
	| 'past-close';

export type SubmissionPhase =
	/** Not this node's business or nothing to send yet, with `reason`. */
	'waiting' | 'preparing' | 'signing' | 'signed' | 'pending' | 'included' | 'done' | 'dead';

export interface HolderView {
	readonly node: NodeId;
	readonly name: string;
	readonly term: number;
	readonly backup: boolean;
	readonly phase: LeasePhase;
	readonly permille: number;
	/** Milliseconds since its last record arrived here. */
	readonly silentMs: number;
}

export interface ItemView {
	readonly work: WorkId;
	readonly kind: WorkKind;
	/** Names the dry run; 0 for `post`. */
	readonly nonce: number;
	readonly key: ChallengeKey;
	readonly miner: ActorId;
	readonly deadline: DeadlineIndex;
	readonly partition: PartitionIndex;
	readonly sectors: number;
	readonly open: Epoch;
	readonly close: Epoch;
	/** Until close; negative after it. */
	readonly epochsLeft: number;
	/** Live leases, the winner first. */
	readonly holders: readonly HolderView[];
	readonly why: WaitReason;
	/** Sectors in this node's spool, when it gathers. */
	readonly gathered: number;
	readonly result: ResultView | null;
	readonly submission: SubmissionView | null;
}

export interface ResultView {
	readonly hash: Hex32;
	readonly skipped: number;
	readonly prover: NodeId;
	readonly proveMs: number;
	/** Nodes known to have it on disk, this one included. */
	readonly copies: number;
}

export interface SubmissionView {
	readonly phase: SubmissionPhase;
	readonly reason: string;
	readonly cid: CidText | null;
	readonly nonce: number | null;
	readonly includedAt: Epoch | null;
}

export interface PeerView {
	readonly node: NodeId;
	readonly name: string;
	readonly roles: readonly Role[];
	readonly connected: boolean;
	/** Null when nothing was heard since start. */
	readonly silentMs: number | null;
	readonly epoch: Epoch;
	readonly slots: number;
	readonly idle: number;
	readonly health: number;
	readonly leases: number;
	readonly lastRelease: ReleaseReason | null;
}

/** Which items a view is to show. `epochsLeft`: until close, negative after it. */
export type ItemFilter = (item: WorkItem, epochsLeft: number) => boolean;

export interface View {
	readonly self: NodeId;
	readonly network: string;
	readonly epoch: Epoch;
	readonly epochMs: number;
	readonly synced: boolean;
	readonly health: number;
	/** Ascending by close, miner, deadline, partition, kind. */
	readonly items: readonly ItemView[];
	readonly peers: readonly PeerView[];
	readonly alarms: readonly Alarm[];
	readonly slots: readonly { readonly name: string; readonly work: WorkId | null }[];
	/** Statements ignored since start, by code. */
	readonly ignored: Readonly<Record<string, number>>;
	readonly counters: Readonly<Record<string, number>>;
}

/** A verified result, for `compute --out` and the API. */
export interface StoredResult {
	readonly item: WorkItem;
	readonly result: Result;
	readonly hash: Hex32;
}

export type { MonoMs };
