/**
 * Everything a run follows from, as plain data: the machines, what is due, and the schedule of faults. Drawn from the
 * seed before the run begins, so that the oracle may read it and the shrinker may leave out parts of it.
 */
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { Role } from '../../src/domain/roster.ts';
import { drawFaults, type Fault, type FaultClass } from './faults.ts';
import { Random } from './random.ts';

/** Epochs of a deadline, and how long before it its randomness is fixed: as on the real chain. */
export const WINDOW = 60;
export const LOOKBACK = 20;

export const KINDS = ['short', 'full'] as const;
export type Kind = (typeof KINDS)[number];

/** One machine of a mesh. */
export interface Machine {
	readonly name: string;
	readonly roles: readonly Role[];
	readonly slots: number;
}

export interface Plan {
	readonly seed: number;
	readonly epochMs: number;
	/** Epoch of the first challenge. */
	readonly firstChallenge: number;
	readonly endMs: number;
	readonly miners: number;
	/** Deadlines of each miner, one after another. */
	readonly deadlines: number;
	/** Partitions of each deadline, and sectors of each partition. */
	readonly partitions: number;
	readonly sectors: number;
	/** Partitions of each deadline by miner, where they are not as many for all: no more than `partitions`. */
	readonly due?: readonly number[];
	/** Median time of a proof, ms. */
	readonly proveMs: number;
	/** Of a thousand proofs so many take six times as long. */
	readonly strayPermille?: number;
	/** Most messages that one tipset takes, where they are not a few. */
	readonly tipsetMessages?: number;
	/** One-way delay of gossip, its 99th percentile, ms. */
	readonly delayMs: number;
	readonly machines: readonly Machine[];
	/** Sectors on the disks of each machine, by its place in `machines`. */
	readonly holdings: readonly Bitfield[];
	readonly faults: readonly Fault[];
	/** From here on nothing is done to anybody. */
	readonly calmMs: number;
}

/** How long the two kinds of runs take: a window of challenge to close with a start before and a calm tail behind it. */
const TIMING = {
	short: { epochMs: 3_750, firstChallenge: 8, endMs: 400_000, proveMs: [4_000, 20_000], delayMs: 150 },
	full: { epochMs: 30_000, firstChallenge: 2, endMs: 2_760_000, proveMs: [60_000, 240_000], delayMs: 150 },
} as const;

/** Epochs between the windows of two miners. */
const MINER_STEP = 2;
/** Part of what the slots can do from challenge to close that is due, in percent at most. */
const LOAD_PERCENT = 45;
const ITEMS_MOST = 32;

export interface Wanted {
	readonly seed: number;
	/** Null draws 2 to 20. */
	readonly nodes: number | null;
	readonly kind: Kind;
	readonly classes: readonly FaultClass[];
}

export function drawPlan({ seed, nodes, kind, classes }: Wanted): Plan {
	const random = Random.of(seed, 'plan');
	const count = nodes ?? random.between(2, 20);
	const { epochMs, firstChallenge, endMs, proveMs: range, delayMs } = TIMING[kind];
	const proveMs = random.between(range[0], range[1]);
	const machines = machinesOf(count, random);
	const miners = random.pick([1, 1, 1, 2, 2, 3]);
	const slots = machines.reduce((sum, machine) => sum + machine.slots, 0);
	const most = Math.floor((slots * (WINDOW + LOOKBACK) * epochMs * LOAD_PERCENT) / (100 * proveMs));
	const items = random.between(1, Math.max(1, Math.min(ITEMS_MOST, most)));
	const calm = {
		seed,
		epochMs,
		firstChallenge,
		endMs,
		miners,
		deadlines: 1,
		partitions: Math.max(1, Math.floor(items / miners)),
		sectors: 6,
		proveMs,
		delayMs,
		machines,
		faults: [],
		calmMs: 0,
	};
	const plan = { ...calm, holdings: dealSectors(calm, random) };
	return { ...plan, ...drawFaults(plan, classes, Random.of(seed, 'faults')) };
}

export function challengeEpoch(plan: Pick<Plan, 'firstChallenge'>, miner: number, deadline: number): number {
	return plan.firstChallenge + miner * MINER_STEP + deadline * WINDOW;
}

export function openEpoch(plan: Pick<Plan, 'firstChallenge'>, miner: number, deadline: number): number {
	return challengeEpoch(plan, miner, deadline) + LOOKBACK;
}

export function closeEpoch(plan: Pick<Plan, 'firstChallenge'>, miner: number, deadline: number): number {
	return openEpoch(plan, miner, deadline) + WINDOW;
}

/** When the first deadline's randomness is known and when the last deadline closes, ms. */
export function windowMs(
	plan: Pick<Plan, 'firstChallenge' | 'epochMs' | 'miners' | 'deadlines'>,
): readonly [number, number] {
	const close = closeEpoch(plan, plan.miners - 1, plan.deadlines - 1);
	return [(plan.firstChallenge + 1) * plan.epochMs, close * plan.epochMs];
}

/** Sector numbers of one partition: all miners count from different bases, so that a number names one sector. */
export function sectorsOf(
	{ sectors, partitions, deadlines }: Pick<Plan, 'sectors' | 'partitions' | 'deadlines'>,
	miner: number,
	deadline: number,
	partition: number,
): readonly number[] {
	const base = ((miner * deadlines + deadline) * partitions + partition) * sectors;
	return Array.from({ length: sectors }, (_, i) => base + i);
}

export function allSectors(plan: Pick<Plan, 'sectors' | 'partitions' | 'deadlines' | 'miners'>): readonly number[] {
	const { sectors, partitions, deadlines, miners } = plan;
	return Array.from({ length: sectors * partitions * deadlines * miners }, (_, i) => i);
}

/** One or two storage machines for each sector. */
export function dealSectors(
	plan: Pick<Plan, 'sectors' | 'partitions' | 'deadlines' | 'miners' | 'machines'>,
	random: Random,
): readonly Bitfield[] {
	const held = plan.machines.map((): number[] => []);
	const storages = plan.machines.flatMap(({ roles }, i) => (roles.includes('storage') ? [i] : []));
	for (const sector of allSectors(plan)) {
		const first = random.between(0, storages.length - 1);
		const copies = random.chance(300) ? 2 : 1;
		for (let i = 0; i < Math.min(copies, storages.length); i++) {
			held[storages[(first + i) % storages.length] as number]?.push(sector);
		}
	}
	return held.map((sectors) => Bitfield.of(sectors));
}

const ALL: readonly Role[] = ['chain', 'storage', 'prover', 'submitter'];
/** Machines that do everything. */
const ALIKE: readonly (readonly Role[])[] = [ALL];
const FEW: readonly (readonly Role[])[] = [ALL, ['chain', 'storage', 'submitter'], ['prover'], ALL, ['prover']];
/** Machines for one duty each, as sites grow. */
const DIVIDED: readonly (readonly Role[])[] = [
	['chain', 'submitter'],
	['storage'],
	['prover'],
	['storage'],
	['chain', 'submitter'],
	['prover'],
	['bootstrap'],
	['prover'],
];
const FEW_NODES = 6;

function machinesOf(count: number, random: Random): readonly Machine[] {
	const pattern = count < FEW_NODES ? FEW : random.chance(250) ? ALIKE : DIVIDED;
	return Array.from({ length: count }, (_, i) => {
		const roles = pattern[i % pattern.length] as readonly Role[];
		return { name: `${roles[0]}-${i + 1}`, roles, slots: roles.includes('prover') ? random.between(1, 3) : 0 };
	});
}
