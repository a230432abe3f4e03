/**
 * Lotus's JSON of tipsets and of the state of miners and messages, and back where the embedded chain answers in it.
 * Everything malformed throws `bad-json` with the path to it.
 */
import type { Bitfield } from '../domain/bitfield.ts';
import type {
	ActorState,
	DeadlineInfo,
	DeadlineState,
	HeadChange,
	MessageLookup,
	MinerInfo,
	PartitionState,
	SectorOnChain,
	TipSet,
} from '../domain/chain.ts';
import { deadlineIndex, epoch, sectorNumber } from '../domain/ids.ts';
import { commROfSealedCid } from './cid.ts';
import { badJson, type JsonObject, readInteger, readList, readObject } from './json-read.ts';
import { addressFromJson, cidFromJson, tipSetKeyFromJson, tokensFromJson } from './lotus-json.ts';
import { bitfieldFromJson, bitfieldToJson } from './rle-plus.ts';

export function tipSetFromJson(value: unknown, path = 'tipset'): TipSet {
	const { Cids, Blocks, Height } = readObject(value, path);
	const key = tipSetKeyFromJson(Cids, `${path}.Cids`);
	const blocks = readList(Blocks, `${path}.Blocks`);
	if (blocks.length !== key.length) throw badJson(`${path}.Blocks`, `${key.length} blocks`, blocks.length);
	const { Parents, ParentBaseFee, Timestamp } = readObject(blocks[0], `${path}.Blocks[0]`);
	return {
		key,
		height: epoch(readInteger(Height, `${path}.Height`)),
		parents: tipSetKeyFromJson(Parents, `${path}.Blocks[0].Parents`),
		parentBaseFee: tokensFromJson(ParentBaseFee, `${path}.Blocks[0].ParentBaseFee`),
		timestamp: readInteger(Timestamp, `${path}.Blocks[0].Timestamp`),
	};
}

export function headChangesFromJson(value: unknown, path = 'head changes'): readonly HeadChange[] {
	return readList(value, path).map((change, i) => {
		const { Type, Val } = readObject(change, `${path}[${i}]`);
		if (Type !== 'current' && Type !== 'apply' && Type !== 'revert') {
			throw badJson(`${path}[${i}].Type`, 'current, apply or revert', Type);
		}
		return { type: Type, tipSet: tipSetFromJson(Val, `${path}[${i}].Val`) };
	});
}

export function deadlineInfoFromJson(value: unknown, path = 'deadline'): DeadlineInfo {
	const json = readObject(value, path);
	const integer = (name: string, min: number): number => readInteger(json[name], `${path}.${name}`, min);
	// Epochs of a miner's deadlines are negative before its first proving period.
	const epochOf = (name: string) => epoch(integer(name, Number.MIN_SAFE_INTEGER));
	return {
		currentEpoch: epochOf('CurrentEpoch'),
		periodStart: epochOf('PeriodStart'),
		index: deadlineIndex(integer('Index', 0)),
		open: epochOf('Open'),
		close: epochOf('Close'),
		challenge: epochOf('Challenge'),
		faultCutoff: epochOf('FaultCutoff'),
		periodDeadlines: integer('WPoStPeriodDeadlines', 1),
		provingPeriod: integer('WPoStProvingPeriod', 1),
		challengeWindow: integer('WPoStChallengeWindow', 1),
		challengeLookback: integer('WPoStChallengeLookback', 0),
		faultDeclarationCutoff: integer('FaultDeclarationCutoff', 0),
	};
}

export function deadlineInfoToJson(info: DeadlineInfo): JsonObject {
	return {
		CurrentEpoch: info.currentEpoch,
		PeriodStart: info.periodStart,
		Index: info.index,
		Open: info.open,
		Close: info.close,
		Challenge: info.challenge,
		FaultCutoff: info.faultCutoff,
		WPoStPeriodDeadlines: info.periodDeadlines,
		WPoStProvingPeriod: info.provingPeriod,
		WPoStChallengeWindow: info.challengeWindow,
		WPoStChallengeLookback: info.challengeLookback,
		FaultDeclarationCutoff: info.faultDeclarationCutoff,
	};
}

export function deadlinesFromJson(value: unknown, path = 'deadlines'): readonly DeadlineState[] {
	return readList(value, path).map((deadline, i) => {
		const { PostSubmissions, DisputableProofCount } = readObject(deadline, `${path}[${i}]`);
		return {
			postSubmissions: fieldFromJson(PostSubmissions, `${path}[${i}].PostSubmissions`),
			disputableProofCount: readInteger(DisputableProofCount, `${path}[${i}].DisputableProofCount`),
		};
	});
}

export function partitionsFromJson(value: unknown, path = 'partitions'): readonly PartitionState[] {
	return readList(value, path).map((partition, i) => {
		const json = readObject(partition, `${path}[${i}]`);
		const field = (name: string): Bitfield => fieldFromJson(json[name], `${path}[${i}].${name}`);
		return {
			all: field('AllSectors'),
			faulty: field('FaultySectors'),
			recovering: field('RecoveringSectors'),
			live: field('LiveSectors'),
			active: field('ActiveSectors'),
		};
	});
}

export function partitionToJson(partition: PartitionState): JsonObject {
	return {
		AllSectors: bitfieldToJson(partition.all),
		FaultySectors: bitfieldToJson(partition.faulty),
		RecoveringSectors: bitfieldToJson(partition.recovering),
		LiveSectors: bitfieldToJson(partition.live),
		ActiveSectors: bitfieldToJson(partition.active),
	};
}

export function sectorsFromJson(value: unknown, path = 'sectors'): readonly SectorOnChain[] {
	return readList(value, path).map((sector, i) => {
		const { SectorNumber, SealProof, SealedCID, SectorKeyCID } = readObject(sector, `${path}[${i}]`);
		const sealedCid = cidFromJson(SealedCID, `${path}[${i}].SealedCID`);
		return {
			number: sectorNumber(readInteger(SectorNumber, `${path}[${i}].SectorNumber`)),
			sealProof: readInteger(SealProof, `${path}[${i}].SealProof`),
			sealedCid,
			commR: at(`${path}[${i}].SealedCID`, 'the CID of a sealed sector', SealedCID, () => commROfSealedCid(sealedCid)),
			updated: SectorKeyCID !== null && SectorKeyCID !== undefined,
		};
	});
}

export function minerInfoFromJson(value: unknown, path = 'miner info'): MinerInfo {
	const json = readObject(value, path);
	const { Owner, Worker, ControlAddresses, WindowPoStProofType, SectorSize, WindowPoStPartitionSectors } = json;
	return {
		owner: addressFromJson(Owner, `${path}.Owner`),
		worker: addressFromJson(Worker, `${path}.Worker`),
		controlAddresses: readList(ControlAddresses, `${path}.ControlAddresses`).map((address, i) =>
			addressFromJson(address, `${path}.ControlAddresses[${i}]`),
		),
		windowPoStProofType: readInteger(WindowPoStProofType, `${path}.WindowPoStProofType`),
		sectorSize: readInteger(SectorSize, `${path}.SectorSize`, 1),
		partitionSectors: readInteger(WindowPoStPartitionSectors, `${path}.WindowPoStPartitionSectors`, 1),
	};
}

export function actorFromJson(value: unknown, path = 'actor'): ActorState {
	const { Nonce, Balance } = readObject(value, path);
	return { nonce: readInteger(Nonce, `${path}.Nonce`), balance: tokensFromJson(Balance, `${path}.Balance`) };
}

export function lookupFromJson(value: unknown, path = 'lookup'): MessageLookup {
	const { Message, Receipt, TipSet, Height } = readObject(value, path);
	const { ExitCode, GasUsed } = readObject(Receipt, `${path}.Receipt`);
	return {
		message: cidFromJson(Message, `${path}.Message`),
		exitCode: readInteger(ExitCode, `${path}.Receipt.ExitCode`),
		gasUsed: readInteger(GasUsed, `${path}.Receipt.GasUsed`),
		tipSet: tipSetKeyFromJson(TipSet, `${path}.TipSet`),
		height: epoch(readInteger(Height, `${path}.Height`)),
	};
}

function fieldFromJson(value: unknown, path: string): Bitfield {
	return at(path, 'a bitfield', value, () => bitfieldFromJson(value));
}

function at<T>(path: string, expected: string, value: unknown, read: () => T): T {
	try {
		return read();
	} catch (cause) {
		throw badJson(path, expected, value, cause);
	}
}
