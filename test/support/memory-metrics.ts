/** Metrics that a test can read: counters by name and labels. */
import type { Metrics } from '../../src/ports/metrics.ts';

export interface MemoryMetrics extends Metrics {
	/** Counts of a counter over all labels that contain the given ones. */
	total(name: string, labels?: Readonly<Record<string, string>>): number;
}

export function memoryMetrics(): MemoryMetrics {
	const counts: { name: string; labels: Readonly<Record<string, string>> }[] = [];
	return {
		count: (name, ...[labels]) => {
			counts.push({ name, labels: labels ?? {} });
		},
		gauge: () => undefined,
		observe: () => undefined,
		total: (name, labels = {}) =>
			counts
				.filter((entry) => entry.name === name)
				.filter((entry) => Object.entries(labels).every(([key, value]) => entry.labels[key] === value)).length,
	};
}
