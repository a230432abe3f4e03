/**
 * What has to be proven in a deadline: for each partition the live sectors that are not faulty, and the recovering
 * ones. The sector lists are read once and kept as manifests; a change of the set makes a new manifest.
 */

import { Bitfield } from '../../domain/bitfield.ts';
import type { PartitionState, SectorOnChain, TipSetKey } from '../../domain/chain.ts';
import { type ActorId, type DeadlineIndex, type Hex32, type PartitionIndex, partitionIndex } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Manifest } from '../../domain/manifest.ts';
import type { DuePartition } from '../../domain/work.ts';
import type { Chain } from '../../ports/chain.ts';
import type { ManifestBook } from '../manifest-book.ts';

export interface DueQuery {
	readonly miner: ActorId;
	readonly deadline: DeadlineIndex;
	/** Names the deadline's turn, so that the next period starts afresh. */
	readonly turn: number;
	/** Partitions proven already keep their set: a skip makes sectors faulty, and the item must not change under it. */
	readonly posted: Bitfield;
	readonly at: TipSetKey;
}

interface Known {
	readonly toProve: Bitfield;
	readonly due: DuePartition;
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
		const { miner, deadline, turn, posted, at } = query;
		const partitions = await this.#chain.partitions(miner, deadline, at);
		const wanted = partitions.map((state, index) => {
			const key = `${miner}/${turn}/${deadline}/${index}`;
			const known = this.#known.get(key);
			const toProve = known !== undefined && posted.has(index) ? known.toProve : sectorsToProve(state);
			return { key, index: partitionIndex(index), toProve };
		});
		const due = new Map<PartitionIndex, DuePartition>();
		const missing = [];
		for (const partition of wanted) {
			const known = this.#known.get(partition.key);
			if (known?.toProve.equals(partition.toProve)) due.set(partition.index, known.due);
			else if (partition.toProve.size > 0) missing.push(partition);
		}
		for (let from = 0; from < missing.length; from += limits.chainPartitionsPerCall) {
			const some = missing.slice(from, from + limits.chainPartitionsPerCall);
			for (const loaded of await this.#load(miner, some, at)) due.set(loaded.partition, loaded);
		}
		return wanted.flatMap(({ index }) => due.get(index) ?? []);
	}

	/** Drops what was known of turns before `turn` of this miner. */
	forget(miner: ActorId, turn: number): void {
		for (const key of this.#known.keys()) {
			const [knownMiner, knownTurn] = key.split('/').map(Number);
			if (knownMiner === miner && (knownTurn as number) < turn) this.#known.delete(key);
		}
	}

	/** One call for several partitions: a deadline may have thousands. */
	async #load(
		miner: ActorId,
		partitions: readonly { key: string; index: PartitionIndex; toProve: Bitfield }[],
		at: TipSetKey,
	): Promise<readonly DuePartition[]> {
		const loaded: DuePartition[] = [];
		const union = partitions.reduce((all, { toProve }) => all.union(toProve), Bitfield.empty);
		const sectors = await this.#chain.sectors(miner, union, at);
		for (const { key, index, toProve } of partitions) {
			const manifest = manifestOf(sectors.filter(({ number }) => toProve.has(number)));
			const root = await this.#book.put(manifest);
			this.#held(root, toProve);
			const due = { partition: index, sectorCount: manifest.length, sectorRoot: root };
			loaded.push(due);
			this.#known.set(key, { toProve, due });
		}
		return loaded;
	}
}

/** Live - Faulty + Recovering: what the miner actor verifies (builtin-actors `submit_windowed_post`). */
export function sectorsToProve({ live, faulty, recovering }: PartitionState): Bitfield {
	return live.subtract(faulty).union(recovering);
}

function manifestOf(sectors: readonly SectorOnChain[]): Manifest {
	return sectors.map(({ number, commR, updated }) => ({ number, commR, updated })).sort((a, b) => a.number - b.number);
}
