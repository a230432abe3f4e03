/**
 * The order in which this machine's sectors are read: what somebody waits for first, in the order of asking, then what
 * is opened ahead. Reading is done in small jobs, so that a new wish waits for a fraction of a second, not for a
 * partition.
 */

import type { VanillaFailure } from '../../codec/vanilla-wire.ts';
import { isPosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { CommittedSector } from '../../domain/manifest.ts';
import type { SectorChallenge } from '../../domain/vanilla.ts';
import type { Log } from '../../ports/log.ts';
import type { OpenedSector, VanillaSource } from '../../ports/vanilla.ts';

export interface ReadFailure {
	readonly failure: VanillaFailure;
	readonly detail: string;
}

export type ReadOutcome = { readonly proof: Uint8Array } | ReadFailure;

export interface SectorRead {
	/** Same for all sectors under one challenge. */
	readonly group: string;
	/** Names the sector, its commitment and the challenge. */
	readonly key: string;
	readonly challenge: SectorChallenge;
	readonly sector: CommittedSector;
}

interface Task extends SectorRead {
	readonly outcome: PromiseWithResolvers<ReadOutcome>;
	/** The reading worker died with this sector in its job: it is tried once more, alone. */
	suspect: boolean;
}

const STOPPED: ReadOutcome = { failure: 'unavailable', detail: 'this node stops' };

export class ReadQueue {
	readonly #source: VanillaSource;
	readonly #log: Log;
	readonly #maxJobs: number;
	readonly #stopping = new AbortController();
	readonly #urgent = new Map<string, Task>();
	readonly #ahead = new Map<string, Task>();
	readonly #running = new Map<string, Task>();
	readonly #failures = new Map<string, ReadFailure>();
	readonly #jobs = new Set<Promise<void>>();

	/** `sectors`: how many are read at a time, at least two jobs of them. */
	constructor(source: VanillaSource, log: Log, sectors: number) {
		this.#source = source;
		this.#log = log;
		this.#maxJobs = Math.max(2, Math.ceil(sectors / limits.vanillaReadSectors));
	}

	/** Never rejects. A sector that is in the queue already is read once, at the higher of both ranks. */
	read(read: SectorRead, urgent: boolean): Promise<ReadOutcome> {
		if (this.#stopping.signal.aborted) return Promise.resolve(STOPPED);
		const asked = this.#running.get(read.key) ?? this.#urgent.get(read.key);
		if (asked !== undefined) return asked.outcome.promise;
		const task = this.#ahead.get(read.key) ?? newTask(read);
		if (urgent) this.#ahead.delete(read.key);
		(urgent ? this.#urgent : this.#ahead).set(read.key, task);
		this.#pump();
		return task.outcome.promise;
	}

	/** How the sector failed in this epoch: reading it again for everyone who asks costs time and tells nothing new. */
	failureOf(key: string): ReadFailure | undefined {
		return this.#failures.get(key);
	}

	/** An epoch passed: failures are forgotten. */
	pardon(): void {
		this.#failures.clear();
	}

	async stop(): Promise<void> {
		this.#stopping.abort(new Error('the reading queue stops'));
		for (const task of [...this.#urgent.values(), ...this.#ahead.values()]) task.outcome.resolve(STOPPED);
		this.#urgent.clear();
		this.#ahead.clear();
		await Promise.all(this.#jobs);
	}

	#pump(): void {
		while (this.#jobs.size < this.#maxJobs) {
			const tasks = takeJob(this.#urgent) ?? takeJob(this.#ahead);
			if (tasks === undefined) return;
			for (const task of tasks) this.#running.set(task.key, task);
			const job = this.#run(tasks).finally(() => {
				this.#jobs.delete(job);
				this.#pump();
			});
			this.#jobs.add(job);
		}
	}

	async #run(tasks: readonly Task[]): Promise<void> {
		const open = new Map(tasks.map((task) => [task.sector.number, task]));
		const [{ challenge }] = tasks as [Task];
		const request = { ...challenge, sectors: tasks.map(({ sector }) => sector) };
		try {
			for await (const opened of this.#source.open(request, this.#stopping.signal)) {
				const task = open.get(opened.sector);
				if (task === undefined) continue;
				open.delete(opened.sector);
				const outcome = outcomeOf(opened);
				if ('failure' in outcome) this.#remember(task, outcome);
				this.#settle(task, outcome);
			}
		} catch (cause) {
			this.#lost(tasks, [...open.values()], cause);
		}
	}

	/** The worker is gone. Which sector is to blame shows when each is read alone; one that kills again is set aside. */
	#lost(job: readonly Task[], open: readonly Task[], cause: unknown): void {
		if (this.#stopping.signal.aborted) {
			for (const task of open) this.#settle(task, STOPPED);
			return;
		}
		this.#log.warn({ cause, sectors: open.map(({ sector }) => sector.number) }, 'reading sectors failed');
		const detail = isPosterError(cause) ? cause.message : String(cause);
		for (const task of open) {
			if (!task.suspect) {
				task.suspect = true;
				this.#running.delete(task.key);
				this.#urgent.set(task.key, task);
				continue;
			}
			const outcome: ReadFailure = { failure: 'unavailable', detail };
			if (job.length === 1) this.#remember(task, outcome);
			this.#settle(task, outcome);
		}
	}

	#remember({ key }: Task, outcome: ReadFailure): void {
		if (this.#failures.size < limits.vanillaFailures) this.#failures.set(key, outcome);
	}

	#settle(task: Task, outcome: ReadOutcome): void {
		this.#running.delete(task.key);
		task.outcome.resolve(outcome);
	}
}

function newTask(read: SectorRead): Task {
	return { ...read, outcome: Promise.withResolvers<ReadOutcome>(), suspect: false };
}

/** The first task and others under the same challenge, ascending; a suspect goes alone. */
function takeJob(queue: Map<string, Task>): Task[] | undefined {
	const [first] = queue.values();
	if (first === undefined) return undefined;
	const tasks = new Map([[first.sector.number, first]]);
	if (!first.suspect) {
		for (const task of queue.values()) {
			if (tasks.size === limits.vanillaReadSectors) break;
			// The same number with another commitment is another sector: it goes into another job.
			const joins = task.group === first.group && !task.suspect && !tasks.has(task.sector.number);
			if (joins) tasks.set(task.sector.number, task);
		}
	}
	const job = [...tasks.values()].sort((a, b) => a.sector.number - b.sector.number);
	for (const task of job) queue.delete(task.key);
	return job;
}

function outcomeOf(opened: OpenedSector): ReadOutcome {
	if ('proof' in opened) return { proof: opened.proof };
	return { failure: opened.failure, detail: opened.detail };
}
