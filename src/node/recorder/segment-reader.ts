/**
 * Reads the file of one segment, a frame at a time. Whatever the file holds, memory stays bounded by one frame and the
 * snapshot; where the frames end before the file does, the rest is told and not read.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { type RecordedStep, readSteps } from '../../core/recording.ts';
import { readSnapshot } from '../../core/snapshot.ts';
import type { State } from '../../core/state.ts';
import { Unpacker } from '../../core/unpacker.ts';
import { isPosterError, PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import { fileError } from '../files.ts';
import { decodeFrame, decodeHeader, FRAME_HEAD_BYTES, type Frame, MAGIC, type SegmentHeader } from './format.ts';

/** An open segment, to be read once and in this order: header, state, steps. */
export class SegmentReader {
	readonly header: SegmentHeader;
	readonly #path: string;
	readonly #file: FrameFile;
	readonly #unpacker = new Unpacker();
	/** The frame after the snapshot. */
	#next: Frame | undefined;

	private constructor(path: string, file: FrameFile, header: SegmentHeader) {
		this.#path = path;
		this.#file = file;
		this.header = header;
	}

	/** Rejects `recording-bad` when it is no recording, `recording-torn` when it ends too soon, `file-io`. */
	static async open(path: string): Promise<SegmentReader> {
		const file = await FrameFile.open(path);
		try {
			const frame = await file.next();
			if (frame === undefined) throw tornRecording(path);
			const header = decodeHeader(frame);
			if (header !== undefined) return new SegmentReader(path, file, header);
			throw badRecording(path, 'it does not say which core recorded it');
		} catch (error) {
			await file.close();
			throw error;
		}
	}

	/** Bytes at the end of the file that are no whole frame: those of a crash, or of a node that is writing right now. */
	get tornBytes(): number {
		return this.#file.tornBytes;
	}

	/** The core's state before the first step. Rejects `recording-torn`, `recording-bad`. */
	async state(): Promise<State> {
		const parts: Uint8Array[] = [];
		let bytes = 0;
		for (;;) {
			this.#next = await this.#file.next();
			if (this.#next?.kind !== 'snapshot') break;
			bytes += this.#next.content.length;
			if (bytes > limits.snapshotBytes + limits.recorderFrameBytes)
				throw badRecording(this.#path, 'its state is too large');
			parts.push(this.#next.content);
		}
		try {
			return this.#decoded(() => readSnapshot(this.#unpacker.read(Buffer.concat(parts))));
		} catch (error) {
			throw this.#next === undefined ? tornRecording(this.#path, error) : error;
		}
	}

	/** Rejects `recording-bad` at the frame that makes no sense. */
	async *steps(): AsyncGenerator<RecordedStep> {
		let { now } = this.header;
		for (; this.#next !== undefined; this.#next = await this.#file.next()) {
			const { kind, content } = this.#next;
			if (kind !== 'steps') throw badRecording(this.#path, `a ${kind} where steps are expected`);
			const steps = readSteps(this.#unpacker.read(content), now);
			for (;;) {
				const { done, value } = this.#decoded(() => steps.next());
				if (done === true) break;
				now = value.now;
				yield value;
			}
		}
	}

	close(): Promise<void> {
		return this.#file.close();
	}

	#decoded<T>(decode: () => T): T {
		try {
			return decode();
		} catch (error) {
			if (!isPosterError(error)) throw error;
			throw badRecording(this.#path, error.message, error);
		}
	}
}

class FrameFile {
	readonly #path: string;
	readonly #file: FileHandle;
	readonly #size: number;
	#at = MAGIC.length;
	tornBytes = 0;

	private constructor(path: string, file: FileHandle, size: number) {
		this.#path = path;
		this.#file = file;
		this.#size = size;
	}

	static async open(path: string): Promise<FrameFile> {
		const file = await open(path, 'r').catch((error: unknown) => {
			throw fileError(path, error);
		});
		const { size } = await file.stat();
		const frames = new FrameFile(path, file, size);
		try {
			// Made, and nothing was written to it yet.
			if (size === 0) throw tornRecording(path);
			const magic = size < MAGIC.length ? undefined : await frames.#read(0, MAGIC.length);
			if (magic?.equals(MAGIC) === true) return frames;
			throw badRecording(path, `it does not begin with ${JSON.stringify(MAGIC.toString('latin1'))}`);
		} catch (error) {
			await file.close();
			throw error;
		}
	}

	/** Undefined at the end of the file, and from the first frame on that is not whole. */
	async next(): Promise<Frame | undefined> {
		const left = this.#size - this.#at;
		if (left === 0 || this.tornBytes > 0) return undefined;
		const head = left < FRAME_HEAD_BYTES ? undefined : await this.#read(this.#at, FRAME_HEAD_BYTES);
		const length = head?.readUInt32BE(0) ?? 0;
		const isWhole = length > 0 && length <= limits.recorderFrameBytes && length <= left - FRAME_HEAD_BYTES;
		const payload = isWhole ? await this.#read(this.#at + FRAME_HEAD_BYTES, length) : undefined;
		const frame = payload && head && decodeFrame(payload, head.readUInt32BE(4));
		if (frame === undefined) this.tornBytes = left;
		else this.#at += FRAME_HEAD_BYTES + length;
		return frame;
	}

	async close(): Promise<void> {
		await this.#file.close();
	}

	/** Undefined when the file became shorter in the meantime. */
	async #read(position: number, length: number): Promise<Buffer | undefined> {
		const bytes = Buffer.alloc(length);
		try {
			const { bytesRead } = await this.#file.read(bytes, 0, length, position);
			return bytesRead === length ? bytes : undefined;
		} catch (error) {
			throw fileError(this.#path, error);
		}
	}
}

export function badRecording(path: string, why: string, cause?: unknown): PosterError {
	return new PosterError('recording-bad', `${path} is no recording of a node: ${why}`, {
		cause,
		advice: 'Name a file or the folder of a flight recorder: `recorder` in the home of a node.',
		meta: { path },
	});
}

function tornRecording(path: string, cause?: unknown): PosterError {
	return new PosterError('recording-torn', `${path} ends before the state that it begins with does`, {
		cause,
		advice: 'Nothing can be replayed from it: the node was killed as it began. Take the segment before.',
		meta: { path },
	});
}
