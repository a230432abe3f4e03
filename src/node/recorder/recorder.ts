/**
 * The flight recorder: what the core was told within the last hour, so that every decision can be made again. It never
 * hurts the node: its disk is written beside the loop, and when that fails or is slow, recording pauses and begins anew
 * with the state of that moment.
 */
import { setImmediate } from 'node:timers/promises';
import type { Event, Step } from '../../core/api.ts';
import { nameOf } from '../../core/members.ts';
import type { State } from '../../core/state.ts';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { StartOptions } from '../start-options.ts';
import { coreVersion } from './core-version.ts';
import type { SegmentHeader } from './format.ts';
import { type SegmentFile, SegmentFiles, type SegmentFolder } from './segment-files.ts';
import { SegmentWriter } from './segment-writer.ts';

export interface RecorderPorts {
	readonly folder: SegmentFolder;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
}

/** The recorder of a node's home. */
export function openRecorder(
	{ home, version }: StartOptions,
	ports: Omit<RecorderPorts, 'folder'>,
	state: State,
): Recorder {
	const { self, network } = state.config;
	const subject = { core: coreVersion(), program: version, node: self, name: nameOf(state, self), network };
	return new Recorder({ ...ports, folder: new SegmentFiles(home.paths.recorder) }, state, subject);
}

export type RecorderSubject = Pick<SegmentHeader, 'core' | 'program' | 'node' | 'name' | 'network'>;

interface Segment {
	readonly writer: SegmentWriter;
	readonly startedMs: number;
	readonly file: Promise<SegmentFile>;
	/** What is still in line for it is dropped. */
	failed: boolean;
}

export class Recorder {
	readonly #ports: RecorderPorts;
	readonly #state: State;
	readonly #subject: RecorderSubject;
	#segment: Segment | undefined;
	/** Number of the next step. */
	#step = 0;
	#resumeAt = Number.NEGATIVE_INFINITY;
	/** What is in line for the disk: the last of it, how much, and its bytes. */
	#line: Promise<void> = Promise.resolve();
	#inLine = 0;
	#waiting = 0;
	/** Bytes in the folder, together with those in line for it. */
	#kept = 0;
	#cancelFlush: (() => void) | undefined;
	#closed = false;

	constructor(ports: RecorderPorts, state: State, subject: RecorderSubject) {
		this.#ports = ports;
		this.#state = state;
		this.#subject = subject;
	}

	/** Called between two steps; while the promise is pending no step may be made. */
	rest(): Promise<void> | undefined {
		const now = this.#ports.clock.now();
		const segment = this.#segment;
		const due =
			segment === undefined
				? now >= this.#resumeAt && this.#inLine === 0
				: now - segment.startedMs >= limits.recorderSegmentMs || segment.writer.bytes >= limits.recorderSegmentBytes;
		return due && !this.#closed ? this.#begin() : undefined;
	}

	/** Makes the step by `run` and records it: the event before, since the core may fail on it. */
	watch(event: Event, now: number, run: () => Step): Step {
		this.#step++;
		this.#guard(({ writer }) => writer.event(event, now));
		const step = run();
		this.#guard((segment) => {
			segment.writer.outcome(step);
			if (segment.writer.waiting >= limits.recorderBatchBytes) this.#flush(segment);
			else this.#cancelFlush ??= this.#ports.clock.after(limits.recorderFlushMs, () => this.#guard(this.#flush));
		});
		return step;
	}

	/** Everything that was recorded is with the operating system, unless its disk hangs. */
	async close(): Promise<void> {
		this.#closed = true;
		this.#end();
		await Promise.race([this.#line, this.#ports.clock.sleep(limits.recorderCloseMs)]);
	}

	async #begin(): Promise<void> {
		this.#end();
		const { clock, folder } = this.#ports;
		const startedMs = clock.now();
		const wallMs = clock.wallMs();
		const header = { ...this.#subject, wallMs, now: startedMs, step: this.#step };
		const file = folder.create(wallMs);
		const segment: Segment = { writer: new SegmentWriter(header), startedMs, file, failed: false };
		this.#segment = segment;
		// Whoever waits for the file hears of its failure; nobody may wait yet.
		file.catch((error: unknown) => this.#fail(segment, error));
		try {
			let sliceMs = startedMs;
			for (const _ of segment.writer.begin(this.#state)) {
				if (clock.now() - sliceMs < limits.recorderSliceMs) continue;
				await setImmediate();
				sliceMs = clock.now();
			}
		} catch (error) {
			this.#fail(segment, error);
		}
		this.#guard(this.#flush);
		this.#prune();
	}

	/** Whatever is wrong with a recording stays its own trouble. */
	#guard(record: (segment: Segment) => void): void {
		const segment = this.#segment;
		if (segment === undefined) return;
		try {
			record(segment);
		} catch (error) {
			this.#fail(segment, error);
		}
	}

	readonly #flush = (segment: Segment): void => {
		this.#cancelFlush?.();
		this.#cancelFlush = undefined;
		const bytes = segment.writer.take();
		this.#kept += bytes.length;
		this.#queue(segment, bytes.length, (file) => file.append(bytes));
		if (this.#waiting > limits.recorderQueueBytes) throw slowDisk(this.#waiting);
		if (this.#kept > limits.recorderBytes) this.#prune();
	};

	#end(): void {
		this.#guard(this.#flush);
		const segment = this.#segment;
		if (segment === undefined) return;
		this.#segment = undefined;
		this.#queue(segment, 0, (file) => file.close());
	}

	#queue(segment: Segment, bytes: number, write: (file: SegmentFile) => Promise<void>): void {
		this.#whenFree(segment, bytes, async () => {
			if (!segment.failed) await write(await segment.file);
		});
	}

	#prune(): void {
		if (this.#segment === undefined) return;
		this.#whenFree(this.#segment, 0, async () => {
			this.#kept = await this.#ports.folder.prune();
			this.#ports.metrics.gauge('poster_recorder_bytes', this.#kept);
		});
	}

	/** One at a time, in order; a failure ends the recording of the segment. */
	#whenFree(segment: Segment, bytes: number, run: () => Promise<void>): void {
		this.#inLine++;
		this.#waiting += bytes;
		this.#line = this.#line
			.then(run)
			.catch((error: unknown) => this.#fail(segment, error))
			.finally(() => {
				this.#inLine--;
				this.#waiting -= bytes;
			});
	}

	#fail(segment: Segment, error: unknown): void {
		if (segment.failed) return;
		segment.failed = true;
		this.#cancelFlush?.();
		this.#cancelFlush = undefined;
		if (this.#segment === segment) this.#segment = undefined;
		this.#resumeAt = this.#ports.clock.now() + limits.recorderRetryMs;
		const code = error instanceof Error && 'code' in error ? String(error.code) : 'internal';
		this.#ports.metrics.count('poster_recorder_failed_total', { code });
		this.#ports.log.warn({ error, code, pauseMs: limits.recorderRetryMs }, 'the flight recorder pauses');
		// Nobody asks any more what was written: how closing ends is of no interest.
		segment.file.then((file) => file.close()).catch(() => undefined);
	}
}

function slowDisk(bytes: number): PosterError {
	return new PosterError('recorder-slow', `${bytes} bytes of the recording wait for the disk`, { meta: { bytes } });
}
