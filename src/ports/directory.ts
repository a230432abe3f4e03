import type { ActorId, NodeId } from '../domain/ids.ts';

/** Who holds which sectors, beyond the connected peers: the DHT, keyed by miner and block of 1,024 sector numbers. */
export interface Directory {
	/**
	 * Makes this node findable for exactly these blocks of the miner; those of an earlier call that are missing now are
	 * not renewed and expire. Slow and repeated in the background, at a bounded rate.
	 */
	provide(miner: ActorId, blocks: readonly number[]): void;
	/** Providers of a block as they are found, at most `limit`, ending at `timeoutMs`. Never rejects: no answer is none. */
	find(
		miner: ActorId,
		block: number,
		options: { readonly timeoutMs: number; readonly limit: number; readonly signal?: AbortSignal },
	): AsyncIterable<NodeId>;
}
