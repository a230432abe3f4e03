/** Packs records into bulk frames: full frames cross a stream twice as fast as small ones. */
import { encodeVanillaEnd, encodeVanillaRecord, type VanillaRecord } from '../../codec/vanilla-wire.ts';
import { limits } from '../../domain/limits.ts';
import type { BulkWriter } from '../../ports/streams.ts';

export class RecordWriter {
	readonly #bulk: BulkWriter;
	#frame = new Uint8Array(limits.bulkFrameBytes);
	#filled = 0;

	constructor(bulk: BulkWriter) {
		this.#bulk = bulk;
	}

	async write(record: VanillaRecord): Promise<void> {
		for (const piece of encodeVanillaRecord(record)) await this.#append(piece);
	}

	/** Sends what is there, so that it does not wait for what is not. */
	async flush(): Promise<void> {
		if (this.#filled === 0) return;
		const frame = this.#frame.subarray(0, this.#filled);
		// The transport keeps the frame until it is sent.
		this.#frame = new Uint8Array(limits.bulkFrameBytes);
		this.#filled = 0;
		await this.#bulk.write(frame);
	}

	async end(): Promise<void> {
		await this.#append(encodeVanillaEnd());
		await this.flush();
	}

	async #append(bytes: Uint8Array): Promise<void> {
		for (let at = 0; at < bytes.length; ) {
			const part = bytes.subarray(at, at + this.#frame.length - this.#filled);
			this.#frame.set(part, this.#filled);
			this.#filled += part.length;
			at += part.length;
			if (this.#filled === this.#frame.length) await this.flush();
		}
	}
}
