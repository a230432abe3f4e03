/**
 * The storage role's bulk side: opens sectors of announced items ahead into a bounded cache and serves vanilla proofs,
 * to peers over a stream and to this node's own gathering. Every proof was checked by the worker that made it.
 */
import { pipe } from 'it-pipe';
import { decodeVanillaRequest, VANILLA_PROTOCOL, type VanillaRecord } from '../../codec/vanilla-wire.ts';
import type { EventOf } from '../../core/api.ts';
import type { WorkId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { CommittedSector } from '../../domain/manifest.ts';
import { proofShape } from '../../domain/proof.ts';
import type { OpenRequest } from '../../domain/vanilla.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { BulkWriter, Streams } from '../../ports/streams.ts';
import type { VanillaSource } from '../../ports/vanilla.ts';
import { asRequest } from '../as-request.ts';
import { SectorBatch } from '../sector-batch.ts';
import { AheadPlan, type AheadWork, challengeGroup, sectorKey } from './ahead-plan.ts';
import { ProofCache } from './proof-cache.ts';
import { type ReadOutcome, ReadQueue, type SectorRead } from './read-queue.ts';
import { RecordWriter } from './record-writer.ts';

export interface VanillaServerComponents {
	readonly source: VanillaSource;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
}

export interface VanillaServerOptions {
	readonly cacheBytes: number;
	/** Sectors that the source opens at the same time; undefined when it decides itself. */
	readonly threads: number | undefined;
	readonly emit: (event: EventOf<'opened'>) => void;
}

export class VanillaServer {
	readonly #clock: Clock;
	readonly #metrics: Metrics;
	readonly #emit: VanillaServerOptions['emit'];
	readonly #queue: ReadQueue;
	readonly #cache: ProofCache;
	/** Sectors asked of the reading queue at a time, by one request and ahead of time: twice what is read at once. */
	readonly #window: number;
	readonly #plan = new AheadPlan();
	readonly #batches = new Map<WorkId, SectorBatch>();
	/** Vanilla bytes that reading ahead will bring. */
	#aheadBytes = 0;
	#aheadReads = 0;

	constructor({ source, clock, log, metrics }: VanillaServerComponents, options: VanillaServerOptions) {
		this.#clock = clock;
		this.#metrics = metrics;
		this.#emit = options.emit;
		this.#window = Math.max(limits.vanillaWindow, 2 * (options.threads ?? 0));
		this.#queue = new ReadQueue(source, log, this.#window);
		this.#cache = new ProofCache(options.cacheBytes);
	}

	/** Answers peers. */
	serveOn(streams: Streams): void {
		streams.onPull(VANILLA_PROTOCOL, limits.vanillaRequestBytes, async (_peer, bytes, bulk, signal) => {
			const request = asRequest(() => decodeVanillaRequest(bytes));
			await pipe(this.open(request, signal), (groups) => writeRecords(groups, bulk));
		});
	}

	/**
	 * The sectors of the request in any order, each once, in groups of what is there at the moment: what is cached first.
	 * Reads no faster than the groups are taken.
	 */
	async *open(request: OpenRequest, signal: AbortSignal): AsyncGenerator<readonly VanillaRecord[]> {
		const group = challengeGroup(request);
		const missing: SectorRead[] = [];
		const ready: VanillaRecord[] = [];
		for (const sector of request.sectors) {
			const key = sectorKey(group, sector);
			const proof = this.#cache.take(key);
			const known = proof === undefined ? this.#queue.failureOf(key) : { proof };
			if (known === undefined) missing.push(this.#readOf(request, group, sector));
			else ready.push(this.#served(recordOf(sector, known), 'cache'));
			if (ready.length === limits.vanillaWindow) yield ready.splice(0);
		}
		// Room in the cache: what was read gives way.
		this.#pumpAhead();
		let wake = Promise.withResolvers<void>();
		let reading = 0;
		const read = async (next: SectorRead): Promise<void> => {
			reading++;
			const outcome = await this.#read(next, true);
			reading--;
			ready.push(this.#served(recordOf(next.sector, outcome), 'disk'));
			wake.resolve();
		};
		const abort = (): void => wake.resolve();
		signal.addEventListener('abort', abort, { once: true });
		try {
			for (;;) {
				signal.throwIfAborted();
				while (reading + ready.length < this.#window) {
					const next = missing.shift();
					if (next === undefined) break;
					void read(next);
				}
				if (ready.length > 0) {
					yield ready.splice(0);
					continue;
				}
				if (reading === 0) return;
				await wake.promise;
				wake = Promise.withResolvers<void>();
			}
		} finally {
			signal.removeEventListener('abort', abort);
		}
	}

	/** Replaces the list, most urgent first. Proofs of items that left it are dropped. */
	openAhead(works: readonly AheadWork[]): void {
		this.#plan.replace(works);
		this.#cache.retain((read) => this.#plan.wants(read));
		const ids = new Set(works.map(({ work }) => work.id));
		for (const [id, batch] of this.#batches) {
			if (ids.has(id)) continue;
			batch.drop();
			this.#batches.delete(id);
		}
		this.#pumpAhead();
	}

	/** To be called once in each epoch: what failed is tried again. */
	epochPassed(): void {
		this.#queue.pardon();
		this.#plan.retryFailed();
		this.#pumpAhead();
	}

	async stop(): Promise<void> {
		this.#plan.replace([]);
		await this.#queue.stop();
		for (const batch of this.#batches.values()) batch.drop();
	}

	#pumpAhead(): void {
		while (this.#aheadReads < this.#window) {
			const next = this.#plan.next();
			if (next === undefined) return;
			if (this.#cache.has(next.key)) continue;
			const { vanillaBytes } = proofShape(next.challenge.proofType);
			if (!this.#cache.fits(this.#aheadBytes + vanillaBytes)) {
				this.#plan.putBack(next);
				return;
			}
			void this.#readAhead(next, vanillaBytes);
		}
	}

	async #readAhead(next: SectorRead, vanillaBytes: number): Promise<void> {
		this.#aheadReads++;
		this.#aheadBytes += vanillaBytes;
		const outcome = await this.#read(next, false);
		this.#aheadReads--;
		this.#aheadBytes -= vanillaBytes;
		if ('proof' in outcome && this.#plan.wants(next) && !this.#cache.has(next.key)) {
			this.#cache.put(next, outcome.proof);
			this.#metrics.gauge('poster_vanilla_cache_bytes', this.#cache.bytes);
		}
		this.#pumpAhead();
	}

	async #read(read: SectorRead, urgent: boolean): Promise<ReadOutcome> {
		const outcome = await this.#queue.read(read, urgent);
		for (const { id } of this.#plan.settle(read, outcome)) {
			if ('proof' in outcome) this.#batch(id).add(read.sector.number);
			else if (outcome.failure !== 'unavailable') this.#batch(id).add(read.sector.number, outcome.failure);
		}
		return outcome;
	}

	#batch(work: WorkId): SectorBatch {
		let batch = this.#batches.get(work);
		if (batch === undefined) {
			batch = new SectorBatch(this.#clock, (outcomes) => this.#emit({ type: 'opened', work, ...outcomes }));
			this.#batches.set(work, batch);
		}
		return batch;
	}

	#readOf({ proofType, miner, randomness }: OpenRequest, group: string, sector: CommittedSector): SectorRead {
		return { group, key: sectorKey(group, sector), challenge: { proofType, miner, randomness }, sector };
	}

	#served(record: VanillaRecord, from: 'cache' | 'disk'): VanillaRecord {
		this.#metrics.count('poster_vanilla_served_total', { outcome: 'proof' in record ? from : record.failure });
		return record;
	}
}

/** Taken as fast as the stream takes them, and no faster. */
async function writeRecords(groups: AsyncIterable<readonly VanillaRecord[]>, bulk: BulkWriter): Promise<void> {
	const writer = new RecordWriter(bulk);
	for await (const records of groups) {
		for (const record of records) await writer.write(record);
		await writer.flush();
	}
	await writer.end();
}

function recordOf({ number }: CommittedSector, outcome: ReadOutcome): VanillaRecord {
	if ('proof' in outcome) return { sector: number, proof: outcome.proof };
	return { sector: number, failure: outcome.failure };
}
