/**
 * Reads answers, the large ones in a worker thread: parsing the pool of a busy network or the sectors of a large
 * partition would hold up the event loop. What comes back is plain data and far smaller than the text.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { ReadJob, ReadOutcome } from './answer-worker.ts';
import { bulkReaders, readAnswer } from './answers.ts';

export interface BulkAnswer {
	readonly id: number;
	readonly method: string;
	readonly reader: keyof typeof bulkReaders;
	/** For `pool`: whose messages are wanted. */
	readonly senders: readonly string[];
}

interface Waiting {
	readonly resolve: (result: unknown) => void;
	readonly reject: (error: Error) => void;
}

export class AnswerReader {
	readonly #waiting = new Map<number, Waiting>();
	#worker: Worker | undefined;
	#jobs = 0;

	/** Same result and errors as `readAnswer` with the named reader. */
	async readBulk(body: Uint8Array<ArrayBuffer>, answer: BulkAnswer): Promise<unknown> {
		const { id, method, reader, senders } = answer;
		if (body.length < limits.chainInlineBytes) {
			return readAnswer(body, { id, method, read: (result) => bulkReaders[reader](result, senders) });
		}
		this.#worker ??= this.#start();
		const job: ReadJob = { job: this.#jobs++, id, method, reader, senders, body };
		const { promise, resolve, reject } = Promise.withResolvers<unknown>();
		this.#waiting.set(job.job, { resolve, reject });
		this.#worker.ref();
		this.#worker.postMessage(job, [body.buffer]);
		return promise;
	}

	async close(): Promise<void> {
		await this.#worker?.terminate();
	}

	#start(): Worker {
		// The extension is .ts in a clone and .js in the published package.
		const worker = new Worker(new URL(`./answer-worker${extname(import.meta.url)}`, import.meta.url));
		worker.on('message', (outcome: ReadOutcome) => this.#settle(outcome));
		worker.on('error', (error) => this.#failAll(error));
		worker.on('exit', () => {
			this.#worker = undefined;
			this.#failAll(new Error('the thread ended'));
		});
		return worker;
	}

	#settle(outcome: ReadOutcome): void {
		const waiting = this.#waiting.get(outcome.job);
		this.#waiting.delete(outcome.job);
		// An idle thread must not keep the process alive.
		if (this.#waiting.size === 0) this.#worker?.unref();
		if ('result' in outcome) {
			waiting?.resolve(outcome.result);
			return;
		}
		const { code, message, meta, advice } = outcome.error;
		waiting?.reject(new PosterError(code, message, { meta, ...(advice === undefined ? {} : { advice }) }));
	}

	#failAll(cause: unknown): void {
		for (const { reject } of this.#waiting.values()) {
			reject(
				new PosterError('chain-bad-answer', 'a large answer of the full node could not be read', {
					cause,
					advice: 'The thread that reads it died, mostly for want of memory; it is asked again.',
				}),
			);
		}
		this.#waiting.clear();
	}
}
