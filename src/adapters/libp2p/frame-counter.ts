/**
 * Finds the frame boundaries of libp2p's own protocols, an unsigned varint before each message, without keeping a byte.
 * Those protocols wait for whatever length a peer claims, and store up to 4 MiB of it.
 */
import type { Uint8ArrayList } from 'uint8arraylist';
import { Skipping } from './skipping.ts';
import type { FrameProgress } from './stream-watch.ts';
import { Varint } from './varint.ts';

export class FrameCounter implements FrameProgress {
	readonly #maxBytes: number;
	readonly #length = new Varint();
	readonly #bytes = new Skipping();
	#frames = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	get frames(): number {
		return this.#frames;
	}

	get inside(): boolean {
		return this.#bytes.inside || this.#length.begun;
	}

	/** Frames that begin in `data`; undefined when one claims more than `maxBytes`. */
	count(data: Uint8Array | Uint8ArrayList): number | undefined {
		const before = this.#frames;
		return this.#bytes.walk(data, (byte) => this.#look(byte)) ? this.#frames - before : undefined;
	}

	#look(byte: number): number | undefined {
		const length = this.#length.push(byte);
		if (length === undefined) return 0;
		if (length > this.#maxBytes) return undefined;
		this.#frames += 1;
		return length;
	}
}
