/** Chain messages and the calls of the miner actor that this project sends. */
import type { Bitfield } from './bitfield.ts';
import type { AttoFil, DeadlineIndex, Epoch, Hex32, PartitionIndex } from './ids.ts';
import type { PoStProofType } from './proof.ts';

/** An unsigned message, addresses in text form. */
export interface Message {
	readonly version: 0;
	readonly to: string;
	readonly from: string;
	readonly nonce: number;
	readonly value: AttoFil;
	readonly gasLimit: number;
	readonly gasFeeCap: AttoFil;
	readonly gasPremium: AttoFil;
	readonly method: number;
	readonly params: Uint8Array;
}

export interface SignedMessage {
	readonly message: Message;
	/** 1 secp256k1, 2 BLS. */
	readonly signatureType: 1 | 2;
	readonly signature: Uint8Array;
}

/** What a submitter states of one partition; the wallet builds the actor parameters itself. */
export interface PostParams {
	readonly deadline: DeadlineIndex;
	readonly partition: PartitionIndex;
	readonly skipped: Bitfield;
	readonly proofType: PoStProofType;
	readonly proof: Uint8Array;
	readonly commitEpoch: Epoch;
	readonly commitRandomness: Hex32;
}

export interface SectorDeclaration {
	readonly deadline: DeadlineIndex;
	readonly partition: PartitionIndex;
	readonly sectors: Bitfield;
}

export type MinerCall =
	| { readonly kind: 'submit-post'; readonly params: PostParams }
	| { readonly kind: 'declare-faults' | 'declare-recovered'; readonly declarations: readonly SectorDeclaration[] };

export interface Gas {
	readonly limit: number;
	readonly feeCap: AttoFil;
	readonly premium: AttoFil;
}
