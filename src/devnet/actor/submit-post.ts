/**
 * SubmitWindowedPoSt (method 5). Unless it recovers faulty sectors the proof is only recorded: garbage is accepted, and
 * found out by a dispute. Source: builtin-actors `actors/miner/src/lib.rs` and `deadline_state.rs`.
 */
import type { SubmitWindowedPoStParams } from '../../codec/miner-params.ts';
import { Bitfield } from '../../domain/bitfield.ts';
import { PROOF_BYTES } from '../../domain/proof.ts';
import { deadlineInfo, isOpen } from '../deadlines.ts';
import { Abort, ensure, exitCode, within } from './abort.ts';
import { requireControl } from './caller.ts';
import type { CallContext } from './context.ts';
import { partitionAt, recordSkipped, recoverFaults, withPartition } from './partition.ts';
import { type Deadline, type Miner, type Partition, unionOf, withDeadline } from './state.ts';
import { verifyWindowPost } from './verify-post.ts';

const RANDOMNESS_HEX = 64;

export interface Submitted {
	readonly miner: Miner;
	/** True when sectors were recovering: the proof was verified and is not kept for disputes. */
	readonly verified: boolean;
}

export async function submitWindowedPost(
	context: CallContext,
	miner: Miner,
	params: SubmitWindowedPoStParams,
): Promise<Submitted> {
	const proof = checkProofs(context, miner, params);
	const current = deadlineInfo(context.policy, miner.periodStart, miner.currentDeadline, context.epoch);
	ensure(
		isOpen(current),
		exitCode.illegalState,
		`proving period ${current.periodStart} not yet open at ${context.epoch}`,
	);
	ensure(
		params.deadline === current.index,
		exitCode.illegalArgument,
		`invalid deadline ${params.deadline} at epoch ${context.epoch}, expected ${current.index}`,
	);
	checkCommitment(context, params, current.challenge);

	const before = miner.deadlines[current.index] as Deadline;
	const proven = within(`failed to process post submission for deadline ${current.index}`, () =>
		recordProven(before, params),
	);
	const good = unionOf(proven.touched.map(({ sectors }) => sectors)).subtract(
		unionOf(proven.touched.map(({ faults }) => faults)),
	);
	ensure(good.size > 0, exitCode.illegalArgument, 'cannot prove partitions with no active sectors');
	if (proven.recovered) {
		const verdict = await verifyWindowPost(context, miner, current.challenge, good, proof);
		if (!verdict.ok) throw invalidPost(verdict.detail);
		return { miner: withDeadline(miner, current.index, proven.deadline), verified: true };
	}
	const recorded = { partitions: Bitfield.of(params.partitions.map(({ index }) => index)), proof };
	const deadline = { ...proven.deadline, proofs: [...proven.deadline.proofs, recorded] };
	return { miner: withDeadline(miner, current.index, deadline), verified: false };
}

/** Everything about the proof that needs no state of the deadline; the proof's bytes. */
function checkProofs(context: CallContext, miner: Miner, params: SubmitWindowedPoStParams): Uint8Array {
	const { policy } = context;
	const [proof] = params.proofs;
	ensure(
		proof !== undefined && params.proofs.length === 1,
		exitCode.illegalArgument,
		`expected exactly one proof, got ${params.proofs.length}`,
	);
	ensure(
		proof.type >= 10 && proof.type <= 14,
		exitCode.illegalArgument,
		`proof type Invalid(${proof.type}) not allowed`,
	);
	ensure(
		params.deadline < policy.periodDeadlines,
		exitCode.illegalArgument,
		`invalid deadline ${params.deadline} of ${policy.periodDeadlines}`,
	);
	ensure(
		params.commitRandomness.length <= RANDOMNESS_HEX,
		exitCode.illegalArgument,
		`expected at most 32 bytes of randomness, got ${params.commitRandomness.length / 2}`,
	);
	requireControl(context, miner);
	ensure(
		proof.type === miner.proofType,
		exitCode.illegalArgument,
		`expected proof of type ${miner.proofType}, got ${proof.type}`,
	);
	const maxBytes = PROOF_BYTES * params.partitions.length;
	ensure(
		proof.bytes.length <= maxBytes,
		exitCode.illegalArgument,
		`expected proof to be smaller than ${maxBytes} bytes`,
	);
	const partitionsMax = Math.min(
		Math.floor(policy.addressedSectorsMax / miner.partitionSectors),
		policy.postedPartitionsMax,
	);
	ensure(
		params.partitions.length <= partitionsMax,
		exitCode.illegalArgument,
		`too many partitions ${params.partitions.length}, limit ${partitionsMax}`,
	);
	return proof.bytes;
}

function checkCommitment(context: CallContext, params: SubmitWindowedPoStParams, challenge: number): void {
	ensure(
		params.commitEpoch >= challenge,
		exitCode.illegalArgument,
		`expected chain commit epoch ${params.commitEpoch} to be after ${challenge}`,
	);
	ensure(
		params.commitEpoch < context.epoch,
		exitCode.illegalArgument,
		`chain commit epoch ${params.commitEpoch} must be less than the current epoch ${context.epoch}`,
	);
	ensure(
		params.commitRandomness === context.commitRandomness(params.commitEpoch),
		exitCode.illegalArgument,
		'post commit randomness mismatched',
	);
}

interface Proven {
	readonly deadline: Deadline;
	/** The partitions of the message as they are after it. */
	readonly touched: readonly Partition[];
	readonly recovered: boolean;
}

/** One partition that was proven before fails the whole message. */
function recordProven(deadline: Deadline, { partitions }: SubmitWindowedPoStParams): Proven {
	const indexes = Bitfield.of(partitions.map(({ index }) => index));
	ensure(indexes.size === partitions.length, exitCode.illegalArgument, 'duplicate partitions proven');
	const already = deadline.posted.intersect(indexes);
	ensure(already.size === 0, exitCode.illegalArgument, `partition already proven: ${rustBitfield(already)}`);
	let next = deadline;
	let recovered = false;
	const touched = partitions.map(({ index, skipped }) => {
		const before = partitionAt(next, index);
		const skippedOnly = within(`failed to add skipped faults to partition ${index}`, () =>
			recordSkipped(before, skipped),
		);
		recovered ||= skippedOnly.recoveries.size > 0;
		const partition = recoverFaults(skippedOnly);
		next = { ...withPartition(next, index, partition), posted: next.posted.union(Bitfield.of([index])) };
		return partition;
	});
	return { deadline: next, touched, recovered };
}

function invalidPost(detail: string | undefined): Abort {
	const causedBy = detail === undefined ? undefined : `crypto::verify_post -- ${detail} (1: illegal argument)`;
	return new Abort(exitCode.illegalArgument, 'invalid post was submitted', causedBy);
}

/** A bitfield as the actor prints it (Rust's Debug). */
function rustBitfield(field: Bitfield): string {
	const ranges = field.runs.map(({ start, end }) => `${start}..${end}`).join(', ');
	return `BitField { ranges: [${ranges}], set: {}, unset: {} }`;
}
