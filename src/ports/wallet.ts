import type { ActorId } from '../domain/ids.ts';
import type { Gas, MinerCall, SignedMessage } from '../domain/message.ts';

/**
 * Signs messages of methods 5, 10 and 11 to configured miners under a fee cap; never raw bytes.
 * Rejects `wallet-no-key`, `wallet-not-allowed`, `wallet-fee-cap`, or the chain errors of a remote wallet.
 */
export interface Wallet {
	/** Key address (f1 or f3) that sends for the miner. */
	sender(miner: ActorId): string;
	signPost(miner: ActorId, call: MinerCall, nonce: number, gas: Gas): Promise<SignedMessage>;
}
