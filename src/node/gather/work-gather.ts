/**
 * Gathering for one work item: several peers' streams into one checked spool. Each share of the plan runs by itself; a
 * peer that lies or dies costs its own share. What decides where to ask next is the core.
 */
import type { VanillaRecord } from '../../codec/vanilla-wire.ts';
import type { EventOf, GatherShare } from '../../core/api.ts';
import { isPosterError, PosterError } from '../../domain/errors.ts';
import type { NodeId, SectorNumber } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { proofShape } from '../../domain/proof.ts';
import type { OpenRequest } from '../../domain/vanilla.ts';
import type { WorkItem } from '../../domain/work.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Streams } from '../../ports/streams.ts';
import type { SpoolSession, VanillaChecker } from '../../ports/vanilla.ts';
import { SectorBatch } from '../sector-batch.ts';
import type { Slots } from './slots.ts';
import type { SpoolFolder } from './spool-folder.ts';
import { pullVanilla } from './vanilla-stream.ts';

export type GatherEvent = EventOf<'gathered' | 'gather-ended' | 'gather-lost'>;

/** This node's own storage, see VanillaServer. */
export interface LocalSectors {
	open(request: OpenRequest, signal: AbortSignal): AsyncIterable<readonly VanillaRecord[]>;
}

export interface GatherComponents {
	readonly checker: VanillaChecker;
	readonly streams: Streams;
	/** Undefined on a node without the storage role. */
	readonly local: LocalSectors | undefined;
	readonly spools: SpoolFolder;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
}

/** Milliseconds of the steps of a gather, for people: they overlap, so they are counted from event to event. */
export interface GatherTimes {
	/** From the first request to the first sector. */
	readonly openMs: number;
	/** From the first sector to the last. */
	readonly transferMs: number;
	/** From the last sector to the last verdict. */
	readonly checkMs: number;
}

export interface WorkGatherOptions {
	readonly work: WorkItem;
	readonly manifest: Promise<Manifest>;
	/** An earlier gather of the same work, which closes its spool first. */
	readonly before: Promise<void> | undefined;
	readonly self: NodeId;
	/** Bounds the network streams of all gathers together. */
	readonly streams: Slots;
	readonly emit: (event: GatherEvent) => void;
}

export class WorkGather {
	readonly #components: GatherComponents;
	readonly #options: WorkGatherOptions;
	readonly #log: Log;
	readonly #stop = new AbortController();
	readonly #good = new Set<SectorNumber>();
	readonly #shares = new Set<Promise<void>>();
	#session: Promise<SpoolSession> | undefined;
	#stopped: Promise<void> | undefined;
	readonly #beganMs: number;
	#firstMs = 0;
	#lastMs = 0;
	#checkedMs = 0;

	constructor(components: GatherComponents, options: WorkGatherOptions) {
		this.#components = components;
		this.#options = options;
		this.#log = components.log.child({ work: options.work.id });
		this.#beganMs = components.clock.now();
		// Whoever begins the session hears of it.
		options.manifest.catch(() => undefined);
	}

	get times(): GatherTimes {
		const ms = (from: number, to: number): number => Math.max(0, to - from);
		return {
			openMs: ms(this.#beganMs, this.#firstMs),
			transferMs: ms(this.#firstMs, this.#lastMs),
			checkMs: ms(this.#lastMs, this.#checkedMs),
		};
	}

	/** Streams more shares. Their events end with one `gather-ended` each, or one `gather-lost` for all. */
	add(shares: readonly GatherShare[]): void {
		for (const share of shares) {
			const run = this.#run(share).finally(() => this.#shares.delete(run));
			this.#shares.add(run);
		}
	}

	/** Closes the spool for writing, for the prover. More shares may be added later, they open it again. */
	async finish(): Promise<void> {
		const session = await this.#begin();
		await session.finish();
		this.#session = undefined;
	}

	/** Ends everything; no event follows. Idempotent: the first call decides about the file, which stays in use if `ready`. */
	stop(keep: boolean, ready = false): Promise<void> {
		this.#stop.abort(new PosterError('gather-stopped', 'gathering was stopped'));
		this.#stopped ??= this.#close(keep, ready);
		return this.#stopped;
	}

	async #close(keep: boolean, ready: boolean): Promise<void> {
		await Promise.all(this.#shares);
		const { spools } = this.#components;
		try {
			const session = await this.#session;
			if (keep) await session?.finish();
			else await session?.drop();
		} catch (cause) {
			// The checker is gone or the spool never came to be. What lies in a file is checked again when it is taken up.
			this.#log.debug({ cause }, 'spool session did not end in order');
		}
		if (ready) return;
		await spools.release(this.#options.work.id, keep).catch((cause: unknown) => {
			this.#log.error({ cause }, 'a spool file stays behind');
		});
	}

	async #run({ peer, sectors }: GatherShare): Promise<void> {
		const batch = new SectorBatch(this.#components.clock, (outcomes) => {
			this.#emit({ type: 'gathered', work: this.#options.work.id, peer, ...outcomes });
		});
		let code: string | null = null;
		try {
			const session = await this.#begin();
			const manifest = await this.#options.manifest;
			const wanted = manifest.filter(({ number }) => sectors.has(number) && !this.#good.has(number));
			if (wanted.length > 0) await this.#stream(session, peer, wanted, batch);
		} catch (error) {
			if (isPosterError(error) && /^(spool|check|manifest)-/.test(error.code)) {
				this.#lose(error);
				return;
			}
			code = isPosterError(error) ? error.code : 'stream-failed';
			if (!this.#stop.signal.aborted) this.#log.info({ peer, cause: error }, 'a stream of vanilla proofs broke off');
		}
		batch.flush();
		this.#emit({ type: 'gather-ended', work: this.#options.work.id, peer, code });
	}

	#emit(event: GatherEvent): void {
		if (!this.#stop.signal.aborted) this.#options.emit(event);
	}

	#begin(): Promise<SpoolSession> {
		this.#session ??= this.#open();
		return this.#session;
	}

	async #open(): Promise<SpoolSession> {
		const { checker, spools, clock } = this.#components;
		const { work, before, self } = this.#options;
		const { id, proofType, miner, randomness } = work;
		const sectors = await this.#options.manifest;
		await before;
		await spools.reserve(id, sectors.length * proofShape(proofType).vanillaBytes);
		const session = await checker.begin({ proofType, miner, randomness, sectors }, spools.path(id));
		const kept = new SectorBatch(clock, (outcomes) => {
			this.#emit({ type: 'gathered', work: id, peer: self, ...outcomes });
		});
		for (const sector of session.resumed) {
			if (this.#good.has(sector)) continue;
			this.#good.add(sector);
			kept.add(sector);
		}
		kept.flush();
		return session;
	}

	async #stream(session: SpoolSession, peer: NodeId, sectors: Manifest, batch: SectorBatch): Promise<void> {
		const { proofType, miner, randomness } = this.#options.work;
		const request = { proofType, miner, randomness, sectors };
		const open = new Set(sectors.map(({ number }) => number));
		const checks = new ShareChecks(session, (sector, code) => this.#checked(peer, sector, code, batch));
		const { self, streams } = this.#options;
		const giveBack = peer === self ? undefined : await streams.take(this.#stop.signal);
		try {
			for await (const records of this.#records(peer, request)) {
				this.#lastMs = this.#components.clock.now();
				this.#firstMs ||= this.#lastMs;
				for (const record of records) {
					if (!open.delete(record.sector)) {
						throw new PosterError('bad-vanilla-stream', `sector ${record.sector} was not asked for, or came twice`);
					}
					if ('proof' in record) await checks.add(record.sector, record.proof);
					else batch.add(record.sector, record.failure);
				}
			}
		} finally {
			giveBack?.();
			await checks.settled();
		}
		checks.throwIfFailed();
	}

	#records(peer: NodeId, request: OpenRequest): AsyncIterable<readonly VanillaRecord[]> {
		const { streams, local } = this.#components;
		if (peer !== this.#options.self) return pullVanilla(streams, peer, request, this.#stop.signal);
		if (local === undefined) throw new PosterError('no-storage', 'this node has no storage role');
		return local.open(request, this.#stop.signal);
	}

	#checked(peer: NodeId, sector: SectorNumber, code: string | undefined, batch: SectorBatch): void {
		const { metrics, clock } = this.#components;
		this.#checkedMs = clock.now();
		metrics.count('poster_gather_sectors_total', { outcome: code ?? 'ok' });
		if (code === undefined) this.#good.add(sector);
		else this.#log.warn({ peer, sector, code }, 'a peer served a vanilla proof that does not hold');
		batch.add(sector, code);
	}

	/** Nothing can be gathered any more: whoever hears of it stops the rest. */
	#lose(error: PosterError): void {
		if (this.#stop.signal.aborted) return;
		this.#log.error({ cause: error }, 'gathering lost its spool');
		this.#emit({ type: 'gather-lost', work: this.#options.work.id, code: error.code });
	}
}

/** The checks of one share that are under way: bounded, and with one place where their errors come out. */
class ShareChecks {
	readonly #session: SpoolSession;
	readonly #report: (sector: SectorNumber, code: string | undefined) => void;
	readonly #running = new Set<Promise<void>>();
	#failure: unknown;
	#forged = 0;

	constructor(session: SpoolSession, report: (sector: SectorNumber, code: string | undefined) => void) {
		this.#session = session;
		this.#report = report;
	}

	/** Resolves when there is room for the next one. */
	async add(sector: SectorNumber, proof: Uint8Array): Promise<void> {
		const check = this.#check(sector, proof).finally(() => this.#running.delete(check));
		this.#running.add(check);
		if (this.#running.size >= limits.gatherChecks) await Promise.race(this.#running);
		this.throwIfFailed();
	}

	async settled(): Promise<void> {
		await Promise.all(this.#running);
	}

	throwIfFailed(): void {
		if (this.#failure !== undefined) throw this.#failure;
	}

	async #check(sector: SectorNumber, proof: Uint8Array): Promise<void> {
		try {
			const verdict = await this.#session.check(sector, proof);
			// Another stream was faster.
			if (verdict.ok || verdict.code === 'duplicate') this.#report(sector, undefined);
			else this.#refused(sector, verdict.code);
		} catch (cause) {
			this.#failure ??= cause;
		}
	}

	#refused(sector: SectorNumber, code: string): void {
		this.#report(sector, code);
		this.#forged++;
		if (this.#forged < limits.gatherForged) return;
		this.#failure ??= new PosterError('vanilla-forged', `${this.#forged} vanilla proofs of one peer do not hold`);
	}
}
