/** What the core is told. */
import type { Bitfield } from '../../domain/bitfield.ts';
import type { MessageLookup } from '../../domain/chain.ts';
import type { Envelope } from '../../domain/envelope.ts';
import type { ActorId, CidText, Epoch, Hex32, NodeId, SectorNumber, WorkId } from '../../domain/ids.ts';
import type { Gas } from '../../domain/message.ts';
import type { PoStProofType } from '../../domain/proof.ts';
import type { Roster } from '../../domain/roster.ts';
import type { Submission } from '../../domain/submission.ts';
import type { Digest, Pull } from '../../domain/sync.ts';
import type { Challenge, ChallengeKey, DuePartition } from '../../domain/work.ts';
import type { ChainView } from './chain.ts';

/** A slot that takes no work. */
export interface SlotOut {
	readonly slot: string;
	readonly reason: string;
	readonly advice?: string;
}

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
	/** Slots in service changed: a worker died for good or came back. `out`: the others, where it is known why. */
	| { readonly type: 'slots'; readonly slots: readonly string[]; readonly out?: readonly SlotOut[] }
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
