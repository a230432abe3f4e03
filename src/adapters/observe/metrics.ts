/** The Metrics port over prom-client, with a registry of its own: the global one is shared with everything imported. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client';
import { assert } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Metrics } from '../../ports/metrics.ts';

/** 1 ms to 30 min: from a signature check to the proof of a full partition. */
const BUCKETS_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800];

type Labels = Readonly<Record<string, string>>;

export interface NodeMetrics extends Metrics {
	/** For libraries that register metrics of their own. */
	readonly registry: Registry;
	/** Prometheus text of everything. */
	text(): Promise<string>;
}

export function createMetrics(): NodeMetrics {
	const registry = new Registry();
	collectDefaultMetrics({ register: registry });
	return new PrometheusMetrics(registry);
}

interface Family<T extends Metric> {
	readonly metric: T;
	readonly labelNames: string;
	readonly series: Set<string>;
}

class PrometheusMetrics implements NodeMetrics {
	readonly registry: Registry;
	readonly #counters = new Map<string, Family<Counter>>();
	readonly #gauges = new Map<string, Family<Gauge>>();
	readonly #histograms = new Map<string, Family<Histogram>>();

	constructor(registry: Registry) {
		this.registry = registry;
	}

	count(name: string, labels: Labels = {}, by = 1): void {
		const family = this.#family(this.#counters, name, labels, (config) => new Counter(config));
		family.metric.inc(bounded(family, labels), by);
	}

	gauge(name: string, value: number, labels: Labels = {}): void {
		const family = this.#family(this.#gauges, name, labels, (config) => new Gauge(config));
		family.metric.set(bounded(family, labels), value);
	}

	observe(name: string, seconds: number, labels: Labels = {}): void {
		const family = this.#family(
			this.#histograms,
			name,
			labels,
			(config) => new Histogram({ ...config, buckets: BUCKETS_SECONDS }),
		);
		family.metric.observe(bounded(family, labels), seconds);
	}

	text(): Promise<string> {
		return this.registry.metrics();
	}

	#family<T extends Metric>(
		families: Map<string, Family<T>>,
		name: string,
		labels: Labels,
		make: (config: { name: string; help: string; labelNames: string[]; registers: Registry[] }) => T,
	): Family<T> {
		const labelNames = Object.keys(labels).sort();
		const known = families.get(name);
		if (known !== undefined) {
			assert(known.labelNames === labelNames.join(), `metric ${name} has the labels ${known.labelNames}`);
			return known;
		}
		const metric = make({ name, help: name.replaceAll('_', ' '), labelNames, registers: [this.registry] });
		const family = { metric, labelNames: labelNames.join(), series: new Set<string>() };
		families.set(name, family);
		return family;
	}
}

/** Above the bound new label values are counted together: labels that a peer can choose must not eat the memory. */
function bounded(family: Family<Metric>, labels: Labels): Labels {
	const key = Object.values(labels).join('\0');
	if (family.series.has(key)) return labels;
	if (family.series.size < limits.metricSeries) {
		family.series.add(key);
		return labels;
	}
	return Object.fromEntries(Object.keys(labels).map((name) => [name, 'other']));
}
