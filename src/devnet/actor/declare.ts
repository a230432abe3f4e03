/**
 * DeclareFaults (method 10) and DeclareFaultsRecovered (method 11), both only until the fault cutoff of the deadline.
 * Source: builtin-actors `actors/miner/src/lib.rs`.
 */
import { Bitfield } from '../../domain/bitfield.ts';
import type { SectorDeclaration } from '../../domain/message.ts';
import { declarationDeadline } from '../deadlines.ts';
import { ensure, exitCode, within } from './abort.ts';
import { requireControl } from './caller.ts';
import type { CallContext } from './context.ts';
import { repayDebtsOrAbort } from './monies.ts';
import { declareFaults as addFaults, declareRecovered as addRecoveries } from './partition.ts';
import { type Deadline, type Miner, withDeadline } from './state.ts';

export function declareFaults(context: CallContext, miner: Miner, declared: readonly SectorDeclaration[]): Miner {
	const byDeadline = grouped(context, 'fault', declared);
	requireControl(context, miner);
	return declare(context, miner, byDeadline, { kind: 'fault', verb: 'declare faults', act: addFaults });
}

/** Fees owed must be paid first: the miner's balance does, or the call fails with exit code 19. */
export function declareFaultsRecovered(
	context: CallContext,
	miner: Miner,
	declared: readonly SectorDeclaration[],
): { readonly miner: Miner; readonly burnt: bigint } {
	const byDeadline = grouped(context, 'recovery', declared);
	requireControl(context, miner);
	const repaid = repayDebtsOrAbort(miner);
	const how = { kind: 'recovery', verb: 'declare recoveries', act: addRecoveries };
	return { miner: declare(context, repaid.miner, byDeadline, how), burnt: repaid.burnt };
}

type ByDeadline = ReadonlyMap<number, ReadonlyMap<number, Bitfield>>;

function grouped({ policy }: CallContext, kind: string, declared: readonly SectorDeclaration[]): ByDeadline {
	ensure(
		declared.length <= policy.declarationsMax,
		exitCode.illegalArgument,
		`too many ${kind} declarations for a single message: ${declared.length} > ${policy.declarationsMax}`,
	);
	const byDeadline = new Map<number, Map<number, Bitfield>>();
	for (const { deadline, partition, sectors } of declared) {
		within(`failed to process deadline ${deadline}, partition ${partition}`, () =>
			ensure(deadline < policy.periodDeadlines, exitCode.illegalArgument, `invalid deadline ${deadline}`),
		);
		const partitions = byDeadline.get(deadline) ?? new Map<number, Bitfield>();
		partitions.set(partition, (partitions.get(partition) ?? Bitfield.empty).union(sectors));
		byDeadline.set(deadline, partitions);
	}
	return byDeadline;
}

interface How {
	readonly kind: string;
	readonly verb: string;
	readonly act: (deadline: Deadline, partition: number, sectors: Bitfield) => Deadline;
}

function declare(context: CallContext, miner: Miner, declared: ByDeadline, { kind, verb, act }: How): Miner {
	let next = miner;
	for (const [index, partitions] of [...declared].sort(([a], [b]) => a - b)) {
		const target = declarationDeadline(context.policy, miner.periodStart, index, context.epoch);
		ensure(
			context.epoch < target.faultCutoff,
			exitCode.illegalArgument,
			`failed ${kind} declaration at deadline ${index}: late fault or recovery declaration`,
		);
		const deadline = within(`failed to ${verb} for deadline ${index}`, () =>
			[...partitions]
				.sort(([a], [b]) => a - b)
				.reduce((changed, [partition, sectors]) => act(changed, partition, sectors), next.deadlines[index] as Deadline),
		);
		next = withDeadline(next, index, deadline);
	}
	return next;
}
