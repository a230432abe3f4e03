/** Turns the core's state and its steps into the frames of one segment. Knows nothing of files. */
import type { Event, Step } from '../../core/api.ts';
import { Packer } from '../../core/packer.ts';
import { putEvent, putOutcome, saidBy } from '../../core/recording.ts';
import { putSnapshot } from '../../core/snapshot.ts';
import type { State } from '../../core/state.ts';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import { RunningDigest } from './digest.ts';
import { encodeFrame, encodeHeader, MAGIC, type SegmentHeader } from './format.ts';

export class SegmentWriter {
	readonly #packer = new Packer();
	readonly #digest = new RunningDigest();
	#before: number;
	/** Frames that nobody took yet, and the bytes of all frames of the part that is being written. */
	#frames: Uint8Array[];
	#framed = 0;

	constructor(header: SegmentHeader) {
		this.#before = header.now;
		this.#frames = [MAGIC, encodeHeader(header)];
	}

	/** Of all steps so far. */
	get bytes(): number {
		return this.#framed + this.#packer.length;
	}

	/** Bytes of steps that are no frame yet. */
	get waiting(): number {
		return this.#packer.length;
	}

	/** First of all; pauses wherever the event loop may live for a while, but no step may be made until it has ended. */
	*begin(state: State): Generator<void> {
		for (const _ of putSnapshot(this.#packer, state)) {
			if (this.#packer.length >= limits.recorderSliceBytes) this.#frame('snapshot');
			if (this.#framed > limits.snapshotBytes) throw tooLarge(this.#framed);
			yield;
		}
		this.#frame('snapshot');
		this.#framed = 0;
	}

	event(event: Event, now: number): void {
		putEvent(this.#packer, event, now - this.#before);
		this.#before = now;
	}

	outcome(step: Step): void {
		putOutcome(this.#packer, this.#digest.add(step), saidBy(step));
	}

	/** Everything since the last call. Between two steps only, or when the core failed and none will follow. */
	take(): Uint8Array {
		if (this.#packer.length > 0) this.#frame('steps');
		const bytes = Buffer.concat(this.#frames);
		this.#frames = [];
		return bytes;
	}

	#frame(kind: 'snapshot' | 'steps'): void {
		const frame = encodeFrame(kind, this.#packer.take());
		this.#frames.push(frame);
		this.#framed += frame.length;
	}
}

function tooLarge(bytes: number): PosterError {
	return new PosterError('recorder-snapshot', `the state of the core has more than ${bytes} bytes`, {
		meta: { bytes },
	});
}
