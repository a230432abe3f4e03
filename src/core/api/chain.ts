/** What the core is shown of the chain. */
import type { Bitfield } from '../../domain/bitfield.ts';
import type { ActorId, AttoFil, CidText, Epoch } from '../../domain/ids.ts';
import type { MinerCall, SignedMessage } from '../../domain/message.ts';
import type { Challenge, DuePartition } from '../../domain/work.ts';

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
