/** Runs one plan from start to end and says what came of it. */

import { type Slot, skipsOf } from './chain.ts';
import type { Fault, FaultKind } from './faults.ts';
import { type Excuse, excuseFor, excuseForSkip } from './oracle.ts';
import type { Plan } from './plan.ts';
import { World } from './world.ts';

/** Plain data: it travels between processes. */
export interface Outcome {
	readonly seed: number;
	readonly nodes: number;
	readonly virtualMs: number;
	readonly items: number;
	/** Unproven items that the oracle does not excuse, in words, and broken rules. */
	readonly missed: readonly string[];
	readonly violations: readonly string[];
	readonly excusedBy: Readonly<Partial<Record<Excuse, number>>>;
	readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
	readonly gpuMs: { readonly total: number; readonly duplicate: number };
	readonly proofsStarted: number;
	readonly duplicateStarts: number;
	readonly paidTwice: number;
	/** Backups for slowness begun while an item waited for its first proof. */
	readonly earlyBackups: number;
	readonly claimMs: readonly number[];
	readonly claimableMs: readonly number[];
	readonly takeoverResetMs: readonly number[];
	readonly takeoverSilentMs: readonly number[];
	readonly takeoverBusyMs: readonly number[];
	readonly messages: number;
	readonly bytes: number;
}

export interface Run {
	readonly outcome: Outcome;
	readonly trace: readonly string[];
}

export function simulate(plan: Plan, trace = false): Run {
	return runWorld(new World(plan, { trace }));
}

/** The same of a world at which somebody else looks too. */
export function runWorld(world: World): Run {
	try {
		world.run();
	} catch (error) {
		// The core threw: the run cannot go on, and nothing after it counts.
		const what =
			error instanceof Error ? `${error.message} ${error.stack?.split('\n')[1]?.trim() ?? ''}` : String(error);
		world.watch.violations.push(`the core failed: ${what}`);
		return { outcome: judge(world, true), trace: world.trace.lines };
	}
	world.watch.end();
	return { outcome: judge(world, false), trace: world.trace.lines };
}

function judge(world: World, broken: boolean): Outcome {
	const { plan, chain, network, watch } = world;
	const { metrics } = watch;
	const missed: string[] = [];
	const excusedBy: Partial<Record<Excuse, number>> = {};
	for (const slot of broken ? [] : chain.slots) {
		const m = chain.miners.findIndex(({ miner }) => miner === slot.miner);
		for (const { partition } of slot.due) {
			if (chain.isPosted(slot, partition)) continue;
			const excuse = excuseFor(plan, m, slot.deadline, partition);
			if (excuse === null) missed.push(`miner ${slot.miner} deadline ${slot.deadline} partition ${partition}`);
			else excusedBy[excuse] = (excusedBy[excuse] ?? 0) + 1;
		}
	}
	return {
		seed: plan.seed,
		nodes: plan.machines.length,
		virtualMs: plan.endMs,
		items: chain.slots.reduce((sum, { due }) => sum + due.length, 0),
		missed,
		violations: [...watch.violations, ...(broken ? [] : needlessSkips(world))],
		excusedBy,
		faults: countKinds(plan.faults),
		gpuMs: metrics.gpuMs(),
		proofsStarted: metrics.proofsStarted,
		duplicateStarts: metrics.duplicateStarts,
		paidTwice: metrics.paidTwice(),
		earlyBackups: metrics.earlyBackups,
		claimMs: metrics.claimMs,
		claimableMs: metrics.claimableMs,
		takeoverResetMs: metrics.takeoverResetMs,
		takeoverSilentMs: metrics.takeoverSilentMs,
		takeoverBusyMs: metrics.takeoverBusyMs,
		messages: network.messages,
		bytes: network.bytes,
	};
}

/** Sectors declared faulty although a holder was there all the time. */
function needlessSkips({ chain, plan }: World): readonly string[] {
	return chain.landed.flatMap(({ message, exitCode }) => {
		const slot: Slot | undefined = chain.slotOf(message);
		if (exitCode !== 0 || slot === undefined) return [];
		const m = chain.miners.findIndex(({ miner }) => miner === slot.miner);
		return [...skipsOf(message)].flatMap((sector) =>
			excuseForSkip(plan, m, slot.deadline, sector) === null ? [`skip of sector ${sector} whose holder was there`] : [],
		);
	});
}

function countKinds(faults: readonly Fault[]): Partial<Record<FaultKind, number>> {
	const counts: Partial<Record<FaultKind, number>> = {};
	for (const { kind } of faults) counts[kind] = (counts[kind] ?? 0) + 1;
	return counts;
}
