/** Writes docs/metrics.md from the catalogue that the program's metrics are made from. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMetrics } from '../src/adapters/observe/metrics.ts';
import { METRICS } from '../src/ports/metric-catalogue.ts';

const repository = join(import.meta.dirname, '..');
const HEAD = `# Metrics

What \`GET /metrics\` of a node tells, in the text format of Prometheus. It needs no token and answers on loopback only; give
the control API a fixed port for a scraper:

    [control]
    address = "127.0.0.1:4150"

[bootstrap/dashboard.json](../bootstrap/dashboard.json) shows the figures in Grafana (import it, choose the Prometheus data
source), [bootstrap/alerts.yaml](../bootstrap/alerts.yaml) holds alert rules for Prometheus. What to do about an alarm stands in
[runbook.md](runbook.md).

A counter counts from the start of the node and is not there before its first count. A gauge tells the moment of the scrape, or of
the last change. A histogram has the series \`_bucket\`, \`_sum\` and \`_count\`. A label that a peer could fill without end takes at
most 2,000 values; what is beyond them is counted as \`other\`.

Made by \`npm run docs:metrics\` from \`src/ports/metric-catalogue.ts\`; the program takes no name that does not stand there.
`;
const PROCESS_HEAD = `## The process

From the library (prom-client); which of them are there depends on the system and the version of Node. These are told on Linux.

| metric | kind | meaning |
|---|---|---|
`;

/** The whole page. */
export async function metricsPage(): Promise<string> {
	return [HEAD, ...ownSections(), PROCESS_HEAD + (await processRows())].join('\n');
}

/** A section for each comment of the catalogue that stands over a group. */
function ownSections(): string[] {
	const source = readFileSync(join(repository, 'src/ports/metric-catalogue.ts'), 'utf8');
	const sections: { readonly title: string; readonly rows: string[] }[] = [];
	for (const [, title, name] of source.matchAll(/^\t\/\/ (.*)\.$|^\t(poster_\w+): \{/gm)) {
		if (title !== undefined) sections.push({ title, rows: [] });
		else sections.at(-1)?.rows.push(row(name as keyof typeof METRICS));
	}
	return sections.map(({ title, rows }) => {
		return `## ${title}\n\n| metric | kind | unit | labels | meaning |\n|---|---|---|---|---|\n${rows.join('')}`;
	});
}

function row(name: keyof typeof METRICS): string {
	const { kind, unit, labels, help } = METRICS[name];
	const told = Object.entries(labels).map(([label, meaning]) => `\`${label}\`: ${meaning}`);
	return `| \`${name}\` | ${kind} | ${unit} | ${told.join('<br>')} | ${help} |\n`;
}

async function processRows(): Promise<string> {
	const all = await createMetrics().registry.getMetricsAsJSON();
	return all
		.map(({ name, type, help }) => `| \`${name}\` | ${String(type)} | ${help.replaceAll('|', '\\|')} |\n`)
		.join('');
}

if (import.meta.main) writeFileSync(join(repository, 'docs/metrics.md'), await metricsPage());
