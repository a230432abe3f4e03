/**
 * Finds the frame boundaries of libp2p's own protocols, an unsigned varint before each message, without keeping a byte.
 * Those protocols wait for whatever length a peer claims, and store up to 4 MiB of it.
 */
import type { Uint8ArrayList } from 'uint8arraylist';

/** A varint of five bytes holds 35 bits; no legal length needs more. */
const LENGTH_BITS = 35;

export class FrameCounter {
	readonly #maxBytes: number;
	#skip = 0;
	#length = 0;
	#shift = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

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
		if (this.#length > this.#maxBytes || this.#shift > LENGTH_BITS) return false;
		if ((byte & 0x80) !== 0) return true;
		this.#skip = this.#length;
		this.#length = 0;
		this.#shift = 0;
		return true;
	}
}
