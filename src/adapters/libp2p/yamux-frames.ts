/**
 * Counts the frames of a yamux connection by what they cost, without keeping a byte: new streams, pings, frames with
 * little or no data in them, and data that nobody will read. A header has 12 bytes: version, type, flags (u16), stream (u32), length (u32).
 */
import type { Uint8ArrayList } from 'uint8arraylist';
import { limits } from '../../domain/limits.ts';
import { Skipping } from './skipping.ts';

const HEADER_BYTES = 12;
const TYPE = 1;
const FLAGS = 3;
const STREAM = 4;
const LENGTH = 8;
const DATA = 0;
const PING = 2;
const SYN = 1;
/** A frame with less data than this costs more than its bytes. */
const SMALL_BYTES = 1024;

export interface FrameCounts {
	readonly opened: number;
	readonly pings: number;
	readonly small: number;
	/** Bytes for streams that are not open. */
	readonly stray: number;
}

export class YamuxFrames {
	readonly #isOpen: (stream: number) => boolean;
	readonly #bytes = new Skipping();
	/** Bytes of the header that have come. */
	#at = 0;
	#type = 0;
	#flags = 0;
	#stream = 0;
	#length = 0;
	/** Opened by the data that is being counted, so that nobody else knows of them. */
	readonly #fresh = new Set<number>();

	/** `isOpen`: streams by the frames that were counted before. */
	constructor(isOpen: (stream: number) => boolean) {
		this.#isOpen = isOpen;
	}

	/** What begins in `data`. */
	count(data: Uint8Array | Uint8ArrayList): FrameCounts {
		const counts = { opened: 0, pings: 0, small: 0, stray: 0 };
		this.#fresh.clear();
		this.#bytes.walk(data, (byte) => (this.#headerByte(byte) ? this.#add(counts) : 0));
		return counts;
	}

	/** True when the header is complete. */
	#headerByte(byte: number): boolean {
		if (this.#at === TYPE) this.#type = byte;
		// The second byte of the flags: the first one is not used.
		else if (this.#at === FLAGS) this.#flags = byte;
		else if (this.#at >= LENGTH) this.#length = this.#length * 0x100 + byte;
		else if (this.#at >= STREAM) this.#stream = this.#stream * 0x100 + byte;
		this.#at += 1;
		return this.#at === HEADER_BYTES;
	}

	/** Bytes of data behind the header. */
	#add(counts: { -readonly [Key in keyof FrameCounts]: number }): number {
		if (this.#type === PING) counts.pings += 1;
		else if ((this.#flags & SYN) !== 0) {
			counts.opened += 1;
			this.#fresh.add(this.#stream);
		}
		const dataBytes = this.#type === DATA ? this.#length : 0;
		if (dataBytes < SMALL_BYTES) counts.small += 1;
		// A length beyond the window is cut by whoever stores frames.
		if (dataBytes > 0 && !this.#isRead()) counts.stray += Math.min(dataBytes, limits.streamWindowBytes);
		this.#at = 0;
		this.#stream = 0;
		this.#length = 0;
		return dataBytes;
	}

	#isRead(): boolean {
		return this.#fresh.has(this.#stream) || this.#isOpen(this.#stream);
	}
}
