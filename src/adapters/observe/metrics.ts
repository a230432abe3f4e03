/** The Metrics port over prom-client, with a registry of its own: the global one is shared with everything imported. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client';
import { limits } from '../../domain/limits.ts';
import {
	type CounterName,
	type GaugeName,
	type HistogramName,
	type LabelArguments,
	METRICS,
	type MetricName,
} from '../../ports/metric-catalogue.ts';
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

	count<N extends CounterName>(name: N, ...[labels]: LabelArguments<N>): void {
		const family = this.#family(this.#counters, name, (config) => new Counter(config));
		family.metric.inc(bounded(family, labels), 1);
	}

	gauge<N extends GaugeName>(name: N, value: number, ...[labels]: LabelArguments<N>): void {
		const family = this.#family(this.#gauges, name, (config) => new Gauge(config));
		family.metric.set(bounded(family, labels), value);
	}

	observe<N extends HistogramName>(name: N, seconds: number, ...[labels]: LabelArguments<N>): void {
		const family = this.#family(
			this.#histograms,
			name,
			(config) => new Histogram({ ...config, buckets: BUCKETS_SECONDS }),
		);
		family.metric.observe(bounded(family, labels), seconds);
	}

	text(): Promise<string> {
		return this.registry.metrics();
	}

	#family<T extends Metric>(
		families: Map<string, Family<T>>,
		name: MetricName,
		make: (config: { name: string; help: string; labelNames: string[]; registers: Registry[] }) => T,
	): Family<T> {
		const known = families.get(name);
		if (known !== undefined) return known;
		const { help, labels } = METRICS[name];
		const metric = make({ name, help, labelNames: Object.keys(labels), registers: [this.registry] });
		const family = { metric, series: new Set<string>() };
		families.set(name, family);
		return family;
	}
}

/** Above the bound new label values are counted together: labels that a peer can choose must not eat the memory. */
function bounded(family: Family<Metric>, labels: Labels = {}): Labels {
	const key = Object.values(labels).join('\0');
	if (family.series.has(key)) return labels;
	if (family.series.size < limits.metricSeries) {
		family.series.add(key);
		return labels;
	}
	return Object.fromEntries(Object.keys(labels).map((name) => [name, 'other']));
}
