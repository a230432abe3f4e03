/** Runs many seeds, in this process or side by side in several; every outcome is handed on as it comes. */
import { fork } from 'node:child_process';
import type { Arguments } from './arguments.ts';
import { drawPlan } from './plan.ts';
import { withFaults } from './shrink.ts';
import { type Outcome, simulate } from './simulate.ts';

const WORKER_ENV = 'SIM_WORKER_TASK';

/** Returns the trace when one was asked for. */
export async function runSeeds(given: Arguments, take: (outcome: Outcome) => void): Promise<readonly string[]> {
	if (given.jobs > 1) {
		await Promise.all(Array.from({ length: given.jobs }, (_, job) => runWorker(given, job, take)));
		return [];
	}
	let trace: readonly string[] = [];
	for (let i = 0; i < given.seeds; i++) {
		const run = runSeed(given, given.firstSeed + i);
		trace = run.trace;
		take(run.outcome);
	}
	return trace;
}

function runSeed(given: Arguments, seed: number) {
	const plan = drawPlan({ ...given, seed });
	return simulate(given.only === null ? plan : withFaults(plan, given.only), given.trace);
}

interface Task {
	readonly given: Arguments;
	readonly job: number;
}

/** Every `jobs`-th seed in a process of its own. */
function runWorker(given: Arguments, job: number, take: (outcome: Outcome) => void): Promise<void> {
	const task: Task = { given, job };
	const child = fork(import.meta.filename, { env: { ...process.env, [WORKER_ENV]: JSON.stringify(task) } });
	child.on('message', (outcome) => take(outcome as Outcome));
	return new Promise((resolve, reject) => {
		child.once('error', reject);
		child.once('exit', (code) => {
			if (code === 0) resolve();
			else reject(new Error(`a worker ended with ${code}`));
		});
	});
}

if (import.meta.main) {
	const { given, job } = JSON.parse(process.env[WORKER_ENV] ?? '') as Task;
	for (let i = job; i < given.seeds; i += given.jobs) {
		const { outcome } = runSeed(given, given.firstSeed + i);
		await new Promise<void>((resolve, reject) => {
			process.send?.(outcome, (error: Error | null) => (error === null ? resolve() : reject(error)));
		});
	}
	process.disconnect();
}
