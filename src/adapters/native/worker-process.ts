/**
 * One life of a native worker: from spawn to exit. Its bytes in, its frames out, one reason for its end. Whoever
 * restarts it is `NativeChild`.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { FRAMES, type FrameHeader, type NativeFrame, textField, type WireFormat } from './frame.ts';
import { logStderr } from './stderr-log.ts';

export interface WorkerOptions {
	/** Executable and arguments. */
	readonly command: readonly [string, ...string[]];
	/** Whole environment of the child, but for TMPDIR and RUST_BACKTRACE. */
	readonly env: Readonly<Record<string, string | undefined>>;
	/** Folder of this child alone, emptied at each start: its empty working directory and its TMPDIR lie in it. */
	readonly scratch: string;
	/** Scheduling priority, -20 to 19. */
	readonly nice: number;
	/** Instead of one in `scratch`: a folder shared with another program, whose lock files then count for both. */
	readonly tmpDir?: string | undefined;
	/** From the start to `ready`. @default limits.nativeStartMs */
	readonly readyMs?: number | undefined;
	/** @default FRAMES */
	readonly format?: WireFormat;
}

export interface WorkerEvents {
	/** A frame that carries a job. A throw counts as a violation of the protocol and ends the process. */
	frame(frame: NativeFrame): void;
	/** Once, after `ready` or instead of it. */
	exited(cause: PosterError): void;
}

export class WorkerProcess {
	/** Header of the `ready` frame; rejects with the cause of the exit if it never comes. */
	readonly ready: Promise<FrameHeader>;
	readonly exited: Promise<PosterError>;
	readonly #child: ChildProcessWithoutNullStreams;
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #events: WorkerEvents;
	readonly #format: WireFormat;
	readonly #decoder: ReturnType<WireFormat['decoder']>;
	readonly #ready = Promise.withResolvers<FrameHeader>();
	readonly #exited = Promise.withResolvers<PosterError>();
	#isReady = false;
	#end: PosterError | undefined;
	/** Why we ended it, or what it said before it went; wins over the bare exit code. */
	#cause: PosterError | undefined;
	#drain: PromiseWithResolvers<void> | undefined;

	/** Errors: only those of the file system; a command that cannot be run rejects `ready`. */
	static async spawn(options: WorkerOptions, events: WorkerEvents, clock: Clock, log: Log): Promise<WorkerProcess> {
		const cwd = join(options.scratch, 'cwd');
		const tmp = join(options.scratch, 'tmp');
		await rm(options.scratch, { recursive: true, force: true });
		await mkdir(cwd, { recursive: true });
		await mkdir(tmp, { recursive: true });
		const [file, ...args] = options.command;
		// Damaged sectors make the library panic, which is caught and answered: a backtrace costs a second of CPU each.
		const env = { ...options.env, RUST_BACKTRACE: '0', TMPDIR: options.tmpDir ?? tmp };
		// A process group of its own: ctrl-c in a terminal reaches the node alone, which ends its workers in order.
		const child = spawn(file, args, { cwd, env, stdio: 'pipe', detached: true });
		const { format = FRAMES } = options;
		const worker = new WorkerProcess(child, events, clock, log.child({ pid: child.pid ?? 0 }), format);
		worker.#lowerPriority(options.nice);
		return worker;
	}

	private constructor(
		child: ChildProcessWithoutNullStreams,
		events: WorkerEvents,
		clock: Clock,
		log: Log,
		format: WireFormat,
	) {
		this.#child = child;
		this.#format = format;
		this.#decoder = format.decoder();
		this.#events = events;
		this.#clock = clock;
		this.#log = log;
		this.ready = this.#ready.promise;
		this.exited = this.#exited.promise;
		// Nobody may be waiting for `ready` any more when the process ends; `exited` tells the same cause.
		this.ready.catch(() => undefined);
		this.#listen();
	}

	get pid(): number | undefined {
		return this.#child.pid;
	}

	/** Why it ended; undefined while it lives. */
	get end(): PosterError | undefined {
		return this.#end;
	}

	/** Resolves when the pipe takes more: a full pipe is the child's backpressure. Rejects with the cause of the exit. */
	async write(header: FrameHeader, body: Uint8Array): Promise<void> {
		if (this.#end !== undefined) throw this.#end;
		const pieces = this.#format.encode(header, body);
		const { stdin } = this.#child;
		let open = true;
		stdin.cork();
		for (const piece of pieces) if (piece.length > 0) open = stdin.write(piece);
		stdin.uncork();
		if (open) return;
		this.#drain ??= Promise.withResolvers<void>();
		await this.#drain.promise;
	}

	/** Ends stdin, which ends the child at once; then SIGTERM, then SIGKILL. Resolves when no process is left. */
	async stop(): Promise<void> {
		this.#cause ??= new PosterError('native-stopped', 'the native worker was stopped');
		this.setStopped(false);
		this.#child.stdin.end();
		const cancelTerm = this.#clock.after(limits.nativeStopMs, () => this.#child.kill('SIGTERM'));
		const cancelKill = this.#clock.after(2 * limits.nativeStopMs, () => this.#child.kill('SIGKILL'));
		await this.exited;
		cancelTerm();
		cancelKill();
	}

	/**
	 * Lets the process stand still, or go on. One that is not ready is left alone: it may not yet have asked the kernel to
	 * end it with this one, and while it stands still it does not see that its stdin has ended.
	 */
	setStopped(stopped: boolean): void {
		if (this.#isReady && this.#end === undefined) this.#child.kill(stopped ? 'SIGSTOP' : 'SIGCONT');
	}

	/** SIGKILL, for a child that does not do what it was told. */
	kill(cause: PosterError): void {
		this.#cause ??= cause;
		this.#child.kill('SIGKILL');
	}

	#lowerPriority(nice: number): void {
		if (this.pid === undefined) return;
		try {
			setPriority(this.pid, nice);
		} catch (cause) {
			// The child may be gone already; then its exit says so. It runs, at worst, at our own priority.
			this.#log.debug({ cause }, 'native worker priority could not be set');
		}
	}

	#listen(): void {
		const { stdin, stdout, stderr } = this.#child;
		logStderr(stderr, this.#log, this.#clock);
		stdout.on('data', (chunk: Buffer) => this.#read(chunk));
		// Broken pipes are the shadow of an exit, which carries the reason.
		stdout.on('error', (cause) => this.#log.debug({ cause }, 'native worker stdout broke'));
		stdin.on('error', (cause) => this.#log.debug({ cause }, 'native worker stdin broke'));
		stdin.on('drain', () => {
			this.#drain?.resolve();
			this.#drain = undefined;
		});
		this.#child.on('error', (cause) => {
			if (this.pid === undefined) this.#finish(spawnError(this.#child.spawnfile, cause));
			else this.#log.warn({ cause }, 'native worker signal failed');
		});
		let exit: PosterError | undefined;
		this.#child.on('exit', (code, signal) => {
			exit = exitError(code, signal);
			// `close` follows when the pipes are read to their end; a grandchild that inherited them may keep them open.
			this.#clock.after(limits.nativeDrainMs, () => this.#finish(exitError(code, signal)));
		});
		this.#child.on('close', (code, signal) => this.#finish(exit ?? exitError(code, signal)));
	}

	#read(chunk: Buffer): void {
		if (this.#end !== undefined) return;
		try {
			for (const frame of this.#decoder.push(chunk)) this.#dispatch(frame);
		} catch (cause) {
			this.#child.stdout.removeAllListeners('data').resume();
			this.kill(
				cause instanceof PosterError
					? cause
					: new PosterError('native-protocol', 'a frame of the native worker could not be handled', {
							cause,
							advice: OTHER_PROGRAM,
						}),
			);
		}
	}

	#dispatch(frame: NativeFrame): void {
		const type = textField(frame.header, 'type');
		if (type === 'fatal') {
			this.#cause ??= new PosterError('native-fatal', textField(frame.header, 'reason'), {
				advice: textField(frame.header, 'advice'),
				meta: { code: textField(frame.header, 'code') },
			});
		} else if (!this.#isReady) {
			if (type !== 'ready') {
				throw new PosterError('native-protocol', `the native worker began with "${type}"`, { advice: OTHER_PROGRAM });
			}
			this.#isReady = true;
			this.#ready.resolve(frame.header);
		} else {
			this.#events.frame(frame);
		}
	}

	#finish(exit: PosterError): void {
		if (this.#end !== undefined) return;
		const ended = this.#cause ?? exit;
		const end = this.#isReady ? ended : (refusalIn(ended) ?? ended);
		this.#end = end;
		this.#child.stdin.destroy();
		this.#child.stdout.destroy();
		this.#child.stderr.destroy();
		this.#drain?.reject(end);
		this.#ready.reject(end);
		this.#exited.resolve(end);
		this.#events.exited(end);
	}
}

const OTHER_PROGRAM =
	'It is another program, or of another version: unset POSTER_NATIVE and [native] worker, and it is built from the sources.';

/** `bad-arguments` of docs/native-protocol.md, also by the exit code alone. */
function refusalIn(cause: PosterError): PosterError | undefined {
	const { code, exitCode } = cause.meta;
	if (code !== 'bad-arguments' && exitCode !== FATAL_EXIT) return undefined;
	return new PosterError('native-refused', `the native worker refuses what it is started with: ${cause.message}`, {
		cause,
		advice:
			'It is of another version than this program: build the native part again (`npm run build:native`), or unset POSTER_NATIVE and [native] worker. A program of your own must take the arguments of its line and end with 2 for no other reason.',
		meta: cause.meta,
	});
}

/** Ends a worker that cannot go on, mostly with a frame that says why. */
const FATAL_EXIT = 2;

function spawnError(file: string, cause: Error): PosterError {
	return new PosterError('native-spawn', `${file} could not be started`, {
		cause,
		advice: 'POSTER_NATIVE must name a poster-native binary for this machine; unset it to build one.',
	});
}

function exitError(code: number | null, signal: NodeJS.Signals | null): PosterError {
	const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
	return new PosterError('native-exited', `the native worker ended ${how}`, {
		advice:
			signal === 'SIGKILL'
				? 'Somebody killed it: mostly the system, for want of memory (see dmesg).'
				: 'Its own lines in the log say why.',
		meta: { exitCode: code, signal },
	});
}
