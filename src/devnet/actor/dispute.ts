/**
 * DisputeWindowedPoSt (method 24): anybody may show that a recorded proof is wrong. The proof is really verified; a
 * valid one fails the dispute. Source: builtin-actors `actors/miner/src/lib.rs`.
 */
import type { DisputeWindowedPoStParams } from '../../codec/miner-params.ts';
import type { Bitfield } from '../../domain/bitfield.ts';
import { deadlineInfo, disputable } from '../deadlines.ts';
import { invalidPostFee, provingPeriod } from '../policy.ts';
import { Abort, ensure, exitCode } from './abort.ts';
import type { CallContext } from './context.ts';
import { applyPenalty, lesser } from './monies.ts';
import { addFaults, partitionAt, withPartition } from './partition.ts';
import { activeSectors, type Deadline, type Miner, type RecordedPost, unionOf, withDeadline } from './state.ts';
import { verifyWindowPost } from './verify-post.ts';

/** Text of a dispute that failed because the proof is valid. */
export const VALID_POST = 'failed to dispute valid post';

export interface Disputed {
	readonly miner: Miner;
	/** Partitions whose sectors became faulty. */
	readonly partitions: Bitfield;
	/** attoFIL for the caller, out of what the miner paid. */
	readonly reward: bigint;
	readonly burnt: bigint;
}

export async function disputeWindowedPost(
	context: CallContext,
	miner: Miner,
	params: DisputeWindowedPoStParams,
): Promise<Disputed> {
	const { policy, epoch } = context;
	ensure(
		params.deadline < policy.periodDeadlines,
		exitCode.illegalArgument,
		`invalid deadline ${params.deadline} of ${policy.periodDeadlines}`,
	);
	ensure(
		disputable(policy, miner.periodStart, params.deadline, epoch),
		exitCode.forbidden,
		`can only dispute window posts during the dispute window (${policy.disputeWindow} epochs after the challenge window closes)`,
	);
	const deadline = miner.deadlines[params.deadline] as Deadline;
	const post = takePost(deadline, params.postIndex);
	const partitions = [...post.partitions].map((index) => partitionAt(deadline.closed, index));
	const good = unionOf(partitions.map(activeSectors));
	const proven = provenPeriodStart(context, miner, params.deadline);
	const { challenge } = deadlineInfo(policy, proven, params.deadline, epoch);
	const verdict = await verifyWindowPost(context, miner, challenge, good, post.proof);
	if (verdict.ok) throw new Abort(exitCode.illegalArgument, VALID_POST);
	return punish(
		context,
		withDeadline(miner, params.deadline, fault(deadline, params.postIndex, post)),
		post,
		good.size,
	);
}

/** Period in which the deadline's last proofs were made. */
function provenPeriodStart({ policy }: CallContext, miner: Miner, deadline: number): number {
	return miner.currentDeadline < deadline ? miner.periodStart - provingPeriod(policy) : miner.periodStart;
}

function takePost(deadline: Deadline, index: number): RecordedPost {
	const post = deadline.closed.proofs[index];
	if (post === undefined) {
		throw new Abort(exitCode.illegalArgument, `failed to load proof for dispute: proof ${index} not found`);
	}
	return post;
}

/** What was active at close is faulty now, and the proof cannot be disputed again. */
function fault(deadline: Deadline, postIndex: number, post: RecordedPost): Deadline {
	const { closed } = deadline;
	let next: Deadline = { ...deadline, closed: { ...closed, proofs: closed.proofs.with(postIndex, undefined) } };
	for (const index of post.partitions) {
		const disputed = activeSectors(partitionAt(closed, index));
		next = withPartition(next, index, addFaults(partitionAt(next, index), disputed));
	}
	return next;
}

function punish({ policy }: CallContext, miner: Miner, post: RecordedPost, sectors: number): Disputed {
	const paid = applyPenalty(miner, invalidPostFee(policy, sectors) + policy.disputeReward);
	const reward = lesser(paid.burnt, policy.disputeReward);
	return { miner: paid.miner, partitions: post.partitions, reward, burnt: paid.burnt - reward };
}
