/**
 * How one node ends: once, for the first reason given. A node that runs closes what it opened. One that still starts
 * finds the reason at the next step of its start, whose caller closes: what a start goes on to open is not lost.
 */
import type { Log } from '../ports/log.ts';

export class Ending {
	readonly #log: Log;
	readonly #close: () => Promise<void>;
	readonly #told = new AbortController();
	readonly #ended = Promise.withResolvers<void>();
	/** Told in order, not by a failure. */
	#inOrder = false;
	#running = false;

	constructor(log: Log, close: () => Promise<void>) {
		this.#log = log;
		this.#close = close;
	}

	/** Resolves when a running node has ended in order; rejects when it could not go on. */
	get ended(): Promise<void> {
		return this.#ended.promise;
	}

	/** Ends the node in order; idempotent. A start that is broken off by it throws `reason`. */
	stop(reason: unknown): void {
		if (this.#told.signal.aborted) return;
		this.#inOrder = true;
		this.#tell(reason);
	}

	/** The node cannot go on. */
	fail(error: unknown): void {
		if (this.#told.signal.aborted) return;
		this.#log.error({ error }, 'the node cannot go on');
		this.#tell(error ?? new Error('unknown failure'));
	}

	/** Between two steps of the start: throws the reason to end, if there is one by now. */
	check(): void {
		this.#told.signal.throwIfAborted();
	}

	/** The start is over, from now on the end closes; throws like `check`. */
	running(): void {
		this.check();
		this.#running = true;
	}

	#tell(reason: unknown): void {
		this.#told.abort(reason);
		if (!this.#running) return;
		const { resolve, reject } = this.#ended;
		this.#close().then(() => (this.#inOrder ? resolve() : reject(reason)), reject);
	}
}
