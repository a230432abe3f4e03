/**
 * What is to be opened before anybody asks: the open work items of this machine's sectors, the most urgent first, and
 * what became of each sector. A sector that failed is tried again in a later epoch, not sooner: two failures that are an
 * epoch apart are what the core may tell others as a refusal.
 */
import type { Bitfield } from '../../domain/bitfield.ts';
import type { SectorNumber } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import { type CommittedSector, type Manifest, manifestIndex } from '../../domain/manifest.ts';
import type { SectorChallenge } from '../../domain/vanilla.ts';
import type { WorkItem } from '../../domain/work.ts';
import type { ReadOutcome, SectorRead } from './read-queue.ts';

export interface AheadWork {
	readonly work: WorkItem;
	readonly manifest: Manifest;
	/** Those of the manifest that lie on this machine. */
	readonly sectors: Bitfield;
}

interface Progress {
	readonly work: WorkItem;
	readonly sectors: Bitfield;
	readonly group: string;
	readonly manifest: Manifest;
	/** Not asked for yet, ascending. */
	waiting: SectorNumber[];
	readonly failed: Set<SectorNumber>;
	readonly done: Set<SectorNumber>;
}

export function challengeGroup({ proofType, miner, randomness }: SectorChallenge): string {
	return `${proofType}/${miner}/${randomness}`;
}

/** The commitment is part of it: a request with a wrong one must not spoil the answer to a right one. */
export function sectorKey(group: string, { number, commR }: CommittedSector): string {
	return `${group}/${number}/${commR}`;
}

export class AheadPlan {
	/** In the order of urgency. */
	#works: readonly Progress[] = [];
	#byGroup: ReadonlyMap<string, readonly Progress[]> = new Map();

	/** Replaces the list. What is known of an item that stays is kept. */
	replace(works: readonly AheadWork[]): void {
		const known = new Map(this.#works.map((progress) => [progress.work.id, progress]));
		this.#works = works.slice(0, limits.vanillaWorks).map((next) => {
			const progress = known.get(next.work.id);
			if (progress === undefined) return begin(next);
			return progress.sectors.equals(next.sectors) ? progress : goOn(progress, next);
		});
		this.#byGroup = Map.groupBy(this.#works, ({ group }) => group);
	}

	/** The next sector to open, asked for once; undefined when there is none. */
	next(): SectorRead | undefined {
		for (const progress of this.#works) {
			for (;;) {
				const number = progress.waiting.shift();
				if (number === undefined) break;
				const sector = progress.manifest[manifestIndex(progress.manifest, number)];
				if (sector !== undefined && !progress.done.has(number)) return readOf(progress, sector);
			}
		}
		return undefined;
	}

	/** Puts back what `next` gave and could not be opened for want of room. */
	putBack(read: SectorRead): void {
		for (const progress of this.#owners(read)) progress.waiting.unshift(read.sector.number);
	}

	/** Notes the outcome of a sector, opened ahead or on request; returns the open items that it belongs to. */
	settle(read: SectorRead, outcome: ReadOutcome): readonly WorkItem[] {
		const owners = this.#owners(read);
		for (const { done, failed } of owners) {
			if ('proof' in outcome) done.add(read.sector.number);
			else failed.add(read.sector.number);
		}
		return owners.map(({ work }) => work);
	}

	/** Lets failed sectors be tried again. */
	retryFailed(): void {
		for (const progress of this.#works) {
			progress.waiting = [...progress.failed, ...progress.waiting];
			progress.failed.clear();
		}
	}

	/** Whether the sector belongs to an item of the list. */
	wants(read: SectorRead): boolean {
		return this.#owners(read).length > 0;
	}

	#owners({ group, sector }: SectorRead): readonly Progress[] {
		const works = this.#byGroup.get(group) ?? [];
		return works.filter(
			({ manifest, sectors }) =>
				sectors.has(sector.number) && manifest[manifestIndex(manifest, sector.number)]?.commR === sector.commR,
		);
	}
}

/** Another set of sectors of the same item: those that stay are where they were, the ones asked for included. */
function goOn(before: Progress, next: AheadWork): Progress {
	const { sectors } = next;
	const stays = (number: SectorNumber): boolean => sectors.has(number);
	const added = begin({ ...next, sectors: sectors.subtract(before.sectors) });
	return {
		...before,
		sectors,
		waiting: [...before.waiting.filter(stays), ...added.waiting],
		failed: new Set([...before.failed].filter(stays)),
		done: new Set([...before.done].filter(stays)),
	};
}

function begin({ work, manifest, sectors }: AheadWork): Progress {
	return {
		work,
		sectors,
		group: challengeGroup(work),
		manifest,
		waiting: manifest.map(({ number }) => number).filter((number) => sectors.has(number)),
		failed: new Set(),
		done: new Set(),
	};
}

function readOf({ work, group }: Progress, sector: CommittedSector): SectorRead {
	const { proofType, miner, randomness } = work;
	return { group, key: sectorKey(group, sector), challenge: { proofType, miner, randomness }, sector };
}
