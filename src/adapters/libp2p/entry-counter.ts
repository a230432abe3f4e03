/**
 * Counts what gossipsub will have to do for the bytes of a stream, before it parses one: frames, and in each RPC its
 * messages, subscriptions and control entries. A frame of 1 MiB may hold 40,000 messages of one byte.
 *
 *     RPC { subscriptions = 1, publish = 2, control = 3 }   ControlMessage { ihave = 1, iwant = 2, graft = 3, prune = 4, idontwant = 5 }
 */
import type { Uint8ArrayList } from 'uint8arraylist';
import type { FrameProgress } from './stream-watch.ts';
import { Varint } from './varint.ts';

/** Entered, not skipped: the control part, whose entries count one by one, and by the same number a graft, which is small. */
const CONTROL = 3;

/** What the next byte belongs to. */
type Expected = 'frame-length' | 'tag' | 'value' | 'field-length';

export class EntryCounter implements FrameProgress {
	readonly #maxFrameBytes: number;
	readonly #number = new Varint();
	#expected: Expected = 'frame-length';
	#field = 0;
	/** Bytes of the frame that are to come; those of them that are passed over. */
	#left = 0;
	#skip = 0;
	#frames = 0;
	#spoiled = 0;

	constructor(maxFrameBytes: number) {
		this.#maxFrameBytes = maxFrameBytes;
	}

	get frames(): number {
		return this.#frames;
	}

	get inside(): boolean {
		return this.#expected !== 'frame-length' || this.#number.begun;
	}

	/** Frames that no protobuf reader takes. */
	get spoiled(): number {
		return this.#spoiled;
	}

	/** Frames and entries that begin in `data`; undefined when a frame claims more than `maxFrameBytes`. */
	count(data: Uint8Array | Uint8ArrayList): number | undefined {
		let entries = 0;
		for (const chunk of data instanceof Uint8Array ? [data] : data) {
			for (let at = 0; at < chunk.byteLength; ) {
				const step = Math.min(this.#skip, chunk.byteLength - at);
				if (step > 0) {
					this.#skip -= step;
					this.#left -= step;
					at += step;
				} else {
					const begun = this.#byte(chunk[at] ?? 0);
					if (begun === undefined) return undefined;
					entries += begun;
					at += 1;
				}
				if (this.#left === 0 && this.#expected !== 'frame-length') this.#endFrame();
			}
		}
		return entries;
	}

	/** 1 when the byte begins a frame's content or an entry. */
	#byte(byte: number): number | undefined {
		const inFrame = this.#expected !== 'frame-length';
		if (inFrame) this.#left -= 1;
		const value = this.#number.push(byte);
		if (value === undefined) return 0;
		if (!inFrame) {
			if (value > this.#maxFrameBytes) return undefined;
			this.#left = value;
			this.#frames += 1;
			this.#expected = 'tag';
			return 1;
		}
		if (this.#expected === 'tag') {
			this.#tag(value);
			return 1;
		}
		if (this.#expected === 'field-length' && this.#field !== CONTROL) this.#skip = Math.min(value, this.#left);
		this.#expected = 'tag';
		return 0;
	}

	/** The wire type tells how long the field is. What protobuf does not know spoils the frame: nothing in it counts. */
	#tag(tag: number): void {
		this.#field = Math.floor(tag / 8);
		const wireType = tag % 8;
		if (wireType === 2) this.#expected = 'field-length';
		else if (wireType === 0) this.#expected = 'value';
		else if (wireType === 1 || wireType === 5) this.#skip = Math.min(wireType === 1 ? 8 : 4, this.#left);
		else {
			this.#skip = this.#left;
			this.#spoiled += 1;
		}
	}

	#endFrame(): void {
		this.#number.reset();
		this.#skip = 0;
		this.#expected = 'frame-length';
	}
}
