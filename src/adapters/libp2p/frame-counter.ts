/**
 * Finds the frame boundaries of libp2p's own protocols, an unsigned varint before each message, without keeping a byte.
 * Those protocols wait for whatever length a peer claims, and store up to 4 MiB of it.
 */
import type { Uint8ArrayList } from 'uint8arraylist';
import type { FrameProgress } from './stream-watch.ts';
import { Varint } from './varint.ts';

export class FrameCounter implements FrameProgress {
	readonly #maxBytes: number;
	readonly #length = new Varint();
	#skip = 0;
	#frames = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	get frames(): number {
		return this.#frames;
	}

	get inside(): boolean {
		return this.#skip > 0 || this.#length.begun;
	}

	/** Frames that begin in `data`; undefined when one claims more than `maxBytes`. */
	count(data: Uint8Array | Uint8ArrayList): number | undefined {
		let started = 0;
		for (const chunk of data instanceof Uint8Array ? [data] : data) {
			for (let at = 0; at < chunk.byteLength; ) {
				if (this.#skip > 0) {
					const step = Math.min(this.#skip, chunk.byteLength - at);
					this.#skip -= step;
					at += step;
				} else {
					const length = this.#length.push(chunk[at] ?? 0);
					if (length !== undefined && length > this.#maxBytes) return undefined;
					if (length !== undefined) {
						started += 1;
						this.#frames += 1;
						this.#skip = length;
					}
					at += 1;
				}
			}
		}
		return started;
	}
}
