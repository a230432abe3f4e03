/**
 * State of the embedded chain: accounts and miners. Values are never changed in place: a message that fails leaves the
 * state before it, a tipset keeps the state after it, and both cost only what differs.
 */
import { Bitfield } from '../../domain/bitfield.ts';
import type { SectorOnChain } from '../../domain/chain.ts';
import type { ActorId, SectorNumber } from '../../domain/ids.ts';
import type { PoStProofType } from '../../domain/proof.ts';

export interface Account {
	readonly id: ActorId;
	/** f1 or f3 address. */
	readonly key: string;
	readonly nonce: number;
	readonly balance: bigint;
}

export interface Partition {
	readonly sectors: Bitfield;
	readonly faults: Bitfield;
	/** Faults that the miner declared to prove next time. */
	readonly recoveries: Bitfield;
}

/** A proof that was recorded without being verified. */
export interface RecordedPost {
	readonly partitions: Bitfield;
	readonly proof: Uint8Array;
}

export interface Deadline {
	readonly partitions: readonly Partition[];
	/** Partitions proven since the deadline opened. Emptied at close. */
	readonly posted: Bitfield;
	readonly proofs: readonly RecordedPost[];
	/** State at the last close: what disputes are about. `undefined` proofs were disputed with success. */
	readonly closed: {
		readonly partitions: readonly Partition[];
		readonly proofs: readonly (RecordedPost | undefined)[];
	};
}

export interface Miner {
	readonly id: ActorId;
	readonly owner: ActorId;
	readonly worker: ActorId;
	readonly control: readonly ActorId[];
	readonly proofType: PoStProofType;
	readonly sectorSize: number;
	readonly partitionSectors: number;
	/** Never changes: sectors neither come nor go. */
	readonly sectors: ReadonlyMap<SectorNumber, SectorOnChain>;
	readonly deadlines: readonly Deadline[];
	/** Start of the current proving period and its deadline that cron closes next. */
	readonly periodStart: number;
	readonly currentDeadline: number;
	readonly balance: bigint;
	readonly feeDebt: bigint;
}

export interface World {
	readonly accounts: ReadonlyMap<ActorId, Account>;
	readonly idOfKey: ReadonlyMap<string, ActorId>;
	readonly miners: ReadonlyMap<ActorId, Miner>;
	/** attoFIL burnt by fees and penalties. */
	readonly burnt: bigint;
}

export const emptyDeadline: Deadline = {
	partitions: [],
	posted: Bitfield.empty,
	proofs: [],
	closed: { partitions: [], proofs: [] },
};

export function activeSectors({ sectors, faults }: Partition): Bitfield {
	return sectors.subtract(faults);
}

export function unionOf(fields: readonly Bitfield[]): Bitfield {
	return fields.reduce((all, field) => all.union(field), Bitfield.empty);
}

/** Sectors of a miner that count for power. */
export function powerSectors(miner: Miner): number {
	return miner.deadlines.reduce(
		(sum, { partitions }) => sum + partitions.reduce((count, partition) => count + activeSectors(partition).size, 0),
		0,
	);
}

export function rawPower(miner: Miner): bigint {
	return BigInt(powerSectors(miner)) * BigInt(miner.sectorSize);
}

export function withDeadline(miner: Miner, index: number, deadline: Deadline): Miner {
	return { ...miner, deadlines: miner.deadlines.with(index, deadline) };
}

export function withAccount(world: World, account: Account): World {
	return {
		...world,
		accounts: new Map(world.accounts).set(account.id, account),
		idOfKey: world.idOfKey.has(account.key) ? world.idOfKey : new Map(world.idOfKey).set(account.key, account.id),
	};
}

export function withMiner(world: World, miner: Miner): World {
	return { ...world, miners: new Map(world.miners).set(miner.id, miner) };
}
