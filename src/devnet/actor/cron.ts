/**
 * What happens at the end of an epoch without any message: a deadline in its last epoch is closed. Unproven partitions
 * become faulty, proofs and partitions are kept for disputes, PostSubmissions are emptied, faults cost their fee.
 * Source: builtin-actors `handle_proving_deadline`, `deadline_state.rs` `process_deadline_end`.
 */
import { Bitfield } from '../../domain/bitfield.ts';
import { deadlineInfo } from '../deadlines.ts';
import { continuedFaultFee, type Policy, provingPeriod } from '../policy.ts';
import { applyPenalty } from './monies.ts';
import { nothingToMiss, recordMissed } from './partition.ts';
import { type Deadline, type Miner, type World, withDeadline, withMiner } from './state.ts';

/** A partition that no accepted message proved while its deadline was open. */
export interface MissedPartition {
	readonly miner: number;
	readonly deadline: number;
	readonly partition: number;
	readonly periodStart: number;
}

export interface EpochEnd {
	readonly world: World;
	readonly missed: readonly MissedPartition[];
}

export function endEpoch(policy: Policy, world: World, epoch: number): EpochEnd {
	let next = world;
	const missed: MissedPartition[] = [];
	for (const miner of world.miners.values()) {
		const info = deadlineInfo(policy, miner.periodStart, miner.currentDeadline, epoch);
		if (epoch < info.close - 1) continue;
		const closed = closeDeadline(policy, miner);
		missed.push(
			...closed.missed.map((partition) => ({
				miner: miner.id,
				deadline: info.index,
				partition,
				periodStart: info.periodStart,
			})),
		);
		next = { ...withMiner(next, closed.miner), burnt: next.burnt + closed.burnt };
	}
	return { world: next, missed };
}

function closeDeadline(
	policy: Policy,
	miner: Miner,
): { readonly miner: Miner; readonly burnt: bigint; readonly missed: readonly number[] } {
	const index = miner.currentDeadline;
	const before = miner.deadlines[index] as Deadline;
	const faultyBefore = before.partitions.reduce((sum, { faults }) => sum + faults.size, 0);
	const missed: number[] = [];
	const partitions = before.partitions.map((partition, i) => {
		if (before.posted.has(i) || nothingToMiss(partition)) return partition;
		missed.push(i);
		return recordMissed(partition);
	});
	const deadline: Deadline = {
		partitions,
		posted: Bitfield.empty,
		proofs: [],
		closed: { partitions, proofs: before.proofs },
	};
	const wrapped = index + 1 === policy.periodDeadlines;
	const advanced: Miner = {
		...withDeadline(miner, index, deadline),
		currentDeadline: wrapped ? 0 : index + 1,
		periodStart: wrapped ? miner.periodStart + provingPeriod(policy) : miner.periodStart,
	};
	return { ...applyPenalty(advanced, continuedFaultFee(policy, faultyBefore)), missed };
}
