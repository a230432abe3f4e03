/**
 * What happened on the chain so far, counted over the tipsets of the current chain: what a reorg took back does not
 * count. Of tipsets that the chain has forgotten only the totals are left.
 */
import { exitCode } from './actor/abort.ts';
import type { ChainEvent, DisputeEvent } from './actor/events.ts';
import { ancestry, type TipSetNode } from './chain/tipset.ts';

export interface PartitionStatistics {
	readonly miner: string;
	readonly periodStart: number;
	readonly deadline: number;
	readonly partition: number;
	/** SubmitWindowedPoSt messages that landed for it, whatever became of them. */
	readonly messages: number;
	readonly accepted: number;
	readonly missed: boolean;
}

export interface Totals {
	readonly acceptedPartitions: number;
	readonly missedPartitions: number;
	/** Messages that landed for a partition beyond the first: their gas was paid for nothing. */
	readonly paidTwice: number;
	readonly disputes: Readonly<Record<DisputeEvent['outcome'], number>>;
}

export interface StatisticsReport extends Totals {
	/** Of the tipsets that the chain still holds. */
	readonly partitions: readonly PartitionStatistics[];
}

const NOTHING: Totals = {
	acceptedPartitions: 0,
	missedPartitions: 0,
	paidTwice: 0,
	disputes: { lost: 0, survived: 0, refused: 0 },
};

export class Statistics {
	#forgotten = NOTHING;

	forget(nodes: readonly TipSetNode[]): void {
		const events = nodes.flatMap((node) => node.events);
		if (events.length > 0) this.#forgotten = sum(this.#forgotten, totals(countPartitions(events), events));
	}

	report(head: TipSetNode): StatisticsReport {
		const events = [...ancestry(head)].reverse().flatMap((node) => node.events);
		const partitions = countPartitions(events);
		return { ...sum(this.#forgotten, totals(partitions, events)), partitions };
	}
}

function countPartitions(events: readonly ChainEvent[]): readonly PartitionStatistics[] {
	const counted = new Map<string, PartitionStatistics>();
	const count = (
		of: { readonly miner: number; readonly periodStart: number; readonly deadline: number },
		partition: number,
		change: (before: PartitionStatistics) => Partial<PartitionStatistics>,
	): void => {
		const { miner, periodStart, deadline } = of;
		const key = `${miner}/${periodStart}/${deadline}/${partition}`;
		const before = counted.get(key) ?? {
			miner: `f0${miner}`,
			periodStart,
			deadline,
			partition,
			messages: 0,
			accepted: 0,
			missed: false,
		};
		counted.set(key, { ...before, ...change(before) });
	};
	for (const event of events) {
		if (event.kind === 'missed') count(event, event.partition, () => ({ missed: true }));
		if (event.kind !== 'post') continue;
		const accepted = event.exitCode === exitCode.ok ? 1 : 0;
		for (const partition of event.partitions) {
			count(event, partition, (before) => ({
				messages: before.messages + 1,
				accepted: before.accepted + accepted,
			}));
		}
	}
	return [...counted.values()];
}

function totals(partitions: readonly PartitionStatistics[], events: readonly ChainEvent[]): Totals {
	const disputes = { ...NOTHING.disputes };
	for (const event of events) if (event.kind === 'dispute') disputes[event.outcome]++;
	return {
		acceptedPartitions: partitions.filter(({ accepted }) => accepted > 0).length,
		missedPartitions: partitions.filter(({ missed }) => missed).length,
		paidTwice: partitions.reduce((all, { messages }) => all + Math.max(0, messages - 1), 0),
		disputes,
	};
}

function sum(a: Totals, b: Totals): Totals {
	return {
		acceptedPartitions: a.acceptedPartitions + b.acceptedPartitions,
		missedPartitions: a.missedPartitions + b.missedPartitions,
		paidTwice: a.paidTwice + b.paidTwice,
		disputes: {
			lost: a.disputes.lost + b.disputes.lost,
			survived: a.disputes.survived + b.disputes.survived,
			refused: a.disputes.refused + b.disputes.refused,
		},
	};
}
