/** Worker thread of `answer-reader.ts`: reads one large answer for each message. Never run directly. */
import { parentPort } from 'node:worker_threads';
import { assert, PosterError } from '../../domain/errors.ts';
import { bulkReaders, readAnswer } from './answers.ts';

/** What the thread is asked. `body` is transferred, not copied. */
export interface ReadJob {
	readonly job: number;
	readonly id: number;
	readonly method: string;
	readonly reader: keyof typeof bulkReaders;
	readonly senders: readonly string[];
	readonly body: Uint8Array<ArrayBuffer>;
}

/** Errors lose their class on the way between threads, so they travel in parts. */
export type ReadOutcome =
	| { readonly job: number; readonly result: unknown }
	| { readonly job: number; readonly error: Pick<PosterError, 'code' | 'message' | 'meta' | 'advice'> };

const port = parentPort;
assert(port !== null, 'the answer worker runs in a worker thread');

port.on('message', ({ job, id, method, reader, senders, body }: ReadJob) => {
	port.postMessage(outcomeOf());

	function outcomeOf(): ReadOutcome {
		try {
			return { job, result: readAnswer(body, { id, method, read: (result) => bulkReaders[reader](result, senders) }) };
		} catch (error) {
			// Anything else is a bug: it ends the thread, and the waiting calls with it.
			if (!(error instanceof PosterError)) throw error;
			const { code, message, meta, advice } = error;
			return { job, error: { code, message, meta, advice } };
		}
	}
});
