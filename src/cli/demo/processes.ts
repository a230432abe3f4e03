/**
 * Owner of child processes: whatever it started is ended when it is closed, and killed when this process ends in any
 * other way. Against the one end that no process sees coming, SIGKILL, each child has an IPC channel: when that closes,
 * the child ends by itself (`end-signals.ts`). Their stderr goes to one log file each.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';

export interface Exit {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
}

export class OwnedProcess {
	readonly name: string;
	readonly logFile: string;
	readonly exited: Promise<Exit>;
	readonly #child: ChildProcess;
	readonly #first = Promise.withResolvers<string>();

	constructor(name: string, logFile: string, child: ChildProcess) {
		this.name = name;
		this.logFile = logFile;
		this.#child = child;
		this.exited = exitOf(child);
		// Whoever waits for the line hears of it; nobody has to.
		this.#first.promise.catch(() => undefined);
		if (child.stdout !== null) {
			createInterface({ input: child.stdout }).on('line', (line) => this.#first.resolve(line));
		}
		void this.exited.then(({ code, signal }) =>
			this.#first.reject(
				new PosterError('demo-process', `${name} ended (${signal ?? `exit code ${code}`}) before it was ready`, {
					advice: `Its log: ${logFile}`,
					meta: { name, code, logFile },
				}),
			),
		);
	}

	/** Undefined when it could not be started. */
	get pid(): number | undefined {
		return this.#child.pid;
	}

	get running(): boolean {
		return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
	}

	/** First line of its stdout. Rejects `demo-process` when it ends before. */
	get firstLine(): Promise<string> {
		return this.#first.promise;
	}

	kill(signal: NodeJS.Signals): void {
		this.#child.kill(signal);
	}

	async stop(): Promise<Exit> {
		this.kill('SIGTERM');
		const timer = setTimeout(() => this.kill('SIGKILL'), limits.processStopMs);
		try {
			return await this.exited;
		} finally {
			clearTimeout(timer);
		}
	}
}

export class Processes {
	readonly #logs: string;
	readonly #owned = new Set<OwnedProcess>();
	#closed = false;
	readonly #killAll = (): void => {
		for (const owned of this.#owned) owned.kill('SIGKILL');
	};

	/** `logs`: folder for the log files. */
	constructor(logs: string) {
		this.#logs = logs;
		// The last resort: runs also after an uncaught error.
		process.once('exit', this.#killAll);
	}

	/** Rejects when closed, or when the log file cannot be made; a program that cannot start shows as its exit. */
	async start(
		name: string,
		[command, ...args]: readonly [string, ...string[]],
		env: NodeJS.ProcessEnv = process.env,
	): Promise<OwnedProcess> {
		await mkdir(this.#logs, { recursive: true });
		const logFile = join(this.#logs, `${name}.log`);
		const log = await open(logFile, 'a', 0o600);
		try {
			if (this.#closed) throw new PosterError('demo-process', `${name} is not started any more`);
			// An own process group: ctrl-c in the terminal reaches the owner alone, which then ends the others in order.
			const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', log.fd, 'ipc'], detached: true });
			const owned = new OwnedProcess(name, logFile, child);
			this.#owned.add(owned);
			void owned.exited.then(() => this.#owned.delete(owned));
			return owned;
		} finally {
			await log.close();
		}
	}

	get running(): readonly OwnedProcess[] {
		return [...this.#owned];
	}

	/** Ends all, in order where they can. Idempotent. */
	async close(): Promise<void> {
		this.#closed = true;
		await Promise.all([...this.#owned].map((owned) => owned.stop()));
		process.off('exit', this.#killAll);
	}
}

/** This program with these arguments, from sources or compiled, as it runs now. */
export function ownCommand(...args: readonly string[]): readonly [string, ...string[]] {
	const main = resolve(import.meta.dirname, `../main${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`);
	return [process.execPath, main, ...args];
}

async function exitOf(child: ChildProcess): Promise<Exit> {
	if (child.pid === undefined) {
		await once(child, 'error');
		return { code: null, signal: null };
	}
	return new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
}
