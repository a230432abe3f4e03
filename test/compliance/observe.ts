/** What everything behind the Log and Metrics ports promises: what was told can be read back, and is nobody else's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '../../src/ports/log.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import type { LogEntry } from '../support/memory-log.ts';

export interface LogHarness {
	readonly log: Log;
	/** Resolves when so many have been written. */
	readonly entries: (count: number) => Promise<readonly LogEntry[]>;
}

export function logCompliance(name: string, open: () => LogHarness): void {
	test(`${name}: each entry has its level, its message and its facts, in order`, async () => {
		const { log, entries } = open();
		const levels = ['debug', 'info', 'warn', 'error'] as const;
		for (const level of levels) log[level]({ at: level }, `said ${level}`);
		assert.deepEqual(
			await entries(levels.length),
			levels.map((level) => ({ level, message: `said ${level}`, facts: { at: level } })),
		);
	});

	test(`${name}: a child adds its facts to those of its parents, which stay as they are`, async () => {
		const { log, entries } = open();
		const child = log.child({ peer: 'p' });
		child.child({ work: 'w' }).info({ sector: 1 }, 'deep');
		child.info({}, 'child');
		log.info({}, 'parent');
		assert.deepEqual(
			(await entries(3)).map(({ facts }) => facts),
			[{ peer: 'p', work: 'w', sector: 1 }, { peer: 'p' }, {}],
		);
	});
}

export interface MetricsHarness {
	readonly metrics: Metrics;
	readonly total: (name: string, labels: Readonly<Record<string, string>>) => Promise<number>;
}

export function metricsCompliance(name: string, open: () => MetricsHarness): void {
	test(`${name}: a counter counts each set of labels apart, a gauge and a histogram are no counters`, async () => {
		const { metrics, total } = open();
		metrics.count('poster_alarms_total', { code: 'a' });
		metrics.count('poster_alarms_total', { code: 'a' });
		metrics.count('poster_alarms_total', { code: 'b' });
		metrics.gauge('poster_mesh_peers', 3);
		metrics.observe('poster_step_seconds', 0.5, { step: 'prove' });
		assert.equal(await total('poster_alarms_total', { code: 'a' }), 2);
		assert.equal(await total('poster_alarms_total', { code: 'b' }), 1);
		assert.equal(await total('poster_alarms_total', { code: 'c' }), 0);
	});

	test(`${name}: what one counts no other one has`, async () => {
		const [one, other] = [open(), open()];
		one.metrics.count('poster_alarms_total', { code: 'a' });
		assert.equal(await other.total('poster_alarms_total', { code: 'a' }), 0);
	});
}
