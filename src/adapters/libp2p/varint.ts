/** An unsigned LEB128 number whose bytes come one by one. */

/** A varint of five bytes holds 35 bits; no legal length or tag needs more. */
const MOST_BITS = 35;

export class Varint {
	#value = 0;
	#shift = 0;

	/** The number with its last byte, undefined until then; Infinity when it does not end. */
	push(byte: number): number | undefined {
		const value = this.#value + (byte & 0x7f) * 2 ** this.#shift;
		const bits = this.#shift + 7;
		const more = (byte & 0x80) !== 0;
		if (more && bits < MOST_BITS) {
			this.#value = value;
			this.#shift = bits;
			return undefined;
		}
		this.reset();
		return more ? Number.POSITIVE_INFINITY : value;
	}

	/** Bytes have come, and more are to come. */
	get begun(): boolean {
		return this.#shift > 0;
	}

	reset(): void {
		this.#value = 0;
		this.#shift = 0;
	}
}
