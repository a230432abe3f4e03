/**
 * CBOR parameters of the miner actor's methods that this project sends or judges.
 * Source: go-state-types `builtin/v18/miner/miner_types.go` (tuples in field order).
 */
import { hexToBytes } from '@noble/hashes/utils.js';
import type { Bitfield } from '../domain/bitfield.ts';
import { PosterError } from '../domain/errors.ts';
import {
	type DeadlineIndex,
	deadlineIndex,
	type Epoch,
	epoch,
	hex32,
	type PartitionIndex,
	partitionIndex,
} from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { MinerCall, PostParams, SectorDeclaration } from '../domain/message.ts';
import type { PoStProofType } from '../domain/proof.ts';
import { cborBytes, cborInteger, cborList, cborTuple, decodeCbor, encodeCbor } from './cbor.ts';
import { toHex } from './hex.ts';
import { decodeBitfield, encodeBitfield } from './rle-plus.ts';

/** Method numbers of the miner actor (go-state-types `builtin/methods.go`). */
export const minerMethod = {
	submitWindowedPoSt: 5,
	declareFaults: 10,
	declareFaultsRecovered: 11,
	disputeWindowedPoSt: 24,
} as const;

/** SubmitWindowedPoSt in full: the chain takes up to 3 partitions, this project sends exactly one. */
export interface SubmitWindowedPoStParams {
	readonly deadline: DeadlineIndex;
	readonly partitions: readonly { readonly index: PartitionIndex; readonly skipped: Bitfield }[];
	readonly proofs: readonly { readonly type: PoStProofType; readonly bytes: Uint8Array }[];
	readonly commitEpoch: Epoch;
	/** Hex of any length: that it has 32 bytes is for the actor to say, in its own words. */
	readonly commitRandomness: string;
}

export interface DisputeWindowedPoStParams {
	readonly deadline: DeadlineIndex;
	/** Index into the deadline's recorded proofs. */
	readonly postIndex: number;
}

const U53 = Number.MAX_SAFE_INTEGER;
const RANDOMNESS_HEX = 64;

export function encodeMinerCall(call: MinerCall): { readonly method: number; readonly params: Uint8Array } {
	switch (call.kind) {
		case 'submit-post':
			return { method: minerMethod.submitWindowedPoSt, params: encodeSubmitWindowedPoSt(submissionOf(call.params)) };
		case 'declare-faults':
			return { method: minerMethod.declareFaults, params: encodeDeclarations(call.declarations) };
		case 'declare-recovered':
			return { method: minerMethod.declareFaultsRecovered, params: encodeDeclarations(call.declarations) };
	}
}

/**
 * The call that this project could have sent; throws `bad-params` for another method, for a submission of more or less
 * than one partition and one proof or with randomness of another length, `bad-cbor` and `bad-bitfield` for malformed
 * parameters.
 */
export function decodeMinerCall(method: number, params: Uint8Array): MinerCall {
	switch (method) {
		case minerMethod.submitWindowedPoSt:
			return { kind: 'submit-post', params: onePartition(decodeSubmitWindowedPoSt(params)) };
		case minerMethod.declareFaults:
			return { kind: 'declare-faults', declarations: decodeDeclarations(params) };
		case minerMethod.declareFaultsRecovered:
			return { kind: 'declare-recovered', declarations: decodeDeclarations(params) };
		default:
			throw new PosterError('bad-params', `method ${method} is none of this project's`, { meta: { method } });
	}
}

export function encodeSubmitWindowedPoSt(params: SubmitWindowedPoStParams): Uint8Array {
	return encodeCbor([
		params.deadline,
		params.partitions.map(({ index, skipped }) => [index, encodeBitfield(skipped)]),
		params.proofs.map(({ type, bytes }) => [type, bytes]),
		params.commitEpoch,
		hexToBytes(params.commitRandomness),
	]);
}

/** Throws `bad-cbor`, `bad-bitfield`. */
export function decodeSubmitWindowedPoSt(bytes: Uint8Array): SubmitWindowedPoStParams {
	const value = decodeCbor(bytes, limits.messageBytes, 'SubmitWindowedPoSt');
	const [deadline, partitions, proofs, commitEpoch, randomness] = cborTuple(value, 5, 'SubmitWindowedPoSt');
	return {
		deadline: deadlineIndex(cborInteger(deadline, 0, U53, 'deadline')),
		partitions: cborList(partitions, limits.addressedPartitions, 'partitions').map((entry) => {
			const [index, skipped] = cborTuple(entry, 2, 'partition');
			return {
				index: partitionIndex(cborInteger(index, 0, U53, 'partition')),
				skipped: decodeBitfield(cborBytes(skipped, 0, limits.bitfieldBytes, 'skipped')),
			};
		}),
		proofs: cborList(proofs, limits.addressedPartitions, 'proofs').map((entry) => {
			const [type, proof] = cborTuple(entry, 2, 'proof');
			return {
				type: cborInteger(type, -U53, U53, 'proof type'),
				bytes: cborBytes(proof, 0, limits.postProofBytes, 'proof bytes'),
			};
		}),
		commitEpoch: epoch(cborInteger(commitEpoch, -U53, U53, 'commit epoch')),
		commitRandomness: toHex(cborBytes(randomness, 0, limits.messageBytes, 'commit randomness')),
	};
}

/** DeclareFaults and DeclareFaultsRecovered have the same form. */
export function encodeDeclarations(declarations: readonly SectorDeclaration[]): Uint8Array {
	return encodeCbor([
		declarations.map(({ deadline, partition, sectors }) => [deadline, partition, encodeBitfield(sectors)]),
	]);
}

/** Throws `bad-cbor`, `bad-bitfield`. */
export function decodeDeclarations(bytes: Uint8Array): readonly SectorDeclaration[] {
	const [list] = cborTuple(decodeCbor(bytes, limits.messageBytes, 'declarations'), 1, 'declarations');
	return cborList(list, limits.addressedPartitions, 'declarations').map((entry) => {
		const [deadline, partition, sectors] = cborTuple(entry, 3, 'declaration');
		return {
			deadline: deadlineIndex(cborInteger(deadline, 0, U53, 'deadline')),
			partition: partitionIndex(cborInteger(partition, 0, U53, 'partition')),
			sectors: decodeBitfield(cborBytes(sectors, 0, limits.bitfieldBytes, 'sectors')),
		};
	});
}

export function encodeDisputeWindowedPoSt({ deadline, postIndex }: DisputeWindowedPoStParams): Uint8Array {
	return encodeCbor([deadline, postIndex]);
}

/** Throws `bad-cbor`. */
export function decodeDisputeWindowedPoSt(bytes: Uint8Array): DisputeWindowedPoStParams {
	const value = decodeCbor(bytes, limits.messageBytes, 'DisputeWindowedPoSt');
	const [deadline, postIndex] = cborTuple(value, 2, 'DisputeWindowedPoSt');
	return {
		deadline: deadlineIndex(cborInteger(deadline, 0, U53, 'deadline')),
		postIndex: cborInteger(postIndex, 0, U53, 'proof index'),
	};
}

function submissionOf(params: PostParams): SubmitWindowedPoStParams {
	return {
		deadline: params.deadline,
		partitions: [{ index: params.partition, skipped: params.skipped }],
		proofs: [{ type: params.proofType, bytes: params.proof }],
		commitEpoch: params.commitEpoch,
		commitRandomness: params.commitRandomness,
	};
}

function onePartition(params: SubmitWindowedPoStParams): PostParams {
	const [partition] = params.partitions;
	const [proof] = params.proofs;
	if (partition === undefined || proof === undefined || params.partitions.length + params.proofs.length !== 2) {
		throw new PosterError('bad-params', 'a submission holds exactly one partition and one proof');
	}
	if (params.commitRandomness.length !== RANDOMNESS_HEX) {
		throw new PosterError('bad-params', 'commit randomness has 32 bytes');
	}
	return {
		deadline: params.deadline,
		partition: partition.index,
		skipped: partition.skipped,
		proofType: proof.type,
		proof: proof.bytes,
		commitEpoch: params.commitEpoch,
		commitRandomness: hex32(params.commitRandomness),
	};
}
