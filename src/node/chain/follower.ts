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

export interface FollowerOptions {
	readonly views: ViewReader;
	/** Miners to follow and who sends for each, by the roster of the moment. */
	readonly miners: () => readonly { readonly miner: ActorId; readonly sender: string }[];
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
		this.#tasks = Promise.all([this.#listen(), this.#watch(), this.#readViews()]).catch((error: unknown) => {
			if (!this.#abort.signal.aborted) fatal(error);
		});
	}

	async stop(): Promise<void> {
		this.#abort.abort();
		this.#wake.resolve();
		await this.#tasks;
	}

	/** Only the newest head matters: those that passed while views were read are skipped. */
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

	async #readViews(): Promise<void> {
		while (!this.#abort.signal.aborted) {
			await this.#wake.promise;
			this.#wake = Promise.withResolvers<void>();
			const head = this.#latest;
			if (head === undefined || this.#abort.signal.aborted) continue;
			const complete = await this.#readAll(head);
			if (complete) continue;
			await this.#ports.clock.sleep(limits.chainRetryMs, this.#abort.signal);
			this.#wake.resolve();
		}
	}

	async #readAll(head: TipSet): Promise<boolean> {
		const miners = this.#options.miners();
		const poolRead = await this.#readPool(miners.map(({ sender }) => sender));
		let complete = poolRead;
		for (let from = 0; from < miners.length; from += limits.chainMinersAtOnce) {
			const some = miners.slice(from, from + limits.chainMinersAtOnce);
			const read = await Promise.all(some.map(({ miner, sender }) => this.#readMiner(miner, sender, head)));
			complete = read.every(Boolean) && complete;
		}
		// What is due is announced all the same; only signing needs to know what waits in the pool.
		if (!poolRead) this.#options.enqueue({ type: 'chain-lost' });
		return complete;
	}

	async #readPool(senders: readonly string[]): Promise<boolean> {
		if (!this.#options.readsPool || senders.length === 0) return true;
		return this.#attempt('MpoolPending', async () => {
			this.#pool = await this.#ports.chain.pending([...new Set(senders)]);
		});
	}

	#readMiner(miner: ActorId, sender: string, head: TipSet): Promise<boolean> {
		return this.#attempt(`f0${miner}`, async () => {
			const view = await this.#options.views.read({ miner, sender, head, pool: this.#pool });
			this.#found();
			this.#options.enqueue({ type: 'chain-view', view });
		});
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
		if (this.#lost) this.#ports.log.info({ epoch: this.#latest?.height }, 'following the chain');
		this.#lost = false;
		this.#heardAt = this.#ports.clock.now();
	}

	#lose(): void {
		if (!this.#lost) this.#ports.log.error({}, 'the full node does not answer: nothing is signed until it does');
		this.#lost = true;
		this.#options.enqueue({ type: 'chain-lost' });
	}
}
