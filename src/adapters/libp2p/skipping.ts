/**
 * Looks at the headers of a stream of bytes and passes over what they announce, without keeping a byte: what a piece
 * holds of that is one step, however long it is.
 */
import type { Uint8ArrayList } from 'uint8arraylist';

export class Skipping {
	#left = 0;

	/** Bytes that are passed over are still to come. */
	get inside(): boolean {
		return this.#left > 0;
	}

	/** `look` answers how many bytes behind this one are passed over, or undefined to end there. False when it did. */
	walk(data: Uint8Array | Uint8ArrayList, look: (byte: number) => number | undefined): boolean {
		for (const chunk of data instanceof Uint8Array ? [data] : data) {
			for (let at = this.#step(chunk.byteLength); at < chunk.byteLength; ) {
				const skip = look(chunk[at] ?? 0);
				if (skip === undefined) return false;
				this.#left = skip;
				at += 1;
				at += this.#step(chunk.byteLength - at);
			}
		}
		return true;
	}

	#step(most: number): number {
		const step = Math.min(this.#left, most);
		this.#left -= step;
		return step;
	}
}
