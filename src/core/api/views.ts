/** What the core shows when it is asked. */
import type {
	ActorId,
	CidText,
	DeadlineIndex,
	Epoch,
	Hex32,
	NodeId,
	PartitionIndex,
	WorkId,
} from '../../domain/ids.ts';
import type { LeasePhase, ReleaseReason } from '../../domain/lease.ts';
import type { Result } from '../../domain/result.ts';
import type { Role } from '../../domain/roster.ts';
import type { ChallengeKey, WorkItem, WorkKind } from '../../domain/work.ts';
import type { Alarm } from './decisions.ts';
import type { SlotOut } from './events.ts';

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
	/** Those in service. */
	readonly slots: readonly { readonly name: string; readonly work: WorkId | null }[];
	readonly slotsOut: readonly SlotOut[];
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
