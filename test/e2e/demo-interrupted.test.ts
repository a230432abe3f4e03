/** The demo owns what it starts: told to end in the middle, or killed, it leaves no process behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { CLI_MAIN } from '../support/cli.ts';
import { alive, descendants } from '../support/descendants.ts';
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
			assert.equal(existsSync(folder), false, 'its folder is removed');
		}
		await until('no process is left', async () => (await alive(started)).length === 0);
	});
}
