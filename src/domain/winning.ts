/** Winning PoSt: what one block needs, and what members ask of each other for it. */
import type { ActorId, Hex32, SectorNumber } from './ids.ts';
import type { PoStProofType } from './proof.ts';

export interface WinningChallenge {
	/** 0 to 4. */
	readonly proofType: PoStProofType;
	readonly miner: ActorId;
	/** Byte 31 masked. */
	readonly randomness: Hex32;
	/** The sector that the block's randomness chose. */
	readonly sector: { readonly number: SectorNumber; readonly commR: Hex32 };
}

export type WinningAsk =
	| { readonly kind: 'open'; readonly challenge: WinningChallenge }
	| { readonly kind: 'offer'; readonly proofType: PoStProofType; readonly miner: ActorId }
	| { readonly kind: 'prove'; readonly challenge: WinningChallenge; readonly vanilla: Uint8Array };
