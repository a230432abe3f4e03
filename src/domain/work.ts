/** Work items: one partition of one deadline under one challenge, to be proven once. */
import type { ActorId, DeadlineIndex, Epoch, Hex32, PartitionIndex, WorkId } from './ids.ts';
import type { PoStProofType } from './proof.ts';

/** `post`: due on the chain. `dry`: asked for by an operator, lowest priority, never counted by submitters. */
export type WorkKind = 'post' | 'dry';

/** What all work items of one deadline have in common. */
export interface Challenge {
	readonly kind: WorkKind;
	/** 0 for `post`; the number that tells one dry run from the next. */
	readonly nonce: number;
	readonly miner: ActorId;
	readonly periodStart: Epoch;
	readonly deadline: DeadlineIndex;
	/** Epoch of the randomness. */
	readonly challenge: Epoch;
	readonly open: Epoch;
	readonly close: Epoch;
	/** Byte 31 masked. */
	readonly randomness: Hex32;
	readonly proofType: PoStProofType;
}

/** One partition that is due under a challenge. */
export interface DuePartition {
	readonly partition: PartitionIndex;
	readonly sectorCount: number;
	/** SHA-256 of the manifest's canonical bytes. */
	readonly sectorRoot: Hex32;
}

export interface WorkItem extends Challenge, DuePartition {
	readonly id: WorkId;
	/** Identity of the challenge, the same for all items of the deadline. */
	readonly key: ChallengeKey;
}

/** 32 hex digits: the first 16 bytes of a hash over the network and every field of a challenge. */
export type ChallengeKey = string & { readonly challengeKey: unique symbol };
export const challengeKeyOf = (value: string): ChallengeKey => value as ChallengeKey;
