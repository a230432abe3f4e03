/**
 * A native worker that is always there: started, restarted with growing pauses when it dies, and the jobs in it. A
 * death costs the jobs that were in it, each told once with the reason; nothing is repeated here, since only the
 * caller knows whether its input is to blame.
 */
import { rm } from 'node:fs/promises';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { ProverSlot } from '../../ports/prover.ts';
import { type FrameHeader, type NativeFrame, numberField, textField } from './frame.ts';
import { type WorkerOptions, WorkerProcess } from './worker-process.ts';

export interface NativeComponents {
	readonly clock: Clock;
	readonly log: Log;
}

/** Calls go to one listener per job, in the order of the frames. */
export interface JobListener {
	/** A throw is a violation of the protocol: the process is ended, all its jobs are lost. */
	frame(frame: NativeFrame): void;
	/** The job is over without an answer: `native-failed` (the worker said so, meta.code) or the cause of an exit. */
	lost(cause: PosterError): void;
}

export interface NativeJob {
	/** Header of the process's `ready` frame. */
	readonly hello: FrameHeader;
	send(header: FrameHeader, body?: Uint8Array): Promise<void>;
	/** Forgets the job: later frames of it are ignored. Idempotent. */
	close(): void;
	/** Resolves when the job's process is gone. */
	readonly exited: Promise<unknown>;
	/** Kills the job's process, and with it every job in it. */
	kill(cause: PosterError): void;
}

interface Running {
	readonly process: WorkerProcess;
	readonly hello: FrameHeader;
}

/** One death costs a job and a moment; the second one without a word in between says that it will not work now. */
const DEATHS_OUT_OF_SERVICE = 2;
const NO_BODY = new Uint8Array(0);
/** Code of the cause with which a worker is killed that cannot be told to leave a proof. */
export const CANCELLED = 'prover-cancelled';

export class NativeChild {
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #options: WorkerOptions;
	readonly #jobs = new Map<number, JobListener>();
	readonly #closing = new AbortController();
	/** The process, or the attempt to have one: pause before it included. */
	#current: Promise<Running> | undefined;
	#process: WorkerProcess | undefined;
	#closed: Promise<void> | undefined;
	/** Deaths since the last frame of a job. */
	#failures = 0;
	#lastJob = 0;
	#deaths = 0;
	#inService = true;
	/** Why it is out of service, if it is. */
	#why: unknown;
	readonly #watchers: Parameters<ProverSlot['watch']>[0][] = [];

	constructor(components: NativeComponents, options: WorkerOptions) {
		this.#clock = components.clock;
		this.#log = components.log;
		this.#options = options;
	}

	/** The running process's `ready` header. Rejects if the attempt to start it that is under way fails. */
	async start(signal?: AbortSignal): Promise<FrameHeader> {
		return (await this.#running(signal)).hello;
	}

	get pid(): number | undefined {
		return this.#process?.pid;
	}

	/** Times that a process which had started ended, whatever for. */
	get deaths(): number {
		return this.#deaths;
	}

	/** Tells when the worker is given up until it starts again, at once if it is already, and when it has. */
	watch(changed: Parameters<ProverSlot['watch']>[0]): void {
		this.#watchers.push(changed);
		if (!this.#inService) changed(false, this.#why);
	}

	/**
	 * Stops the process that runs now, by signal, until the returned function is called. One that dies meanwhile is dead,
	 * and one that is still starting is not stopped.
	 */
	pause(): () => void {
		const paused = this.#process;
		paused?.setStopped(true);
		return () => paused?.setStopped(false);
	}

	/** Rejects `native-busy`, `native-stopped`, the cause of a failed start, or the signal's reason. */
	async open(listener: JobListener, signal?: AbortSignal): Promise<NativeJob> {
		const { process, hello } = await this.#running(signal);
		if (process.end !== undefined) throw process.end;
		if (this.#jobs.size >= limits.nativeJobs) {
			throw new PosterError('native-busy', `the native worker has ${this.#jobs.size} jobs`, {
				advice: 'This machine is overloaded: it is asked again when some are done.',
			});
		}
		const id = this.#freeJob();
		this.#jobs.set(id, listener);
		return {
			hello,
			exited: process.exited,
			send: (header, body = NO_BODY) => process.write({ ...header, job: id }, body),
			close: () => {
				if (this.#jobs.get(id) === listener) this.#jobs.delete(id);
			},
			kill: (cause) => process.kill(cause),
		};
	}

	/** One frame there, one frame back. Rejects like `open` and with what ends a job; a worker that is stuck is killed. */
	async request(header: FrameHeader, body: Uint8Array, signal?: AbortSignal): Promise<NativeFrame> {
		const answer = Promise.withResolvers<NativeFrame>();
		const job = await this.open({ frame: answer.resolve, lost: answer.reject }, signal);
		const abort = (): void => answer.reject(signal?.reason);
		signal?.addEventListener('abort', abort, { once: true });
		if (signal?.aborted === true) abort();
		const cancelTimeout = this.#clock.after(limits.nativeAnswerMs, () => job.kill(stuck(limits.nativeAnswerMs)));
		try {
			const [frame] = await Promise.all([answer.promise, job.send(header, body)]);
			return frame;
		} finally {
			cancelTimeout();
			signal?.removeEventListener('abort', abort);
			job.close();
		}
	}

	/** Stops the process and removes its scratch folder. Idempotent. */
	close(): Promise<void> {
		this.#closed ??= this.#close();
		return this.#closed;
	}

	async #close(): Promise<void> {
		this.#closing.abort(new PosterError('native-stopped', 'the native worker was stopped'));
		// An attempt that is under way sees the abort and ends its own process.
		await this.#current?.catch(() => undefined);
		await this.#process?.stop();
		await rm(this.#options.scratch, { recursive: true, force: true });
	}

	async #running(signal?: AbortSignal): Promise<Running> {
		this.#closing.signal.throwIfAborted();
		signal?.throwIfAborted();
		this.#current ??= this.#launch(0);
		if (signal === undefined) return this.#current;
		const aborted = Promise.withResolvers<never>();
		const abort = (): void => aborted.reject(signal.reason);
		signal.addEventListener('abort', abort, { once: true });
		try {
			return await Promise.race([this.#current, aborted.promise]);
		} finally {
			signal.removeEventListener('abort', abort);
		}
	}

	/** One attempt. Whatever becomes of it, the next one is prepared when it fails or its process dies. */
	#launch(pauseMs: number): Promise<Running> {
		const attempt = this.#attempt(pauseMs);
		attempt.catch((cause: unknown) => {
			if (this.#closing.signal.aborted) return;
			this.#log.error({ cause, failures: this.#failures }, 'native worker did not start');
			this.#restart(cause);
		});
		return attempt;
	}

	async #attempt(pauseMs: number): Promise<Running> {
		const closing = this.#closing.signal;
		if (pauseMs > 0) await this.#clock.sleep(pauseMs, closing);
		closing.throwIfAborted();
		let started = false;
		const process = await WorkerProcess.spawn(
			this.#options,
			{
				frame: (frame) => this.#dispatch(frame),
				exited: (cause) => {
					this.#process = undefined;
					if (started) this.#died(cause);
				},
			},
			this.#clock,
			this.#log,
		);
		this.#process = process;
		const { command: words, readyMs = limits.nativeStartMs } = this.#options;
		const cancelTimeout = this.#clock.after(readyMs, () => {
			const [command = ''] = words;
			process.kill(
				new PosterError('native-start-timeout', `${command} did not become ready in ${readyMs} ms`, {
					advice:
						'The machine is overloaded, the disk with the parameters is slow, or it is another program: see the lines before.',
					meta: { command },
				}),
			);
		});
		const abort = (): void => void process.stop();
		closing.addEventListener('abort', abort, { once: true });
		if (closing.aborted) abort();
		try {
			const hello = await process.ready;
			started = true;
			this.#setInService(true);
			return { process, hello };
		} finally {
			cancelTimeout();
			closing.removeEventListener('abort', abort);
		}
	}

	#died(cause: PosterError): void {
		this.#deaths++;
		const lost = [...this.#jobs.values()];
		this.#jobs.clear();
		// Ended on our word, since it knows no other way to leave a proof: that says nothing about its health.
		const wasCancelled = cause.code === CANCELLED;
		if (wasCancelled) this.#failures = 0;
		if (!this.#closing.signal.aborted) {
			// Exit code 0: a cancelled proof, which ends in no other way.
			if (cause.meta['exitCode'] === 0 || wasCancelled) this.#log.info({ jobs: lost.length }, 'native worker ended');
			else this.#log.warn({ cause, jobs: lost.length }, 'native worker died');
			this.#restart(cause);
		}
		for (const listener of lost) listener.lost(cause);
	}

	#restart(cause: unknown): void {
		const pauseMs = Math.min(limits.nativeRestartMs * 2 ** this.#failures, limits.nativeRestartMaxMs);
		// Capped where the pause no longer grows.
		this.#failures = Math.min(this.#failures + 1, 30);
		this.#current = this.#launch(pauseMs);
		if (this.#failures >= DEATHS_OUT_OF_SERVICE) this.#setInService(false, cause);
	}

	#setInService(inService: boolean, why?: unknown): void {
		if (inService === this.#inService) return;
		this.#inService = inService;
		this.#why = why;
		for (const changed of this.#watchers) changed(inService, why);
	}

	#dispatch(frame: NativeFrame): void {
		this.#failures = 0;
		const id = numberField(frame.header, 'job');
		const listener = this.#jobs.get(id);
		// A job that was closed while its answer was on the way.
		if (listener === undefined) return;
		if (frame.header['type'] !== 'failed') {
			listener.frame(frame);
			return;
		}
		this.#jobs.delete(id);
		listener.lost(
			new PosterError('native-failed', textField(frame.header, 'reason'), {
				advice: textField(frame.header, 'advice'),
				meta: { code: textField(frame.header, 'code') },
			}),
		);
	}

	#freeJob(): number {
		let id = this.#lastJob;
		do id = (id % 0xffff_ffff) + 1;
		while (this.#jobs.has(id));
		this.#lastJob = id;
		return id;
	}
}

/** The reason for killing a worker that owes an answer for too long. */
export function stuck(silentMs: number): PosterError {
	return new PosterError('native-stuck', `the native worker gave no answer for ${silentMs} ms`, {
		advice: 'It is ended and started anew. If it repeats, look at the disks and the memory of this machine.',
	});
}
