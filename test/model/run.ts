/**
 * `npm run model [NAME …]`: checks test/model/mesh.pml with Spin in every configuration below, or in the named ones. The
 * first must hold in every reachable state; the others seed an error each and must give a counterexample, or the model
 * would prove nothing. Needs `spin` 6.5 and `gcc`. Exit code 0: all as expected; 1: not so, with the trace; 2: Spin is
 * not installed and nothing was checked.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODEL = fileURLToPath(new URL('mesh.pml', import.meta.url));
/** Room for the largest configuration (about 1 GB) several times over, and none to take a machine down. */
const MEMORY_MB = 6_000;
const TIMEOUT_MS = 900_000;
/** The longest path has some 110 steps. */
const DEPTH = 100_000;
const TRACE_LINES = 60;

interface Configuration {
	readonly name: string;
	/** What it asks, or which error it seeds. */
	readonly about: string;
	readonly defines: Readonly<Record<string, number>>;
}

const HOLDS: readonly Configuration[] = [
	{
		name: 'claims',
		about: '3 nodes, 1 partition, a crash, a false expiry, a wrong proof, a drop',
		defines: { N: 3, CRASHES: 1, FALSETO: 1, BAD: 1, DROPS: 1 },
	},
	{
		name: 'claims-two-crashes',
		about: '3 nodes, 1 partition, 2 crashes, 2 false expiries',
		defines: { N: 3, CRASHES: 2, FALSETO: 2 },
	},
	{
		name: 'claims-restart',
		about: '3 nodes, 1 partition, a crash and restart, a false expiry',
		defines: { N: 3, CRASHES: 1, RESTARTS: 1, FALSETO: 1 },
	},
	{
		name: 'claims-two-partitions',
		about: '2 nodes, 2 partitions from claim to chain, a crash, a false expiry, a drop',
		defines: { N: 2, P: 2, CRASHES: 1, FALSETO: 1, DROPS: 1 },
	},
	{
		name: 'nonces',
		about: '2 submitters, 2 partitions, 2 crashes and restarts, 2 drops',
		defines: { N: 2, P: 2, PROOFS: 0, CRASHES: 2, RESTARTS: 2, DROPS: 2 },
	},
	{
		name: 'nonces-three',
		about: '3 submitters, 2 partitions, a crash and restart, a drop',
		defines: { N: 3, P: 2, PROOFS: 0, CRASHES: 1, RESTARTS: 1, DROPS: 1 },
	},
	{
		name: 'failed-and-reverted',
		about: '3 submitters, 2 partitions, a message that lands and fails, a reorg',
		defines: { N: 3, P: 2, PROOFS: 0, FAILS: 1, REORGS: 1 },
	},
	{
		name: 'crashes-and-reorg',
		about: '3 submitters, 2 partitions, 2 crashes, a reorg',
		defines: { N: 3, P: 2, PROOFS: 0, CRASHES: 2, REORGS: 1 },
	},
	{
		name: 'split',
		about: '2 submitters, 2 partitions, one cut off from mesh and pools, a failure, a reorg, a drop',
		defines: { N: 2, P: 2, PROOFS: 0, SPLITS: 1, FAILS: 1, REORGS: 1, DROPS: 1 },
	},
	{
		name: 'everything',
		about: '2 submitters, 2 partitions, a crash and restart, a failure, a reorg, a drop',
		defines: { N: 2, P: 2, PROOFS: 0, CRASHES: 1, RESTARTS: 1, FAILS: 1, REORGS: 1, DROPS: 1 },
	},
];

const FAILS: readonly Configuration[] = [
	{
		name: 'no-fence',
		about: 'a fallback signs anew instead of pushing the same bytes',
		defines: { N: 2, P: 2, PROOFS: 0, FENCE: 0 },
	},
	{ name: 'no-verification', about: 'results are signed for unverified', defines: { N: 2, BAD: 1, VERIFY: 0 } },
	{
		name: 'no-acknowledgement',
		about: 'the next nonce is used before anybody holds the previous message',
		defines: { N: 2, P: 2, PROOFS: 0, CRASHES: 1, RESTARTS: 1, ACK: 0 },
	},
	{ name: 'no-second-push', about: 'a lost message is left lost', defines: { N: 2, PROOFS: 0, DROPS: 1, REPUSH: 0 } },
	{
		name: 'failed-is-done',
		about: 'a message that landed counts whatever its exit code',
		defines: { N: 2, PROOFS: 0, FAILS: 1, REDO: 0 },
	},
	{
		name: 'untold-pushed',
		about: 'a message that nobody had heard of is pushed after a restart',
		defines: { N: 2, P: 2, PROOFS: 0, CRASHES: 1, RESTARTS: 1, HOLD: 0 },
	},
	{
		name: 'displaced-revived',
		about: 'a reorg brings a displaced message back beside the one that was signed in its stead',
		defines: { N: 2, P: 2, PROOFS: 0, SPLITS: 1, REORGS: 1, REVIVE: 0 },
	},
	{
		name: 'done-at-inclusion',
		about: 'a message is forgotten before it is 5 epochs deep',
		defines: { N: 2, PROOFS: 0, REORGS: 1, KEEP: 0 },
	},
	{ name: 'lease-for-ever', about: 'the lease of a dead node never ends', defines: { N: 2, CRASHES: 1, EXPIRE: 0 } },
];

interface Outcome {
	readonly verdict: 'holds' | 'fails' | 'unfinished';
	readonly states: number;
	readonly seconds: number;
	readonly memoryMb: number;
	readonly detail: string;
}

function check({ defines }: Configuration): Outcome {
	const folder = mkdtempSync(join(tmpdir(), 'poster-model-'));
	const flags = Object.entries(defines).map(([key, value]) => `-D${key}=${value}`);
	const run = (command: string, args: readonly string[]): string => {
		const { stdout, stderr, error, status } = spawnSync(command, args, {
			cwd: folder,
			encoding: 'utf8',
			timeout: TIMEOUT_MS,
		});
		if (error !== undefined) throw error;
		if (status !== 0 && command !== './pan') throw new Error(`${command} ended with ${status}: ${stdout}${stderr}`);
		return stdout;
	};
	try {
		run('spin', ['-a', ...flags, MODEL]);
		run('gcc', ['-w', '-O2', '-DSAFETY', '-DCOLLAPSE', `-DMEMLIM=${MEMORY_MB}`, '-o', 'pan', 'pan.c']);
		const told = run('./pan', [`-m${DEPTH}`, '-n']);
		const figure = (pattern: RegExp): number => Number(pattern.exec(told)?.[1] ?? Number.NaN);
		const errors = figure(/errors: (\d+)/);
		const whole = /Full statespace search/.test(told) && !/max search depth too small|Search not completed/.test(told);
		return {
			verdict: errors > 0 ? 'fails' : errors === 0 && whole ? 'holds' : 'unfinished',
			states: figure(/(\d+) states, stored/),
			seconds: figure(/elapsed time ([\d.]+)/),
			memoryMb: Math.round(figure(/([\d.]+)\s+total actual memory/)),
			detail: errors > 0 ? traceOf(run('spin', ['-t', '-k', 'mesh.pml.trail', ...flags, MODEL])) : told,
		};
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** The steps in words, up to the assertion that failed; the values of all variables stay out. */
function traceOf(replay: string): string {
	const lines = replay.split('\n').map((line) => line.trim());
	const end = lines.findIndex((line) => line.startsWith('spin: trail ends'));
	return lines.slice(Math.max(0, end - TRACE_LINES), end).join('\n');
}

function main(names: readonly string[]): void {
	if (spawnSync('spin', ['-V']).error !== undefined || spawnSync('gcc', ['--version']).error !== undefined) {
		console.error('spin or gcc is not installed, so nothing was checked (Debian and Ubuntu: apt-get install spin gcc)');
		process.exitCode = 2;
		return;
	}
	console.log(`${cpus()[0]?.model ?? 'unknown processor'}, one core`);
	for (const [expected, configurations] of [['holds', HOLDS] as const, ['fails', FAILS] as const]) {
		for (const configuration of configurations) {
			if (names.length > 0 && !names.includes(configuration.name)) continue;
			const { verdict, states, seconds, memoryMb, detail } = check(configuration);
			const right = verdict === expected;
			console.log(
				`${right ? 'ok  ' : 'FAIL'} ${configuration.name.padEnd(22)} ${verdict.padEnd(6)}` +
					`${String(states).padStart(11)} states ${seconds.toFixed(1).padStart(6)} s ${String(memoryMb).padStart(5)} MB` +
					`  ${configuration.about}`,
			);
			if (right) continue;
			console.log(`expected: ${expected}\n${detail}`);
			process.exitCode = 1;
		}
	}
}

main(process.argv.slice(2));
