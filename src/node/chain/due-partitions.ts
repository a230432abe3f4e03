/**
 * What has to be proven in a deadline: for each partition the live sectors that are not faulty, and the recovering
 * ones. The sector lists are read once and kept as manifests; a change of the set makes a new manifest.
 */

import { Bitfield } from '../../domain/bitfield.ts';
import type { PartitionState, SectorOnChain, TipSetKey } from '../../domain/chain.ts';
import {
	type ActorId,
	type DeadlineIndex,
	epoch,
	type Hex32,
	type PartitionIndex,
	partitionIndex,
} from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Manifest } from '../../domain/manifest.ts';
import type { DuePartition } from '../../domain/work.ts';
import type { Chain } from '../../ports/chain.ts';
import type { ManifestBook } from '../manifest-book.ts';

export interface DueQuery {
	readonly miner: ActorId;
	readonly deadline: DeadlineIndex;
	/** The epoch in which this turn of the deadline opens, so that the next period starts afresh; -1 for a dry run. */
	readonly turn: number;
	/** Partitions proven already have the set of before: a skip makes sectors faulty, and the item must not change under it. */
	readonly posted: Bitfield;
	readonly at: TipSetKey;
}

interface Known {
	readonly toProve: Bitfield;
	readonly due: DuePartition;
}

interface Wanted {
	readonly key: string;
	readonly index: PartitionIndex;
	readonly toProve: Bitfield;
}

export class DuePartitions {
	readonly #chain: Chain;
	readonly #book: ManifestBook;
	readonly #held: (root: Hex32, sectors: Bitfield) => void;
	readonly #known = new Map<string, Known>();

	/** `held` hears of every manifest once it is on disk, before any item that names it. */
	constructor(chain: Chain, book: ManifestBook, held: (root: Hex32, sectors: Bitfield) => void) {
		this.#chain = chain;
		this.#book = book;
		this.#held = held;
	}

	/** Ascending by partition; partitions without a sector to prove are left out. */
	async read(query: DueQuery): Promise<readonly DuePartition[]> {
		const { posted, turn, at } = query;
		const wanted = await this.#wanted(query, at);
		// What this read knows: meanwhile another one may drop what is known of this turn.
		const found = new Map<string, Known>();
		for (const { key } of wanted) {
			const known = this.#known.get(key);
			if (known !== undefined) found.set(key, known);
		}
		const unseen = Bitfield.of(
			wanted.filter(({ key, index }) => posted.has(index) && !found.has(key)).map(({ index }) => index),
		);
		if (unseen.size > 0) {
			// Posted before this process first looked: what is faulty by now may be what that message left out.
			const { key: before } = await this.#chain.tipSetByHeight(epoch(turn - 1), at);
			const then = await this.#wanted(query, before);
			await this.#load(
				query.miner,
				then.filter(({ index }) => unseen.has(index)),
				before,
				found,
			);
		}
		const changed = wanted.filter(
			({ key, index, toProve }) => !posted.has(index) && found.get(key)?.toProve.equals(toProve) !== true,
		);
		await this.#load(query.miner, changed, at, found);
		return wanted.flatMap(({ key, index, toProve }) =>
			posted.has(index) || toProve.size > 0 ? (found.get(key)?.due ?? []) : [],
		);
	}

	/** Drops what was known of turns before `turn` of this miner. */
	forget(miner: ActorId, turn: number): void {
		for (const key of this.#known.keys()) {
			const [knownMiner, knownTurn] = key.split('/').map(Number);
			if (knownMiner === miner && (knownTurn as number) < turn) this.#known.delete(key);
		}
	}

	/** The manifest is no longer on disk: the next read that finds it due puts it there again. */
	lost(root: Hex32): void {
		for (const [key, { due }] of this.#known) if (due.sectorRoot === root) this.#known.delete(key);
	}

	async #wanted({ miner, deadline, turn }: DueQuery, at: TipSetKey): Promise<readonly Wanted[]> {
		const partitions = await this.#chain.partitions(miner, deadline, at);
		return partitions.map((state, index) => ({
			key: `${miner}/${turn}/${deadline}/${index}`,
			index: partitionIndex(index),
			toProve: sectorsToProve(state),
		}));
	}

	/** Adds to `found`. One call for several partitions: a deadline may have thousands. */
	async #load(miner: ActorId, wanted: readonly Wanted[], at: TipSetKey, found: Map<string, Known>): Promise<void> {
		const partitions = wanted.filter(({ toProve }) => toProve.size > 0);
		for (let from = 0; from < partitions.length; from += limits.chainPartitionsPerCall) {
			const some = partitions.slice(from, from + limits.chainPartitionsPerCall);
			const union = some.reduce((all, { toProve }) => all.union(toProve), Bitfield.empty);
			const sectors = await this.#chain.sectors(miner, union, at);
			for (const { key, index, toProve } of some) {
				const manifest = manifestOf(sectors.filter(({ number }) => toProve.has(number)));
				const root = await this.#book.put(manifest);
				this.#held(root, toProve);
				const known = { toProve, due: { partition: index, sectorCount: manifest.length, sectorRoot: root } };
				this.#known.set(key, known);
				found.set(key, known);
			}
		}
	}
}

/** Live - Faulty + Recovering: what the miner actor verifies (builtin-actors `submit_windowed_post`). */
export function sectorsToProve({ live, faulty, recovering }: PartitionState): Bitfield {
	return live.subtract(faulty).union(recovering);
}

function manifestOf(sectors: readonly SectorOnChain[]): Manifest {
	return sectors.map(({ number, commR, updated }) => ({ number, commR, updated })).sort((a, b) => a.number - b.number);
}
