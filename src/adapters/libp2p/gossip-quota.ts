/**
 * What one connection may gossip, counted at the stream before anything is parsed: bytes, and frames by their length
 * prefix (an unsigned varint). gossipsub itself takes whatever arrives into an unbounded queue.
 */
import type { Stream } from '@libp2p/interface';
import type { Uint8ArrayList } from 'uint8arraylist';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import { TokenBucket } from './token-bucket.ts';

export type QuotaBreach = 'flood-bytes' | 'flood-frames' | 'stream-too-long';

/** A varint of five bytes holds 35 bits; no legal length needs more. */
const LENGTH_BITS = 35;

export class GossipQuota {
	readonly #bytes: TokenBucket;
	readonly #frames: TokenBucket;

	constructor(clock: Clock) {
		this.#bytes = new TokenBucket(clock, limits.gossipQuotaBytesPerSecond, limits.gossipQuotaBurstBytes);
		this.#frames = new TokenBucket(clock, limits.gossipQuotaFramesPerSecond, limits.gossipQuotaBurstFrames);
	}

	/** Watches one inbound stream of the connection; `breach` is called at the first byte too many. */
	watch(stream: Stream, breach: (reason: QuotaBreach) => void): void {
		const frames = new FrameCounter();
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

/** Finds the frame boundaries without keeping a byte. */
class FrameCounter {
	#skip = 0;
	#length = 0;
	#shift = 0;

	/** Frames that begin in `data`; undefined when one claims more than `gossipRpcBytes`. */
	count(data: Uint8Array | Uint8ArrayList): number | undefined {
		let started = 0;
		for (const chunk of data instanceof Uint8Array ? [data] : data) {
			for (let at = 0; at < chunk.byteLength; ) {
				if (this.#skip > 0) {
					const step = Math.min(this.#skip, chunk.byteLength - at);
					this.#skip -= step;
					at += step;
				} else {
					if (!this.#lengthByte(chunk[at] ?? 0)) return undefined;
					if (this.#shift === 0) started += 1;
					at += 1;
				}
			}
		}
		return started;
	}

	/** Takes one byte of a length prefix; false when the length is over the bound. `#shift` is 0 when it is complete. */
	#lengthByte(byte: number): boolean {
		this.#length += (byte & 0x7f) * 2 ** this.#shift;
		this.#shift += 7;
		if (this.#length > limits.gossipRpcBytes || this.#shift > LENGTH_BITS) return false;
		if ((byte & 0x80) !== 0) return true;
		this.#skip = this.#length;
		this.#length = 0;
		this.#shift = 0;
		return true;
	}
}
