/** What a call of the miner actor sees of the chain around it. */
import type { ActorId, Epoch, Hex32 } from '../../domain/ids.ts';
import type { PostStatement, Verdict } from '../../ports/verifier.ts';
import type { Policy } from '../policy.ts';

export interface CallContext {
	readonly policy: Policy;
	/** Epoch in which the call runs: of the including tipset, at estimation that of the head. */
	readonly epoch: Epoch;
	readonly caller: ActorId;
	/** PoStChainCommit randomness from tickets. */
	commitRandomness(commitEpoch: number): Hex32;
	/** WindowPoSt challenge randomness of a miner, masked. */
	postChallenge(miner: ActorId, challengeEpoch: number): Hex32;
	/** Rejects when there is no verdict, never because a proof is wrong. */
	verify(statement: PostStatement, proof: Uint8Array): Promise<Verdict>;
}
