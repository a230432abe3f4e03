/** The demo as a script runs it, from start to end, with the victim that it takes by itself. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { CLI_MAIN } from '../support/cli.ts';
import { alive, descendants } from '../support/descendants.ts';

const PARTITIONS = 4;
const STEPS = ['find', 'open', 'transfer', 'check', 'prove', 'verify', 'submit'];

test('a prover is killed, all is proven and paid once, accepted proofs survive, the tampered one loses', async (t) => {
	const demo = spawn(process.execPath, [CLI_MAIN, 'demo', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
	t.after(() => demo.kill('SIGKILL'));
	const { pid } = demo;
	assert.ok(pid !== undefined);
	const ended = Promise.all([text(demo.stdout), once(demo, 'close')]);
	const started = new Set<number>();
	let told = '';
	// Without a terminal it tells every change on a line: often enough to meet all processes.
	for await (const lines of demo.stderr.setEncoding('utf8')) {
		told += lines;
		for (const child of await descendants(pid)) started.add(child);
	}
	const [stdout, [code]] = await ended;
	const summary = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
	assert.deepEqual(summary.failures, [], told);
	assert.equal(code, 0);
	const { stageMs, takeovers, takeoverMs, victims, wallMs, ...counted } = summary;
	assert.deepEqual(counted, {
		ok: true,
		partitions: PARTITIONS,
		proven: PARTITIONS,
		missed: 0,
		faults: 0,
		killed: 1,
		duplicateSubmissions: 0,
		disputes: { honest: PARTITIONS, honestSurvived: PARTITIONS, tampered: 1, tamperedLost: 1 },
		failures: [],
		folder: null,
	});
	assert.match(victims.join(), /^prover-[12]$/);
	assert.ok(takeovers >= 1, 'it died in a proof that another took over');
	assert.equal(takeoverMs.length, takeovers);
	assert.deepEqual(Object.keys(stageMs), STEPS);
	for (const ms of [...takeoverMs, ...Object.values(stageMs), wallMs])
		assert.ok(Number.isInteger(ms) && ms >= 0, `${ms}`);

	assert.ok(started.size > 0);
	assert.deepEqual(await alive([...started]), []);
	const folder = /Files of this run: (\S+)/.exec(told)?.[1] ?? '';
	assert.equal(existsSync(folder), false, 'what held leaves no files');
});
