/** The first state of the chain: accounts of the keys, miners with their sectors assigned to partitions. */
import { commROfSealedCid, sealedCidOfCommR } from '../codec/cid.ts';
import { Bitfield } from '../domain/bitfield.ts';
import type { SectorOnChain } from '../domain/chain.ts';
import { PosterError } from '../domain/errors.ts';
import { type ActorId, actorId, cidText, type Hex32, type SectorNumber, sectorNumber } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { isWindowProofType, type PoStProofType, proofShape } from '../domain/proof.ts';
import { type Account, type Deadline, emptyDeadline, type Miner, type Partition, type World } from './actor/state.ts';
import { assignedPeriodOffset, periodStartOf } from './deadlines.ts';
import { type Key, type KeyType, keyFromSeed, keyOf } from './keys.ts';
import { type Policy, provingPeriod } from './policy.ts';

export interface GenesisSector {
	readonly number: number;
	/** Replica commitment; `sealedCid` is the same as a CID. One of the two. */
	readonly commR?: Hex32;
	readonly sealedCid?: string;
	/** RegisteredSealProof, e.g. 5 = StackedDRG2KiBV1_1. */
	readonly sealProof: number;
	/** True when the sector was updated (Snap): its SectorKeyCID is set. */
	readonly updated?: boolean;
	/** Deadline that the sector is proven in; default: sectors fill deadlines from the first, one partition each. */
	readonly deadline?: number;
}

export interface GenesisKey {
	readonly type: KeyType;
	/** 32 bytes as in a Lotus KeyInfo; default: follows from the seed and the miner. */
	readonly privateKey?: Uint8Array;
}

export interface GenesisMiner {
	/** 1000 and more. */
	readonly id: number;
	/** Window PoSt proof type (10 to 14); sector size and partition size follow from it. */
	readonly proofType: PoStProofType;
	/** Sectors of one partition, if others than the proof type's: such partitions cannot be verified if larger. */
	readonly partitionSectors?: number;
	readonly sectors: readonly GenesisSector[];
	/** Owner and worker. Default: a secp256k1 key from the seed. */
	readonly workerKey?: GenesisKey;
	/** Further keys that may submit. */
	readonly controlKeys?: readonly GenesisKey[];
	/** Epoch modulo the proving period at which the miner's periods start. Default: as the chain assigns it. */
	readonly periodOffset?: number;
	/** attoFIL of each of the miner's keys. Default 10,000 FIL. */
	readonly accountBalance?: bigint;
	/** attoFIL of the miner actor, which pays fees. Default 100 FIL. */
	readonly balance?: bigint;
}

export interface Genesis {
	readonly world: World;
	readonly keys: readonly Key[];
	/** Key that sends for each miner. */
	readonly workers: ReadonlyMap<ActorId, Key>;
	/** Account of nobody's miner, for disputes and plain sends. */
	readonly faucet: Key;
}

const FIL = 10n ** 18n;
const FIRST_ACCOUNT = 100;
const FIRST_MINER = 1000;

/** Throws `devnet-genesis`. */
export function makeGenesis(
	options: { readonly seed: string; readonly policy: Policy; readonly startEpoch: number },
	miners: readonly GenesisMiner[],
): Genesis {
	const accounts = new Map<ActorId, Account>();
	const idOfKey = new Map<string, ActorId>();
	const keys: Key[] = [];
	const open = (key: Key, balance: bigint): ActorId => {
		const known = idOfKey.get(key.address);
		if (known !== undefined) return known;
		const id = actorId(FIRST_ACCOUNT + accounts.size);
		accounts.set(id, { id, key: key.address, nonce: 0, balance });
		idOfKey.set(key.address, id);
		keys.push(key);
		return id;
	};
	const faucet = keyFromSeed(options.seed, 'faucet', 'secp256k1');
	open(faucet, 1_000_000n * FIL);
	const states = new Map<ActorId, Miner>();
	const workers = new Map<ActorId, Key>();
	for (const miner of miners) {
		check(miner.id >= FIRST_MINER && Number.isSafeInteger(miner.id), `miner id ${miner.id} is not from ${FIRST_MINER}`);
		check(!states.has(actorId(miner.id)), `miner f0${miner.id} is given twice`);
		const balance = miner.accountBalance ?? 10_000n * FIL;
		const worker = genesisKey(options.seed, `f0${miner.id}/worker`, miner.workerKey);
		const workerId = open(worker, balance);
		const control = (miner.controlKeys ?? []).map((key, i) =>
			open(genesisKey(options.seed, `f0${miner.id}/control/${i}`, key), balance),
		);
		workers.set(actorId(miner.id), worker);
		states.set(actorId(miner.id), genesisMiner(options, miner, workerId, control));
	}
	check(accounts.size <= FIRST_MINER - FIRST_ACCOUNT, 'more keys than ids below the first miner');
	return { world: { accounts, idOfKey, miners: states, burnt: 0n }, keys, workers, faucet };
}

function genesisKey(seed: string, name: string, key: GenesisKey | undefined): Key {
	const type = key?.type ?? 'secp256k1';
	return key?.privateKey === undefined ? keyFromSeed(seed, name, type) : keyOf(type, key.privateKey);
}

function genesisMiner(
	{ policy, startEpoch }: { readonly policy: Policy; readonly startEpoch: number },
	miner: GenesisMiner,
	worker: ActorId,
	control: readonly ActorId[],
): Miner {
	const id = actorId(miner.id);
	check(isWindowProofType(miner.proofType), `proof type ${miner.proofType} is no window PoSt (10 to 14)`);
	check(miner.sectors.length <= limits.devnetSectors, `more than ${limits.devnetSectors} sectors`);
	const shape = proofShape(miner.proofType);
	const offset = miner.periodOffset ?? assignedPeriodOffset(policy, id, startEpoch);
	check(Number.isSafeInteger(offset) && offset >= 0 && offset < provingPeriod(policy), `period offset ${offset}`);
	const periodStart = periodStartOf(policy, offset, startEpoch);
	const partitionSectors = miner.partitionSectors ?? shape.partitionSectors;
	check(Number.isSafeInteger(partitionSectors) && partitionSectors >= 1, `partitions of ${partitionSectors} sectors`);
	return {
		id,
		owner: worker,
		worker,
		control,
		proofType: miner.proofType,
		sectorSize: shape.sectorSize,
		partitionSectors,
		sectors: sectorTable(miner),
		deadlines: assignDeadlines(policy, miner, partitionSectors),
		periodStart,
		currentDeadline: Math.floor((startEpoch - periodStart) / policy.challengeWindow),
		balance: miner.balance ?? 100n * FIL,
		feeDebt: 0n,
	};
}

function sectorTable({ id, sectors }: GenesisMiner): ReadonlyMap<SectorNumber, SectorOnChain> {
	const table = new Map<SectorNumber, SectorOnChain>();
	for (const sector of sectors) {
		const number = sectorNumber(sector.number);
		check(Number.isSafeInteger(number) && number >= 0, `sector number ${number}`);
		check(!table.has(number), `sector ${number} of f0${id} is given twice`);
		const { commR } = sector;
		check((commR === undefined) !== (sector.sealedCid === undefined), `sector ${number}: either commR or sealedCid`);
		const sealedCid = commR === undefined ? cidText(sector.sealedCid ?? '') : sealedCidOfCommR(commR);
		table.set(number, {
			number,
			sealProof: sector.sealProof,
			sealedCid,
			commR: commROfSealedCid(sealedCid),
			updated: sector.updated ?? false,
		});
	}
	return table;
}

/** In the order given; partitions of a deadline are filled one after another. */
function assignDeadlines(policy: Policy, { sectors }: GenesisMiner, partitionSectors: number): readonly Deadline[] {
	const numbers = new Map<number, number[]>();
	for (const [i, sector] of sectors.entries()) {
		const deadline = sector.deadline ?? Math.floor(i / partitionSectors) % policy.periodDeadlines;
		check(
			Number.isSafeInteger(deadline) && deadline >= 0 && deadline < policy.periodDeadlines,
			`sector ${sector.number}: deadline ${deadline} of ${policy.periodDeadlines}`,
		);
		const assigned = numbers.get(deadline) ?? [];
		assigned.push(sector.number);
		numbers.set(deadline, assigned);
	}
	return Array.from({ length: policy.periodDeadlines }, (_, index) => ({
		...emptyDeadline,
		partitions: partitionsOf(numbers.get(index) ?? [], partitionSectors),
	}));
}

function partitionsOf(numbers: readonly number[], partitionSectors: number): readonly Partition[] {
	return Array.from({ length: Math.ceil(numbers.length / partitionSectors) }, (_, i) => ({
		sectors: Bitfield.of(numbers.slice(i * partitionSectors, (i + 1) * partitionSectors)),
		faults: Bitfield.empty,
		recoveries: Bitfield.empty,
	}));
}

function check(condition: boolean, message: string): asserts condition {
	if (!condition) throw new PosterError('devnet-genesis', message, { advice: 'Correct the miners of the genesis.' });
}
