import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createClock } from '../../../../src/adapters/observe/clock.ts';
import { createLog } from '../../../../src/adapters/observe/log.ts';
import { monitorLoop } from '../../../../src/adapters/observe/loop-delay.ts';
import { createMetrics } from '../../../../src/adapters/observe/metrics.ts';
import { PosterError } from '../../../../src/domain/errors.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { Metrics } from '../../../../src/ports/metrics.ts';
import { until } from '../../../support/until.ts';

const root = mkdtempSync(join(tmpdir(), 'poster-observe-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('log lines are JSON with level, base facts and message; a coded error shows code and facts, a bug its stack', async () => {
	const file = join(root, 'log');
	const fd = openSync(file, 'w');
	const log = createLog({ level: 'info', base: { node: 'n1' }, destination: fd });
	const error = new PosterError('store-io', 'no', { meta: { folder: '/x' }, cause: new Error('deep') });
	log.debug({}, 'unseen');
	log.child({ peer: 'p' }).warn({ error, big: 5n }, 'failed');
	await until('the first line is written', () => statSync(file).size > 0);
	log.error({ error: new TypeError('bug') }, 'crashed');
	log.flush();
	closeSync(fd);
	const [first, second, ...more] = readFileSync(file, 'utf8')
		.trim()
		.split('\n')
		.map((line) => JSON.parse(line));
	assert.equal(more.length, 0);
	assert.equal(first.level, 'warn');
	assert.equal(first.node, 'n1');
	assert.equal(first.peer, 'p');
	assert.equal(first.msg, 'failed');
	assert.equal(first.error.code, 'store-io');
	assert.equal(first.error.folder, '/x');
	assert.equal(first.error.stack, undefined);
	assert.match(first.error.cause.message, /deep/);
	assert.match(second.error.stack, /observe\.test/);
});

test('counters, gauges and histograms come out as Prometheus text, in a registry of their own', async () => {
	const metrics = createMetrics();
	for (let i = 0; i < 3; i++) metrics.count('poster_alarms_total', { code: 'a' });
	metrics.gauge('poster_mesh_peers', 7);
	metrics.observe('poster_step_seconds', 0.3, { step: 'prove' });
	const text = await metrics.text();
	assert.match(text, /^# HELP poster_mesh_peers Peers with an open connection\.$/m);
	assert.match(text, /^poster_alarms_total\{code="a"\} 3$/m);
	assert.match(text, /^poster_mesh_peers 7$/m);
	assert.match(text, /^poster_step_seconds_bucket\{le="0.5",step="prove"\} 1$/m);
	assert.doesNotMatch(await createMetrics().text(), /poster_alarms_total/);
});

test('label values without end are counted together above the bound', async () => {
	const metrics = createMetrics();
	for (let i = 0; i < limits.metricSeries + 5; i++) metrics.count('poster_alarms_total', { code: String(i) });
	const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('poster_alarms_total{'));
	assert.equal(lines.length, limits.metricSeries + 1);
	assert.ok(lines.includes('poster_alarms_total{code="other"} 5'));
});

test('an aborted sleep rejects with the reason of its signal', async () => {
	const clock = createClock();
	const reason = new Error('mine');
	await assert.rejects(clock.sleep(60_000, AbortSignal.abort(reason)), reason);
	const later = new AbortController();
	const slept = clock.sleep(60_000, later.signal);
	later.abort(reason);
	await assert.rejects(slept, reason);
});

test('a cancelled timer does not run, and time is a whole number that never goes back', async () => {
	const clock = createClock();
	let ran = false;
	clock.after(0, () => {
		ran = true;
	})();
	const before = clock.now();
	await clock.sleep(5);
	assert.ok(!ran);
	assert.ok(Number.isInteger(before) && clock.now() >= before);
});

test('the loop monitor reports each time anew and warns of a block', async () => {
	const timers: (() => void)[] = [];
	const gauges: string[] = [];
	const warnings: object[] = [];
	const clock = {
		...createClock(),
		after: (_: number, run: () => void) => {
			timers.push(run);
			return () => undefined;
		},
	};
	const log = { ...silent, warn: (facts: object) => void warnings.push(facts) };
	const metrics: Metrics = {
		count: () => undefined,
		gauge: (...[name]) => void gauges.push(name),
		observe: () => undefined,
	};
	const monitor = monitorLoop(clock, metrics, log);
	await clock.sleep(20);
	const blocked = clock.now() + limits.loopBlockMs + 50;
	while (clock.now() < blocked);
	await clock.sleep(20);
	timers.shift()?.();
	assert.deepEqual(gauges, ['poster_loop_delay_p99_seconds', 'poster_loop_delay_max_seconds']);
	assert.equal(timers.length, 1, 'the next report is due');
	assert.equal(warnings.length, 1);
	assert.equal(monitor.current().maxMs, 0, 'nothing since the report');
	monitor.stop();
});

const silent = {
	debug: () => undefined,
	info: () => undefined,
	warn: () => undefined,
	error: () => undefined,
	child: () => silent,
};
