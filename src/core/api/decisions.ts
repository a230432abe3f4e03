/** What the core says to people: alarms, and what was decided and why. */
import type { NodeId, WorkId } from '../../domain/ids.ts';

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
	/** A prover of this node does not start, or dies again and again. */
	| 'slot-out-of-service'
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
