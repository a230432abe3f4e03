/** Methods about accounts and miners, at a tipset: the state before it runs, as Lotus shows it. */
import { hexToBytes } from '@noble/hashes/utils.js';
import { addressBytes, parseAddress } from '../../codec/address.ts';
import { encodeCbor } from '../../codec/cbor.ts';
import { cidToJson } from '../../codec/lotus-json.ts';
import { deadlineInfoToJson, partitionToJson } from '../../codec/lotus-json-state.ts';
import { bitfieldToJson } from '../../codec/rle-plus.ts';
import type { SectorOnChain } from '../../domain/chain.ts';
import { cidText, type SectorNumber, sectorNumber } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import {
	activeSectors,
	type Deadline,
	type Miner,
	type Partition,
	powerSectors,
	rawPower,
	unionOf,
} from '../actor/state.ts';
import { listCid } from '../chain/block.ts';
import { beaconEntry, digestOf, draw, drawTag } from '../chain/randomness.ts';
import type { TipSetNode } from '../chain/tipset.ts';
import { deadlineInfo, nextNotElapsed } from '../deadlines.ts';
import type { FullNode } from '../full-node.ts';
import { RpcError } from '../rpc-error.ts';
import { findActor, loadMiner, loadNamedTipSet, loadTipSet } from './load.ts';
import { type MethodTable, method } from './method.ts';
import { address, bitfield, chainEpoch, tipSetKey, uint64 } from './params.ts';
import { beaconToJson, deadlineToJson, minerInfoToJson, sectorToJson } from './to-json.ts';

/** Actor code CIDs of builtin-actors v18. */
const CODE = {
	account: cidText('bafk2bzaceb7qdzbji4msh3tyi3hqylly3ao77svv2243sjzwssfxo6dzdhxmc'),
	miner: cidText('bafk2bzaceaxfll3kmvqwq2bsyxpo5esfmmvdjjkuwk4ddp3rfveguri3j3or4'),
} as const;

export function stateMethods(node: FullNode): MethodTable {
	return { ...minerMethods(node), ...sectorMethods(node), ...accountMethods(node) };
}

function minerMethods(node: FullNode): MethodTable {
	return {
		StateMinerInfo: method('read', [address, tipSetKey], ([text, key]) =>
			minerInfoToJson(loadMiner(loadTipSet(node, key, 'failed to load tipset'), text)),
		),
		StateMinerProvingDeadline: method('read', [address, tipSetKey], ([text, key]) => {
			const at = loadTipSet(node, key);
			const { periodStart, currentDeadline } = loadMiner(at, text);
			const { policy } = node.chain;
			return deadlineInfoToJson(nextNotElapsed(policy, deadlineInfo(policy, periodStart, currentDeadline, at.height)));
		}),
		StateMinerDeadlines: method('read', [address, tipSetKey], ([text, key]) =>
			loadMiner(loadTipSet(node, key), text).deadlines.map(deadlineToJson),
		),
		StateMinerPartitions: method('read', [address, uint64, tipSetKey], ([text, index, key]) => {
			const { deadlines } = loadMiner(loadTipSet(node, key), text);
			const deadline = deadlines[index];
			if (deadline === undefined) throw new RpcError(`failed to load the deadline: invalid deadline ${index}`);
			return deadline.partitions.length === 0 ? null : deadline.partitions.map(describePartition);
		}),
		StateMinerFaults: method('read', [address, tipSetKey], ([text, key]) =>
			bitfieldToJson(unionOf(allPartitions(loadMiner(loadTipSet(node, key), text)).map(({ faults }) => faults))),
		),
		StateMinerRecoveries: method('read', [address, tipSetKey], ([text, key]) =>
			bitfieldToJson(
				unionOf(allPartitions(loadMiner(loadTipSet(node, key), text)).map(({ recoveries }) => recoveries)),
			),
		),
		StateMinerPower: method('read', [address, tipSetKey], ([text, key]) => {
			const at = loadTipSet(node, key);
			const power = (raw: bigint) => ({ RawBytePower: raw.toString(), QualityAdjPower: raw.toString() });
			return { MinerPower: power(rawPower(loadMiner(at, text))), TotalPower: power(totalPower(at)), HasMinPower: true };
		}),
		StateMinerAvailableBalance: method('read', [address, tipSetKey], ([text, key]) => {
			const { balance, feeDebt } = loadMiner(loadTipSet(node, key), text);
			return (balance - feeDebt).toString();
		}),
		MinerGetBaseInfo: method('read', [address, chainEpoch, tipSetKey], ([text, epoch, key]) =>
			baseInfo(node, loadNamedTipSet(node, key, 'failed to load tipset for mining base'), text, epoch),
		),
	};
}

function sectorMethods(node: FullNode): MethodTable {
	return {
		StateMinerSectors: method('read', [address, bitfield, tipSetKey], ([text, wanted, key]) => {
			const { sectors } = loadMiner(loadTipSet(node, key), text);
			if (wanted === undefined) return inOrder(sectors.values()).map(sectorToJson);
			return [...wanted].map((number) => sectorToJson(sectorOf(sectors, number)));
		}),
		StateMinerActiveSectors: method('read', [address, tipSetKey], ([text, key]) => {
			const miner = loadMiner(loadTipSet(node, key), text);
			const active = unionOf(allPartitions(miner).map(activeSectors));
			return [...active].map((number) => sectorToJson(sectorOf(miner.sectors, number)));
		}),
		StateSectorGetInfo: method('read', [address, uint64, tipSetKey], ([text, number, key]) => {
			const sector = loadMiner(loadTipSet(node, key), text).sectors.get(sectorNumber(number));
			return sector === undefined ? null : sectorToJson(sector);
		}),
		StateSectorPartition: method('read', [address, uint64, tipSetKey], ([text, number, key]) => {
			const { deadlines } = loadMiner(loadTipSet(node, key), text);
			for (const [deadline, { partitions }] of deadlines.entries()) {
				const partition = partitions.findIndex(({ sectors }) => sectors.has(number));
				if (partition >= 0) return { Deadline: deadline, Partition: partition };
			}
			throw new RpcError(`sector ${number} not due at any deadline`);
		}),
	};
}

function accountMethods(node: FullNode): MethodTable {
	return {
		StateGetActor: method('read', [address, tipSetKey], ([text, key]) => {
			const actor = findActor(loadTipSet(node, key), text);
			if (actor === undefined) throw new RpcError('actor not found');
			const { id, balance } = actor.kind === 'miner' ? actor.miner : actor.account;
			const nonce = actor.kind === 'miner' ? 0 : actor.account.nonce;
			const head = listCid([id, nonce, balance.toString()]);
			return {
				Code: cidToJson(CODE[actor.kind]),
				Head: cidToJson(head),
				Nonce: nonce,
				Balance: balance.toString(),
				DelegatedAddress: null,
			};
		}),
		StateAccountKey: method('read', [address, tipSetKey], ([text, key]) => {
			const actor = findActor(loadTipSet(node, key), text);
			if (actor === undefined) throw new RpcError(`failed to find actor: ${text}`);
			if (actor.kind === 'account') return actor.account.key;
			throw new RpcError(`failed to get account actor state for ${text}: actor code is not account: storageminer`);
		}),
		StateLookupID: method('read', [address, tipSetKey], ([text, key]) => {
			const actor = findActor(loadTipSet(node, key), text);
			if (actor !== undefined) return `f0${actor.kind === 'miner' ? actor.miner.id : actor.account.id}`;
			throw new RpcError(`resolution lookup failed (${text}): resolve address ${text}: actor not found`);
		}),
	};
}

function describePartition(partition: Partition): object {
	return partitionToJson({
		all: partition.sectors,
		faulty: partition.faults,
		recovering: partition.recoveries,
		live: partition.sectors,
		active: activeSectors(partition),
	});
}

/** What a block producer would need; whom it elects is not simulated. */
function baseInfo(node: FullNode, at: TipSetNode, text: string, epoch: number): object | null {
	const actor = findActor(at, text);
	if (actor?.kind !== 'miner') throw new RpcError('loading miner in current state: actor not found');
	const { miner } = actor;
	if (powerSectors(miner) === 0) return null;
	if (epoch > at.height + limits.devnetEpochsPerCall) throw new RpcError('cannot draw randomness from the future');
	const entries = [];
	for (let height = at.height + 1; height <= epoch; height++) entries.push(beaconEntry(node.chain.seed, height));
	const sector = winningSector(miner, (entries.at(-1) ?? beaconEntry(node.chain.seed, at.height)).data, epoch);
	return {
		MinerPower: rawPower(miner).toString(),
		NetworkPower: totalPower(at).toString(),
		Sectors: [
			{
				SealProof: sector.sealProof,
				SectorNumber: sector.number,
				SectorKey: sector.updated ? cidToJson(sector.sealedCid) : null,
				SealedCID: cidToJson(sector.sealedCid),
			},
		],
		WorkerKey: at.before.accounts.get(miner.worker)?.key ?? '',
		SectorSize: miner.sectorSize,
		PrevBeaconEntry: beaconToJson(beaconEntry(node.chain.seed, at.height)),
		BeaconEntries: entries.length === 0 ? null : entries.map(beaconToJson),
		EligibleForMining: true,
	};
}

/** One active sector, drawn as for winning PoSt. */
function winningSector(miner: Miner, beacon: Uint8Array, epoch: number): SectorOnChain {
	const active = [...unionOf(allPartitions(miner).map(activeSectors))];
	const entropy = encodeCbor(addressBytes(parseAddress(`f0${miner.id}`)));
	const drawn = Buffer.from(hexToBytes(draw(drawTag.winningPost, digestOf(beacon), epoch, entropy)));
	const index = Number(drawn.readBigUInt64LE() % BigInt(active.length));
	return sectorOf(miner.sectors, active[index] as number);
}

function totalPower({ before }: TipSetNode): bigint {
	return [...before.miners.values()].reduce((sum, miner) => sum + rawPower(miner), 0n);
}

function allPartitions({ deadlines }: Miner): readonly Partition[] {
	return deadlines.flatMap((deadline: Deadline) => deadline.partitions);
}

function sectorOf(sectors: ReadonlyMap<SectorNumber, SectorOnChain>, number: number): SectorOnChain {
	const sector = sectors.get(sectorNumber(number));
	if (sector === undefined) throw new RpcError(`failed to load sectors: can't find sector ${number}`);
	return sector;
}

function inOrder(sectors: Iterable<SectorOnChain>): readonly SectorOnChain[] {
	return [...sectors].sort((a, b) => a.number - b.number);
}
