/**
 * What one connection may gossip, counted at the stream before anything is parsed: bytes, and frames. gossipsub itself takes whatever arrives into an unbounded queue.
 */
import type { Stream } from '@libp2p/interface';
import type { Uint8ArrayList } from 'uint8arraylist';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import { FrameCounter } from './frame-counter.ts';
import { TokenBucket } from './token-bucket.ts';

export type QuotaBreach = 'flood-bytes' | 'flood-frames' | 'stream-too-long';

export class GossipQuota {
	readonly #bytes: TokenBucket;
	readonly #frames: TokenBucket;

	constructor(clock: Clock) {
		this.#bytes = new TokenBucket(clock, limits.gossipQuotaBytesPerSecond, limits.gossipQuotaBurstBytes);
		this.#frames = new TokenBucket(clock, limits.gossipQuotaFramesPerSecond, limits.gossipQuotaBurstFrames);
	}

	/** Watches one inbound stream of the connection; `breach` is called at the first byte too many. */
	watch(stream: Stream, breach: (reason: QuotaBreach) => void): void {
		const frames = new FrameCounter(limits.gossipRpcBytes);
		stream.addEventListener('message', (event) => {
			const reason = this.#judge(event.data, frames);
			if (reason !== undefined) breach(reason);
		});
	}

	#judge(data: Uint8Array | Uint8ArrayList, frames: FrameCounter): QuotaBreach | undefined {
		if (!this.#bytes.take(data.byteLength)) return 'flood-bytes';
		const started = frames.count(data);
		if (started === undefined) return 'stream-too-long';
		return this.#frames.take(started) ? undefined : 'flood-frames';
	}
}
