/** The command line of the simulator. */
import { parseArgs } from 'node:util';
import { FAULT_CLASSES, type FaultClass } from './faults.ts';
import { KINDS, type Kind } from './plan.ts';

export const USAGE = `npm run sim -- [options]
  --nodes N          machines of each mesh, 1 to 1000 (default: 2 to 20, drawn from the seed)
  --seeds K          how many seeds (default 100)
  --first-seed S     the first of them (default 1)
  --kind short|full  400 virtual seconds, or a whole window of 40 minutes (default short)
  --faults LIST      all, none, or some of ${FAULT_CLASSES.join(', ')} (default all)
  --only LIST        with one seed: places in its schedule of the faults to keep
  --jobs J           processes (default 1)
  --trace            with one seed: print everything that was decided
  --json             print the JSON object alone`;

export interface Arguments {
	readonly nodes: number | null;
	readonly seeds: number;
	readonly firstSeed: number;
	readonly kind: Kind;
	readonly classes: readonly FaultClass[];
	/** As it was given, for the command that repeats a seed. */
	readonly faults: string;
	readonly only: readonly number[] | null;
	readonly jobs: number;
	readonly trace: boolean;
	readonly json: boolean;
}

const NODES_MOST = 1_000;
const SEED_MOST = 2 ** 32 - 1;
const JOBS_MOST = 64;

/** Throws an error that says what is wrong and how it is right. */
export function readArguments(argv: readonly string[]): Arguments {
	const { values } = parseArgs({
		args: [...argv],
		options: {
			nodes: { type: 'string' },
			seeds: { type: 'string', default: '100' },
			'first-seed': { type: 'string', default: '1' },
			kind: { type: 'string', default: 'short' },
			faults: { type: 'string', default: 'all' },
			only: { type: 'string' },
			jobs: { type: 'string', default: '1' },
			trace: { type: 'boolean', default: false },
			json: { type: 'boolean', default: false },
		},
	});
	const kind = KINDS.find((name) => name === values.kind);
	if (kind === undefined) throw new Error(`--kind is one of ${KINDS.join(', ')}, not ${values.kind}`);
	const seeds = integer('--seeds', values.seeds, 1, SEED_MOST);
	const { only, trace } = values;
	if (seeds !== 1 && (only !== undefined || trace)) throw new Error('--only and --trace need --seeds 1');
	return {
		nodes: values.nodes === undefined ? null : integer('--nodes', values.nodes, 1, NODES_MOST),
		seeds,
		firstSeed: integer('--first-seed', values['first-seed'], 0, SEED_MOST),
		kind,
		classes: classesOf(values.faults),
		faults: values.faults,
		only: only === undefined ? null : listOf(only).map((part) => integer('--only', part, 0, SEED_MOST)),
		jobs: integer('--jobs', values.jobs, 1, JOBS_MOST),
		trace,
		json: values.json,
	};
}

function integer(name: string, text: string, least: number, most: number): number {
	const value = Number(text);
	if (/^\d+$/.test(text) && value >= least && value <= most) return value;
	throw new Error(`${name} is a whole number from ${least} to ${most}, not ${text}`);
}

function listOf(text: string): readonly string[] {
	return text.split(',').filter((part) => part !== '');
}

function classesOf(text: string): readonly FaultClass[] {
	if (text === 'none') return [];
	if (text === 'all') return FAULT_CLASSES;
	return listOf(text).map((part) => {
		const known = FAULT_CLASSES.find((name) => name === part);
		if (known === undefined)
			throw new Error(`--faults takes all, none or some of ${FAULT_CLASSES.join(', ')}, not ${part}`);
		return known;
	});
}
