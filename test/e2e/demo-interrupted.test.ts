/** The demo owns what it starts: told to end in the middle, or killed, it leaves no process behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm } from 'node:fs/promises';
import { test } from 'node:test';
import { CLI_MAIN } from '../support/cli.ts';
import { PATIENCE_MS } from '../support/mesh-bench.ts';
import { until } from '../support/until.ts';

/** The chain and seven nodes, their workers not counted. */
const PROCESSES = 8;

for (const [signal, rule] of [
	['SIGTERM', 'a demo that is told to end in the middle ends everything it started'],
	['SIGKILL', 'what a demo started ends by itself when the demo is killed'],
] as const) {
	test(rule, async (t) => {
		const demo = spawn(process.execPath, [CLI_MAIN, 'demo', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
		t.after(() => demo.kill('SIGKILL'));
		const told = { stdout: '', stderr: '' };
		for (const name of ['stdout', 'stderr'] as const) {
			demo[name].setEncoding('utf8').on('data', (text: string) => {
				told[name] += text;
			});
		}
		await until('the nodes are connected', () => told.stderr.includes('All nodes are connected'), PATIENCE_MS);
		const { pid } = demo;
		assert.ok(pid !== undefined);
		const folder = /Files of this run: (\S+)/.exec(told.stderr)?.[1];
		assert.ok(folder);
		t.after(() => rm(folder, { recursive: true, force: true }));
		const started = await descendants(pid);
		assert.ok(started.length > PROCESSES, `${started.length} processes run`);

		demo.kill(signal);
		const [code] = await once(demo, 'close');
		if (signal === 'SIGTERM') {
			assert.equal(code, 1);
			assert.equal(JSON.parse(told.stdout).error.code, 'demo-interrupted');
		}
		await until('no process is left', async () => (await alive(started)).length === 0);
	});
}

/** Children, their children and so on, by what the kernel says. */
async function descendants(root: number): Promise<readonly number[]> {
	const parents = new Map<number, number>();
	for (const name of await readdir('/proc')) {
		if (!/^\d+$/.test(name)) continue;
		const parent = await parentOf(Number(name));
		if (parent !== undefined) parents.set(Number(name), parent);
	}
	const found = [root];
	// The list grows while it is walked.
	for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
	return found.slice(1);
}

async function alive(pids: readonly number[]): Promise<readonly number[]> {
	const parents = await Promise.all(pids.map(parentOf));
	return pids.filter((_, index) => parents[index] !== undefined);
}

/** Undefined for a process that is gone. */
async function parentOf(pid: number): Promise<number | undefined> {
	try {
		const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
		const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		return state === 'Z' ? undefined : Number(parent);
	} catch (error) {
		if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
		throw error;
	}
}
