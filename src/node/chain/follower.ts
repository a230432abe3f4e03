/**
 * Follows the full node's heads and turns each into what the core looks at. Trouble of the chain never stops compute:
 * the core keeps its last views and is told that they are old. One miner's trouble never hides another's deadlines.
 */
import type { Event } from '../../core/api.ts';
import type { TipSet } from '../../domain/chain.ts';
import { isPosterError } from '../../domain/errors.ts';
import type { ActorId, MonoMs } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { SignedMessage } from '../../domain/message.ts';
import type { Chain } from '../../ports/chain.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { ViewReader } from './view-reader.ts';

export interface FollowerPorts {
	readonly chain: Chain;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
}

/** A miner and who sends for it. */
interface Followed {
	readonly miner: ActorId;
	readonly sender: string;
}

export interface FollowerOptions {
	readonly views: ViewReader;
	/** By the roster of the moment. */
	readonly miners: () => readonly Followed[];
	/** True for a submitter: only then the pool is read. */
	readonly readsPool: boolean;
	readonly enqueue: (event: Event) => void;
}

export class ChainFollower {
	readonly #ports: FollowerPorts;
	readonly #options: FollowerOptions;
	readonly #abort = new AbortController();
	#latest: TipSet | undefined;
	#heardAt: MonoMs;
	#wake = Promise.withResolvers<void>();
	/** As it was read last. */
	#pool: readonly SignedMessage[] = [];
	/** The read of it that the views of one head and these senders share. */
	#poolRead: { readonly head: TipSet; readonly of: string; readonly done: Promise<boolean> } | undefined;
	/** Miners whose view is being read. */
	readonly #reading = new Set<ActorId>();
	/** In the order in which their last views were begun: the head of that view, null if it failed or is not there yet. */
	readonly #begun = new Map<ActorId, TipSet | null>();
	#lost = true;
	#tasks: Promise<unknown> = Promise.resolve();

	constructor(ports: FollowerPorts, options: FollowerOptions) {
		this.#ports = ports;
		this.#options = options;
		this.#heardAt = ports.clock.now();
	}

	get status(): 'following' | 'lost' {
		return this.#lost ? 'lost' : 'following';
	}

	get head(): TipSet | undefined {
		return this.#latest;
	}

	/** Goes on in the background; `fatal` hears of what is no trouble of the full node. */
	start(fatal: (error: unknown) => void): void {
		const failed = (error: unknown): void => {
			if (!this.#abort.signal.aborted) fatal(error);
		};
		this.#tasks = Promise.all([this.#listen(), this.#watch(), this.#readViews(failed)]).catch(failed);
	}

	async stop(): Promise<void> {
		this.#abort.abort();
		this.#wake.resolve();
		await this.#tasks;
	}

	/** Only the newest head matters: those that passed while a miner's view was read are skipped for it. */
	#take(head: TipSet): void {
		this.#latest = head;
		this.#heardAt = this.#ports.clock.now();
		this.#options.enqueue({ type: 'head', epoch: head.height });
		this.#wake.resolve();
	}

	async #listen(): Promise<void> {
		for await (const changes of this.#ports.chain.heads(this.#abort.signal)) {
			const head = changes.findLast(({ type }) => type !== 'revert')?.tipSet;
			if (head !== undefined) this.#take(head);
		}
	}

	/** A subscription may be silent because the chain stands or because the node hangs: asking tells. */
	async #watch(): Promise<void> {
		const { clock, chain } = this.#ports;
		const { signal } = this.#abort;
		while (!signal.aborted) {
			const quietMs = clock.now() - this.#heardAt;
			await clock.sleep(Math.max(limits.chainRetryMs, limits.chainSilenceMs - quietMs), signal);
			if (clock.now() - this.#heardAt < limits.chainSilenceMs) continue;
			await this.#attempt('ChainHead', async () => {
				const head = await chain.head();
				if (head.key.join() !== this.#latest?.key.join()) this.#take(head);
				this.#found();
			});
		}
	}

	/** Each miner's views come one after the other: one with a large deadline keeps no other waiting. */
	async #readViews(failed: (error: unknown) => void): Promise<void> {
		while (!this.#abort.signal.aborted) {
			await this.#wake.promise;
			this.#wake = Promise.withResolvers<void>();
			const head = this.#latest;
			if (head === undefined || this.#abort.signal.aborted) continue;
			const free = limits.chainMinersAtOnce - this.#reading.size;
			for (const next of this.#due(head).slice(0, free)) this.#readNext(next, head).catch(failed);
		}
	}

	/** Who lacks a view of this head and waits for none; who was begun with longest ago comes first. */
	#due(head: TipSet): readonly Followed[] {
		const miners = this.#options.miners();
		for (const id of this.#begun.keys()) if (!miners.some(({ miner }) => miner === id)) this.#begun.delete(id);
		const order = [...this.#begun.keys()];
		return miners
			.filter(({ miner }) => !this.#reading.has(miner) && this.#begun.get(miner) !== head)
			.sort((a, b) => order.indexOf(a.miner) - order.indexOf(b.miner));
	}

	async #readNext({ miner, sender }: Followed, head: TipSet): Promise<void> {
		this.#reading.add(miner);
		this.#begun.delete(miner);
		this.#begun.set(miner, null);
		const poolRead = await this.#readPool(head);
		const viewRead = await this.#attempt(`f0${miner}`, async () => {
			const view = await this.#options.views.read({ miner, sender, head, pool: this.#pool });
			this.#found();
			this.#options.enqueue({ type: 'chain-view', view });
		});
		// What is due is announced all the same; only signing needs to know what waits in the pool.
		if (!poolRead) this.#tellLost();
		if (poolRead && viewRead) {
			this.#begun.set(miner, head);
		} else {
			this.#poolRead = undefined;
			await this.#ports.clock.sleep(limits.chainRetryMs, this.#abort.signal);
		}
		this.#reading.delete(miner);
		this.#wake.resolve();
	}

	/** Once for all miners that are read at this head. */
	#readPool(head: TipSet): Promise<boolean> {
		const senders = [...new Set(this.#options.miners().map(({ sender }) => sender))];
		if (!this.#options.readsPool || senders.length === 0) return Promise.resolve(true);
		const of = senders.join();
		if (this.#poolRead?.head !== head || this.#poolRead.of !== of) {
			const done = this.#attempt('MpoolPending', async () => {
				this.#pool = await this.#ports.chain.pending(senders);
			});
			this.#poolRead = { head, of, done };
		}
		return this.#poolRead.done;
	}

	/** True unless it failed. Only a node that does not answer, or for another network, is lost; one that refuses a call is there. */
	async #attempt(what: string, run: () => Promise<void>): Promise<boolean> {
		try {
			await run();
			return true;
		} catch (error) {
			if (!isPosterError(error)) throw error;
			if (this.#abort.signal.aborted) return true;
			this.#ports.metrics.count('poster_chain_failed_total', { code: error.code });
			this.#ports.log.warn({ what, code: error.code, error }, 'the full node could not be read');
			if (isPosterError(error, 'chain-unreachable', 'chain-timeout', 'chain-network')) this.#lose();
			return false;
		}
	}

	#found(): void {
		if (this.#lost) {
			this.#ports.log.info({ epoch: this.#latest?.height }, 'following the chain');
			this.#wake.resolve();
		}
		this.#lost = false;
		this.#heardAt = this.#ports.clock.now();
	}

	#lose(): void {
		if (!this.#lost) this.#ports.log.error({}, 'the full node does not answer: nothing is signed until it does');
		this.#lost = true;
		this.#tellLost();
	}

	/** Holds for all miners until a view comes: those that were read are read again, also while the head stays. */
	#tellLost(): void {
		for (const id of this.#begun.keys()) this.#begun.set(id, null);
		this.#poolRead = undefined;
		this.#options.enqueue({ type: 'chain-lost' });
	}
}
