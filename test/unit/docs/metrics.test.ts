import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { metricsPage } from '../../../scripts/docs-metrics.ts';
import { createMetrics } from '../../../src/adapters/observe/metrics.ts';
import { METRICS, type MetricName } from '../../../src/ports/metric-catalogue.ts';

const repository = join(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(join(repository, file), 'utf8');
/** Prometheus' own, of every target. */
const SCRAPED = ['up', 'instance', 'job', 'le'];

function labelsOf(name: string): readonly string[] | undefined {
	if (name in METRICS) return Object.keys(METRICS[name as MetricName].labels);
	const base = name.replace(/_(bucket|sum|count)$/, '');
	if (base === name || !(base in METRICS) || METRICS[base as MetricName].kind !== 'histogram') return undefined;
	return labelsOf(base);
}

interface Panel {
	readonly title: string;
	readonly targets?: readonly { readonly expr: string }[];
}

function dashboardQueries(): string[] {
	const { panels } = JSON.parse(read('bootstrap/dashboard.json')) as { readonly panels: readonly Panel[] };
	return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

function alertQueries(): string[] {
	return [...read('bootstrap/alerts.yaml').matchAll(/^ +expr: (.+)$/gm)].map(([, expr]) => expr as string);
}

test('docs/metrics.md names every metric with unit and meaning, as they are', {
	skip: process.platform !== 'linux',
}, async () => {
	const page = await metricsPage();
	for (const name of Object.keys(METRICS)) assert.ok(page.includes(`| \`${name}\` |`), `${name} stands in no section`);
	assert.equal(read('docs/metrics.md'), page, 'npm run docs:metrics writes it anew');
});

test('every metric of the catalogue is told somewhere', () => {
	const sources = globSync('src/**/*.ts', { cwd: repository })
		.filter((file) => !file.endsWith('metric-catalogue.ts'))
		.map(read)
		.join('\n');
	const silent = Object.keys(METRICS).filter((name) => !sources.includes(`'${name}'`));
	assert.deepEqual(silent, []);
});

test('dashboard and alert rules ask for metrics and labels that there are', async () => {
	const libraries = (await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name);
	const queries = [...dashboardQueries(), ...alertQueries()];
	assert.ok(dashboardQueries().length > 20);
	assert.ok(alertQueries().length > 10);
	for (const query of queries) {
		const known = new Set(SCRAPED);
		let metrics = 0;
		for (const [, name = '', selector = ''] of query.matchAll(
			/\b((?:poster|process|nodejs)_\w+|up)\b(?:\{([^}]*)\})?/g,
		)) {
			metrics++;
			const labels = labelsOf(name) ?? (libraries.includes(name) || name === 'up' ? [] : undefined);
			assert.ok(labels !== undefined, `${name} is no metric: ${query}`);
			for (const label of labels) known.add(label);
			for (const [, label = ''] of selector.matchAll(/(\w+) *[=!]/g)) {
				assert.ok(labels.includes(label) || SCRAPED.includes(label), `${name} has no label ${label}: ${query}`);
			}
		}
		assert.ok(metrics > 0, query);
		for (const [, list = ''] of query.matchAll(/\b(?:by|on) \(([^)]*)\)/g)) {
			for (const label of list.split(', ')) assert.ok(known.has(label), `no label ${label}: ${query}`);
		}
	}
});

const union = (name: string): string =>
	new RegExp(`export type ${name} =([^;]*);`).exec(read('src/core/api/decisions.ts'))?.[1] ?? '';

test('the runbook says what to do about each alarm', () => {
	const alarms = [...union('AlarmCode').matchAll(/'([\w-]+)'/g)].map(([, code]) => code);
	assert.ok(alarms.length > 10);
	const page = read('docs/runbook.md');
	assert.deepEqual(
		alarms.filter((code) => !page.includes(`\`${code}\``)),
		[],
	);
});

test('alert rules name alarms and decisions that there are', () => {
	for (const [label, type] of [
		['code', 'AlarmCode'],
		['decision', 'DecisionName'],
	] as const) {
		const queries = [...dashboardQueries(), ...alertQueries()].join('\n');
		const named = [...queries.matchAll(new RegExp(`${label}=~"([^"]+)"`, 'g'))].flatMap(([, list = '']) =>
			list.split('|'),
		);
		assert.ok(named.length > 0, label);
		for (const value of named) assert.ok(union(type).includes(`'${value}'`), `${value} is no ${type}`);
	}
});
