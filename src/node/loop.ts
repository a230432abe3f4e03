/**
 * The one place where "persist before you announce" lives. Events wait in a queue; a run of them is stepped through the
 * core, what they want kept is written in one synced batch, and only then their effects are carried out. While a batch
 * cannot be written nothing is claimed, renewed, announced, signed or pushed.
 */
import type { Effect, Event, Step } from '../core/api.ts';
import { isPosterError } from '../domain/errors.ts';
import type { MonoMs } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Write } from '../domain/write.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Store } from '../ports/store.ts';
import { isInput } from './quarantine.ts';

export interface LoopPorts {
	readonly store: Store;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
}

export interface LoopOptions {
	/** The core with its state. */
	readonly step: (event: Event, now: MonoMs) => Step;
	/** Carries out an effect: starts what it asks for and returns; its answer comes back as an event. */
	readonly run: (effect: Effect) => void;
	/**
	 * The core threw on this event: its state can no longer be trusted and the process must end. `suspects`: the inputs
	 * that may be why, all that came since the rules last ran; none, one, or two for any number above.
	 */
	readonly crashed: (event: Event, error: unknown, suspects: readonly Event[]) => void;
	/** Whether the rules look before and after each input, so that a failure has one suspect at most. */
	readonly careful: () => boolean;
	/** Nothing is processed any more, for a reason that no retry mends. */
	readonly failed: (error: unknown) => void;
	/** Asked between two runs of events: the next one waits for the promise, if there is one. */
	readonly rest: () => Promise<void> | undefined;
}

export class Loop {
	readonly #ports: LoopPorts;
	readonly #options: LoopOptions;
	#queue: Event[] = [];
	/** Events in the queue that came from other nodes: only those are dropped when there are too many. */
	#outside = 0;
	#running: Promise<void> | undefined;
	#stopped = false;
	#cancelTick: (() => void) | undefined;
	#tickQueued = false;
	#stalledSince: MonoMs | undefined;
	/** Inputs since the rules last ran well. */
	#suspects: readonly Event[] = [];

	constructor(ports: LoopPorts, options: LoopOptions) {
		this.#ports = ports;
		this.#options = options;
	}

	/** Milliseconds for which the store has refused to write; 0 when it works. */
	stalledMs(): number {
		return this.#stalledSince === undefined ? 0 : this.#ports.clock.now() - this.#stalledSince;
	}

	/** Begins with the tick that makes the new incarnation durable. */
	start(): void {
		this.#tick();
	}

	/** Events handed over before this call are processed, later ones are ignored. */
	async stop(): Promise<void> {
		this.#cancelTick?.();
		this.#stopped = true;
		await this.#running;
	}

	/** Answers and own observations are always taken: their number is bounded by what the core asked for. */
	enqueue(event: Event): void {
		if (this.#stopped) return;
		if (isOutside(event)) {
			if (this.#outside >= limits.loopOutsideEvents) {
				this.#ports.metrics.count('poster_loop_dropped_total', { type: event.type });
				return;
			}
			this.#outside++;
		}
		if (this.#stalledSince !== undefined) this.#dropSuperseded(event);
		this.#queue.push(event);
		this.#running ??= this.#pump().catch((error: unknown) => {
			this.#end();
			this.#options.failed(error);
		});
	}

	/** While nothing can be written the chain goes on: only its newest state is kept. */
	#dropSuperseded(event: Event): void {
		if (event.type === 'head') this.#queue = this.#queue.filter(({ type }) => type !== 'head');
		if (event.type !== 'chain-view') return;
		const { miner } = event.view;
		this.#queue = this.#queue.filter((queued) => queued.type !== 'chain-view' || queued.view.miner !== miner);
	}

	#tick(): void {
		// A tick that still waits says all that a second one would say.
		if (!this.#tickQueued) {
			this.#tickQueued = true;
			this.enqueue({ type: 'tick' });
		}
		this.#cancelTick = this.#ports.clock.after(limits.tickMs, () => this.#tick());
	}

	async #pump(): Promise<void> {
		// Lets the handler that enqueued return first: nothing is stepped inside a callback of libp2p.
		await this.#ports.clock.sleep(0);
		while (this.#queue.length > 0) {
			await this.#options.rest();
			const batch = this.#stepBatch();
			if (batch === undefined) break;
			const { persist, after } = batch;
			if (persist.length > 0) await this.#write(persist);
			else await this.#ports.clock.sleep(0);
			if (this.#stopped && this.#stalledSince !== undefined) break;
			for (const effect of after) this.#options.run(effect);
		}
		this.#running = undefined;
	}

	/** Undefined when the core failed: what it said in this run of events is not carried out. */
	#stepBatch(): { persist: Write[]; after: Effect[] } | undefined {
		const batch = this.#queue.slice(0, limits.loopBatchEvents);
		this.#queue = this.#queue.slice(batch.length);
		const persist: Write[] = [];
		const after: Effect[] = [];
		for (const event of batch) {
			if (isOutside(event)) this.#outside--;
			if (event.type === 'tick') this.#tickQueued = false;
			const isWatched = isInput(event) && this.#options.careful();
			const events: readonly Event[] = isWatched ? [{ type: 'tick' }, event, { type: 'tick' }] : [event];
			// One time for the three: no rule comes due between them.
			const now = this.#ports.clock.now();
			for (const each of events) {
				const step = this.#stepOne(each, now);
				if (step === undefined) return undefined;
				persist.push(...step.persist);
				after.push(...step.after);
			}
		}
		return { persist, after };
	}

	/** A step may run the rules too, which look at all that came before: an input is not to blame for being the last. */
	#stepOne(event: Event, now: MonoMs): Step | undefined {
		if (isInput(event) && this.#suspects.length < 2) this.#suspects = [...this.#suspects, event];
		try {
			const step = this.#options.step(event, now);
			if (event.type === 'tick') this.#suspects = [];
			return step;
		} catch (error) {
			this.#end();
			this.#options.crashed(event, error, this.#suspects);
			return undefined;
		}
	}

	/** What waits, and what still comes, is not processed. */
	#end(): void {
		this.#stopped = true;
		this.#queue = [];
	}

	/** Retried until it works or the node stops: what follows may only happen once it is on disk. */
	async #write(batch: readonly Write[]): Promise<void> {
		let pauseMs: number = limits.storeRetryFirstMs;
		for (;;) {
			try {
				await this.#ports.store.write(batch);
				this.#stalledSince = undefined;
				return;
			} catch (error) {
				if (!isPosterError(error)) throw error;
				this.#stalledSince ??= this.#ports.clock.now();
				this.#ports.metrics.count('poster_store_failed_total', { code: error.code });
				this.#ports.log.error({ error, code: error.code, pauseMs }, 'the store refuses to write: nothing is announced');
				if (this.#stopped) return;
				await this.#ports.clock.sleep(pauseMs);
				pauseMs = Math.min(pauseMs * 2, limits.storeRetryLastMs);
			}
		}
	}
}

function isOutside(event: Event): boolean {
	return event.type === 'statement' || event.type === 'sync-asked' || event.type === 'pull-asked';
}
