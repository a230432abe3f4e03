/** All gathers of this node by work item: effects of the core in, events for it out. Bulk bytes stay in here. */
import type { EffectOf } from '../../core/api.ts';
import { isPosterError, PosterError } from '../../domain/errors.ts';
import type { NodeId, WorkId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { WorkItem } from '../../domain/work.ts';
import type { Spool } from '../../ports/vanilla.ts';
import type { ManifestBook } from '../manifest-book.ts';
import type { StepTimes } from '../step-times.ts';
import { Slots } from './slots.ts';
import { spoolOf } from './spool-folder.ts';
import { type GatherComponents, type GatherEvent, WorkGather } from './work-gather.ts';

export interface GathererComponents extends GatherComponents {
	readonly book: ManifestBook;
	readonly times: StepTimes;
}

export interface GathererOptions {
	/** This node: its shares are read from the own disk. */
	readonly self: NodeId;
	readonly enqueue: (event: GatherEvent) => void;
}

export class Gatherer {
	readonly #components: GathererComponents;
	readonly #options: GathererOptions;
	readonly #streams = new Slots(limits.gatherStreams);
	readonly #works = new Map<WorkId, WorkGather>();
	/** A spool is closed before it is opened again. */
	readonly #stopping = new Map<WorkId, Promise<void>>();

	constructor(components: GathererComponents, options: GathererOptions) {
		this.#components = components;
		this.#options = options;
	}

	/** Effect `gather`. Answers: `gathered`, one `gather-ended` per share, or one `gather-lost`. */
	gather({ work, shares }: EffectOf<'gather'>): void {
		let gather = this.#works.get(work.id);
		if (gather === undefined) {
			gather = new WorkGather(this.#components, {
				work,
				manifest: this.#components.book.require(work.sectorRoot),
				before: this.#stopping.get(work.id),
				self: this.#options.self,
				streams: this.#streams,
				emit: (event) => {
					// A checker that died leaves a file that is worth taking up again.
					if (event.type === 'gather-lost') void this.#stop(work.id, event.code === 'check-unavailable');
					this.#options.enqueue(event);
				},
			});
			this.#works.set(work.id, gather);
		}
		gather.add(shares);
	}

	/** Effect `gather-stop`. Resolves when the spool is closed (`keep`) or removed; no event follows the call. */
	async stop({ work, keep, ready = false }: EffectOf<'gather-stop'>): Promise<void> {
		const active = this.#works.has(work);
		await this.#stop(work, keep, ready);
		// What an earlier stop kept for the proof is given up now, unless it is being gathered anew.
		if (active || ready || (keep && this.#works.has(work))) return;
		await this.#components.spools.release(work, keep).catch((error) => this.#stays(work, error));
	}

	/** The spool of a work, closed for writing. Rejects `spool-missing`, `check-unavailable`, `spool-io`. */
	async spool(work: WorkItem): Promise<Spool> {
		const gather = this.#works.get(work.id);
		if (gather !== undefined) {
			this.#noteTimes(work.id, gather);
			await gather.finish();
		}
		await this.#stopping.get(work.id);
		const { spools, book } = this.#components;
		if (!spools.use(work.id)) throw new PosterError('spool-missing', 'the gathered sectors are gone');
		return spoolOf(spools.path(work.id), await book.require(work.sectorRoot));
	}

	/** Stops all; the spools are kept. */
	async close(): Promise<void> {
		for (const work of [...this.#works.keys()]) void this.#stop(work, true);
		await Promise.all(this.#stopping.values());
	}

	#stop(work: WorkId, keep: boolean, ready = false): Promise<void> {
		const gather = this.#works.get(work);
		if (gather === undefined) return this.#stopping.get(work) ?? Promise.resolve();
		this.#works.delete(work);
		if (keep) this.#noteTimes(work, gather);
		const stopped = gather
			.stop(keep, ready)
			.catch((error) => this.#stays(work, error))
			.finally(() => {
				if (this.#stopping.get(work) === stopped) this.#stopping.delete(work);
			});
		this.#stopping.set(work, stopped);
		return stopped;
	}

	/** The folder's bound counts a file that could not be removed; it goes when its room is needed. */
	#stays(work: WorkId, error: unknown): void {
		if (!isPosterError(error)) throw error;
		this.#components.metrics.count('poster_spool_failed_total', { code: error.code });
		this.#components.log.warn({ error, code: error.code, work }, 'a spool file stays');
	}

	#noteTimes(work: WorkId, { times: { openMs, transferMs, checkMs } }: WorkGather): void {
		this.#components.times.set(work, 'open', openMs);
		this.#components.times.set(work, 'transfer', transferMs);
		this.#components.times.set(work, 'check', checkMs);
	}
}
