/**
 * `node test/sim/main.ts --seeds K --nodes N [--faults none|loss|crash|pause|split|all] [--seed S] [--verbose]`: runs whole
 * deadlines in virtual time and prints what went wrong with the command that repeats it.
 */
import { parseArgs } from 'node:util';
import { Random } from './random.ts';
import { type Options, type Report, World } from './world.ts';

const FAULTS = ['none', 'loss', 'crash', 'pause', 'split', 'all'] as const;
type Faults = (typeof FAULTS)[number];

/** Everything about a run follows from its seed, the number of nodes and the kind of faults. */
export function optionsOf(seed: number, nodes: number, faults: Faults): Options {
	const random = new Random(seed ^ 0x5eed);
	const lossy = faults === 'loss' || faults === 'all';
	const crashing = faults === 'crash' || faults === 'all';
	const splitting = faults === 'split' || faults === 'all';
	const pausing = faults === 'pause' || faults === 'all';
	const epochMs = random.pick([1_000, 2_000, 4_000]);
	// Faults of every kind at once are fewer of each, and last a few epochs: what is asked for must stay possible.
	const most = (count: number): number => (faults === 'all' ? Math.ceil(count / 4) : count);
	const proveMs = random.between(1_500, 15_000);
	// Two machines of seven prove on two slots each: at most half of what they can do until the margin.
	const slots = 2 * Math.max(1, Math.floor((nodes * 2) / 7));
	const feasible = Math.floor((slots * 60 * epochMs) / (2 * proveMs));
	return {
		seed,
		nodes,
		epochMs,
		deadlines: 2,
		partitions: random.between(1, Math.max(1, Math.min(20, feasible))),
		proveMs,
		lossPermille: lossy ? random.between(0, 250) : 0,
		duplicatePermille: lossy ? random.between(0, 300) : 0,
		delayMs: lossy ? random.pick([20, 100, 400]) : random.pick([10, 50]),
		crashes: crashing ? random.between(1, most(20)) : 0,
		downMs: random.between(2_000, Math.min(15_000, 5 * epochMs)),
		pauses: pausing ? random.between(1, most(8)) : 0,
		splits: splitting ? random.between(1, most(5)) : 0,
		outages: faults === 'all' ? random.between(0, 2) : 0,
		stragglerPermille: faults === 'all' ? 50 : 0,
		dropPermille: faults === 'all' ? 30 : 0,
	};
}

if (import.meta.main) {
	const { values } = parseArgs({
		options: {
			seeds: { type: 'string', default: '100' },
			seed: { type: 'string' },
			nodes: { type: 'string', default: '7' },
			faults: { type: 'string', default: 'none' },
			verbose: { type: 'boolean', default: false },
		},
	});
	const faults = FAULTS.find((name) => name === values.faults);
	if (faults === undefined) throw new Error(`--faults is one of ${FAULTS.join(', ')}`);
	const nodes = Number(values.nodes);
	const first = Number(values.seed ?? 1);
	const count = values.seed === undefined ? Number(values.seeds) : 1;
	const reports: Report[] = [];
	for (let seed = first; seed < first + count; seed++) {
		const world = new World(optionsOf(seed, nodes, faults), values.verbose);
		const report = world.run();
		reports.push(report);
		if (values.verbose) console.log(world.log.join('\n'));
		for (const problem of report.problems) console.log(`seed ${seed}: ${problem}`);
		if (report.problems.length > 0) {
			console.log(`  repeat: node test/sim/main.ts --seed ${seed} --nodes ${nodes} --faults ${faults} --verbose`);
		}
	}
	summarize(reports);
	if (reports.some(({ missed }) => missed > 0)) process.exitCode = 1;
}

function summarize(reports: readonly Report[]): void {
	const sum = (of: (report: Report) => number): number => reports.reduce((total, report) => total + of(report), 0);
	const takeovers = reports.flatMap(({ takeovers: ms }) => ms).sort((a, b) => a - b);
	const at = (percent: number): number => takeovers[Math.floor(((takeovers.length - 1) * percent) / 100)] ?? 0;
	console.log(
		`${reports.length} runs, ${sum(({ items }) => items)} items: missed ${sum(({ missed }) => missed)}, ` +
			`wasted messages ${sum(({ wasted }) => wasted)}, extra proofs ${sum(({ extraProofs }) => extraProofs)}, ` +
			`takeovers ${takeovers.length} (p50 ${at(50)} ms, p99 ${at(99)} ms), ` +
			`statements per run ${Math.floor(sum(({ statements }) => statements) / Math.max(1, reports.length))}`,
	);
}
