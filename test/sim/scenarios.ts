/**
 * What single seeds do not show by chance: plans made for one question each, with the figure that answers it and the
 * bound that it must keep. `npm run sim:scenarios -- --help`.
 */
import type { Bitfield } from '../../src/domain/bitfield.ts';
import type { Role } from '../../src/domain/roster.ts';
import type { Slot } from './chain.ts';
import { closeEpoch, dealSectors, LOOKBACK, type Machine, type Plan, WINDOW } from './plan.ts';
import { STRAGGLER_FACTOR } from './prover.ts';
import { Random } from './random.ts';
import { type Outcome, runWorld, simulate } from './simulate.ts';
import { World } from './world.ts';

/** One figure and the most that it may be. */
export interface Bound {
	readonly value: number | null;
	readonly most: number;
}

export interface Answer {
	readonly [figure: string]: Bound | number | string;
}

export interface Scenario {
	readonly about: string;
	/** How many seeds answer the question where nothing else is said. */
	readonly seeds: number;
	run(seeds: readonly number[]): Answer;
}

const SHORT_EPOCH_MS = 3_750;
const FULL_EPOCH_MS = 30_000;
const SPLIT_MS = 300_000;
const STRAY_PERMILLE = 50;
const GPU_PERCENT = 60;
const BURST_PARTITIONS = 3_000;
const BURST_NODES = 50;

const DUTIES: readonly (readonly Role[])[] = [['chain', 'submitter'], ['storage'], ['prover'], ['prover'], ['prover']];

function machinesOf(count: number, slots: number): readonly Machine[] {
	return Array.from({ length: count }, (_, i) => {
		const roles = DUTIES[i % DUTIES.length] as readonly Role[];
		return { name: `${roles[0]}-${i + 1}`, roles, slots: roles.includes('prover') ? slots : 0 };
	});
}

function slotsOf(machines: readonly Machine[]): number {
	return machines.reduce((sum, { slots }) => sum + slots, 0);
}

/** A calm plan; the sectors are dealt to its storage machines and it ends some epochs after the last close. */
function planOf(wanted: Pick<Plan, 'seed' | 'epochMs' | 'machines' | 'partitions' | 'proveMs'> & Partial<Plan>): Plan {
	const base = {
		firstChallenge: 8,
		miners: 1,
		deadlines: 1,
		sectors: 2,
		delayMs: 150,
		faults: [],
		calmMs: 0,
		...wanted,
	};
	const holdings: readonly Bitfield[] = dealSectors(base, Random.of(base.seed, 'holdings'));
	const endMs = (closeEpoch(base, base.miners - 1, base.deadlines - 1) + 15) * base.epochMs;
	return { ...base, holdings, endMs };
}

function runAll(seeds: readonly number[], plan: (seed: number) => Plan): readonly Outcome[] {
	return seeds.map((seed) => simulate(plan(seed)).outcome);
}

/** What every scenario must keep besides its own bound. */
function common(outcomes: readonly Outcome[]) {
	const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, one) => total + of(one), 0);
	const total = sum(({ gpuMs }) => gpuMs.total);
	const duplicate = sum(({ gpuMs }) => gpuMs.duplicate);
	const starts = sum(({ proofsStarted }) => proofsStarted);
	return {
		runs: outcomes.length,
		items: sum(({ items }) => items),
		proofs: starts,
		missed: { value: sum(({ missed }) => missed.length), most: 0 },
		violations: { value: sum(({ violations }) => violations.length), most: 0 },
		extraGpuPermille: Math.round((duplicate * 10_000) / Math.max(1, total - duplicate)) / 10,
		duplicateStartsPer1000:
			Math.round((sum(({ duplicateStarts }) => duplicateStarts) * 10_000) / Math.max(1, starts)) / 10,
	};
}

const split: Scenario = {
	about: '20 machines, a window of 40 minutes, cut into halves for 300 s while work is done',
	seeds: 20,
	run(seeds) {
		const figures = common(
			runAll(seeds, (seed) => {
				const random = Random.of(seed, 'scenario');
				const machines = machinesOf(20, 2);
				const proveMs = random.between(60_000, 240_000);
				const side = random.some(
					machines.map((_, i) => i),
					machines.length / 2,
				);
				const from = (8 + 1) * FULL_EPOCH_MS;
				const at = from + random.between(0, 600_000);
				const faults = [{ kind: 'split', side, at, until: at + SPLIT_MS }] as const;
				const plan = { seed, epochMs: FULL_EPOCH_MS, machines, proveMs, partitions: 48, faults };
				return planOf({ ...plan, calmMs: at + SPLIT_MS });
			}),
		);
		return {
			...figures,
			extraGpuPermille: { value: figures.extraGpuPermille, most: 2 },
			duplicateStartsPer1000: { value: figures.duplicateStartsPer1000, most: 20 },
		};
	},
};

const stragglers: Scenario = {
	about: '20 machines, 60 % of their GPU time due, of 1,000 proofs 50 take six times as long',
	seeds: 20,
	run(seeds) {
		let early = 0;
		const outcomes = seeds.map((seed) => {
			const machines = machinesOf(20, 2);
			const proveMs = Random.of(seed, 'scenario').between(6_000, 12_000);
			const meanMs = (proveMs * (1_000 + STRAY_PERMILLE * (STRAGGLER_FACTOR - 1))) / 1_000;
			const gpuMs = slotsOf(machines) * (LOOKBACK + WINDOW) * SHORT_EPOCH_MS;
			const partitions = Math.floor((gpuMs * GPU_PERCENT) / 100 / meanMs);
			const plan = { seed, epochMs: SHORT_EPOCH_MS, machines, proveMs, partitions, strayPermille: STRAY_PERMILLE };
			const { outcome } = simulate(planOf({ ...plan, tipsetMessages: partitions }));
			early += outcome.earlyBackups;
			return outcome;
		});
		const figures = common(outcomes);
		return {
			...figures,
			extraGpuPermille: { value: figures.extraGpuPermille, most: 100 },
			backupsBeforeUnstartedWork: { value: early, most: 0 },
		};
	},
};

const deadlines: Scenario = {
	about: '20 machines, three miners at once, two deadlines of each one after another',
	seeds: 20,
	run: (seeds) =>
		common(
			runAll(seeds, (seed) =>
				planOf({
					seed,
					epochMs: SHORT_EPOCH_MS,
					machines: machinesOf(20, 2),
					proveMs: 8_000,
					miners: 3,
					deadlines: 2,
					partitions: 8,
				}),
			),
		),
};

/** Where the one partition of the second miner stood when 3,000 of another one were due. */
function burst(seeds: readonly number[], partitions: number): Answer {
	let claimed: number | null = 0;
	let proven: number | null = 0;
	const outcomes = seeds.map((seed) => {
		const machines = machinesOf(BURST_NODES, 4);
		const plan = { seed, epochMs: SHORT_EPOCH_MS, machines, proveMs: 3_000, sectors: 1, partitions };
		const world = new World(
			planOf({ ...plan, miners: 2, due: [partitions, 1], tipsetMessages: Math.ceil(partitions / 40) }),
		);
		const { outcome } = runWorld(world);
		const { claimedAt, madeAt } = world.watch.metrics;
		const slot = world.chain.slots[1] as Slot;
		const since = (slot.challenge + 1) * SHORT_EPOCH_MS;
		const [item] = world.itemsOf(slot);
		claimed = worst(claimed, item === undefined ? undefined : claimedAt.get(item.id), since);
		proven = worst(proven, item === undefined ? undefined : madeAt.get(item.id), since);
		return outcome;
	});
	const closeMs = (LOOKBACK + WINDOW) * SHORT_EPOCH_MS;
	return {
		...common(outcomes),
		secondMinerClaimedMs: { value: claimed, most: closeMs / 2 },
		secondMinerProvenMs: { value: proven, most: closeMs },
	};
}

/** The longest so far; null once something never came. */
function worst(longest: number | null, at: number | undefined, since: number): number | null {
	return longest === null || at === undefined ? null : Math.max(longest, at - since);
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
	split,
	stragglers,
	deadlines,
	burst: {
		about: `${BURST_PARTITIONS} partitions announced to ${BURST_NODES} machines, and one of a second miner that closes later`,
		seeds: 1,
		run: (seeds) => burst(seeds, BURST_PARTITIONS),
	},
	'small-burst': {
		about: 'the same with 300 partitions',
		seeds: 1,
		run: (seeds) => burst(seeds, BURST_PARTITIONS / 10),
	},
};
