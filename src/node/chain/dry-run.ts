/** Makes the work of a dry run from the chain: any deadline, at any time of day, with a challenge that has passed. */
import { Bitfield } from '../../domain/bitfield.ts';
import type { DeadlineInfo } from '../../domain/chain.ts';
import { PosterError } from '../../domain/errors.ts';
import { type ActorId, type DeadlineIndex, type Epoch, epoch, type PartitionIndex } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Challenge, DuePartition } from '../../domain/work.ts';
import type { Chain } from '../../ports/chain.ts';
import type { DuePartitions } from './due-partitions.ts';

export interface DryRunRequest {
	/** Tells this run from others. */
	readonly nonce: number;
	readonly miner: ActorId;
	readonly deadline: DeadlineIndex;
	readonly partition: PartitionIndex | null;
}

export interface DryRun {
	readonly challenge: Challenge;
	readonly due: readonly DuePartition[];
}

/** No deadline's turn: its manifests are read anew. */
const NO_TURN = -1;

/** Rejects `compute-unknown-miner`, `compute-no-deadline`, `compute-no-partition` and the chain's errors. */
export async function makeDryRun(
	chain: Chain,
	partitions: DuePartitions,
	miners: readonly ActorId[],
	{ nonce, miner, deadline, partition }: DryRunRequest,
): Promise<DryRun> {
	if (!miners.includes(miner)) {
		throw new PosterError('compute-unknown-miner', `the roster has no miner f0${miner} that this chain node follows`, {
			advice: `It follows: ${miners.map((id) => `f0${id}`).join(', ')}`,
		});
	}
	const head = await chain.head();
	const info = await chain.provingDeadline(miner, head.key);
	if (deadline >= info.periodDeadlines) {
		throw new PosterError('compute-no-deadline', `deadline ${deadline} does not exist`, {
			advice: `A proving period has the deadlines 0 to ${info.periodDeadlines - 1}.`,
		});
	}
	const { windowPoStProofType } = await chain.minerInfo(miner, head.key);
	const all = await partitions.read({ miner, deadline, turn: NO_TURN, posted: Bitfield.empty, at: head.key });
	const due = partition === null ? all : all.filter((item) => item.partition === partition);
	if (partition !== null && due.length === 0 && all.length > 0) {
		throw new PosterError(
			'compute-no-partition',
			`deadline ${deadline} has nothing to prove in partition ${partition}`,
			{
				advice: `Partitions with sectors to prove: ${all.map((item) => item.partition).join(', ')}`,
			},
		);
	}
	const challengeEpoch = lastChallenge(info, deadline, head.height);
	const challenge: Challenge = {
		kind: 'dry',
		nonce,
		miner,
		periodStart: info.periodStart,
		deadline,
		challenge: challengeEpoch,
		open: head.height,
		close: epoch(head.height + limits.dryRunWindows * info.challengeWindow),
		randomness: await chain.postRandomness(miner, challengeEpoch, head.key),
		proofType: windowPoStProofType,
	};
	return { challenge, due };
}

/** The newest challenge of the deadline that has passed, or the head where the chain is younger than that. */
function lastChallenge(info: DeadlineInfo, deadline: DeadlineIndex, head: Epoch): Epoch {
	const thisPeriod = info.periodStart + deadline * info.challengeWindow - info.challengeLookback;
	const last = thisPeriod <= head ? thisPeriod : thisPeriod - info.provingPeriod;
	return epoch(last > 0 ? last : head);
}
