/**
 * `npm run sim -- --help`: runs deadlines in virtual time under the production core and prints one JSON object last. A
 * seed that fails is told with the command that repeats it and with the faults that it takes.
 */
import { type Arguments, readArguments, USAGE } from './arguments.ts';
import { runSeeds } from './campaign.ts';
import { drawPlan, type Plan } from './plan.ts';
import { Report } from './report.ts';
import { shrink, withFaults } from './shrink.ts';
import { type Outcome, simulate } from './simulate.ts';

/** Seeds that are shrunk and explained; of further ones the command is printed. */
const EXPLAINED_MOST = 5;
const TRACE_LINES = 80;

async function main(argv: readonly string[]): Promise<void> {
	if (argv.includes('--help')) {
		console.log(USAGE);
		return;
	}
	const given = readArguments(argv);
	const say = given.json ? console.error : console.log;
	const report = new Report();
	const begun = performance.now();
	const used = process.cpuUsage();
	let explained = 0;
	const seeds = await runSeeds(given, (outcome) => {
		report.add(outcome);
		if (hasFailed(outcome)) explain(given, outcome, explained++ < EXPLAINED_MOST, say);
		else if (outcome.paidTwice > 0)
			say(`seed ${outcome.seed}: paid twice, ${command(given, outcome.seed, given.only)}`);
	});
	if (given.trace) for (const line of seeds) console.log(line);
	const { user, system } = process.cpuUsage(used);
	// What other processes of a campaign used is not known here.
	const cpuMs = given.jobs === 1 ? (user + system) / 1_000 : null;
	console.log(JSON.stringify(report.json(given.kind, given.nodes, performance.now() - begun, cpuMs)));
	if (report.failed) process.exitCode = 1;
}

function hasFailed({ missed, violations }: Outcome): boolean {
	return missed.length + violations.length > 0;
}

/** The command that repeats the seed, the faults without which it would not fail, and what led to it. */
function explain(given: Arguments, outcome: Outcome, atLength: boolean, say: (line: string) => void): void {
	const { seed, missed, violations } = outcome;
	for (const problem of [...missed.map((item) => `missed ${item}`), ...violations]) say(`seed ${seed}: ${problem}`);
	say(`  repeat: ${command(given, seed, given.only)}`);
	if (!atLength || given.trace || given.only !== null) return;
	const plan = drawPlan({ ...given, seed });
	const kept = shrink(plan);
	const small: Plan = withFaults(plan, kept);
	say(`  shrunk to ${kept.length} of ${plan.faults.length} faults: ${command(given, seed, kept)}`);
	for (const fault of small.faults) say(`    ${JSON.stringify(fault)}`);
	const { trace } = simulate(small, true);
	for (const line of trace.filter((entry) => !entry.includes(' <- ')).slice(-TRACE_LINES)) say(`    ${line}`);
}

function command({ nodes, kind, faults }: Arguments, seed: number, only: readonly number[] | null): string {
	const size = nodes === null ? '' : ` --nodes ${nodes}`;
	const part = only === null ? '' : ` --only ${only.join(',') || '""'}`;
	return `npm run sim -- --seeds 1 --first-seed ${seed} --kind ${kind} --faults ${faults}${size}${part} --trace`;
}

try {
	await main(process.argv.slice(2));
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	console.error(USAGE);
	process.exitCode = 2;
}
