import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { createLog } from '../../src/adapters/observe/log.ts';
import { createMetrics } from '../../src/adapters/observe/metrics.ts';
import { type LogEntry, memoryLog } from '../support/memory-log.ts';
import { memoryMetrics } from '../support/memory-metrics.ts';
import { until } from '../support/until.ts';
import { logCompliance, metricsCompliance } from './observe.ts';

const root = mkdtempSync(join(tmpdir(), 'poster-observe-'));
after(() => rmSync(root, { recursive: true, force: true }));
let files = 0;

logCompliance('pino', () => {
	const file = join(root, String(files++));
	const log = createLog({ level: 'debug', base: {}, destination: openSync(file, 'w') });
	const lines = (): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);
	// Not flushed: that would overtake the line that is being written.
	const entries = async (count: number): Promise<LogEntry[]> => {
		await until('the lines are written', () => lines().length >= count);
		return lines().map((line) => {
			const { level, msg, time: _, ...facts } = JSON.parse(line);
			return { level, message: msg, facts };
		});
	};
	return { log, entries };
});

logCompliance('memory', () => {
	const log = memoryLog();
	return { log, entries: async () => log.entries };
});

metricsCompliance('prom-client', () => {
	const metrics = createMetrics();
	const total = async (name: string, labels: Readonly<Record<string, string>>): Promise<number> => {
		const found = await metrics.registry.getSingleMetric(name)?.get();
		const same = found?.values.filter((value) => Object.entries(labels).every(([key, is]) => value.labels[key] === is));
		return (same ?? []).reduce((sum, { value }) => sum + value, 0);
	};
	return { metrics, total };
});

metricsCompliance('memory', () => {
	const metrics = memoryMetrics();
	return { metrics, total: async (name, labels) => metrics.total(name, labels) };
});
