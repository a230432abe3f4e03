/** Counters, gauges and histograms in Prometheus units (seconds, bytes). Labels come from closed sets of codes. */
export interface Metrics {
	count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
	gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
	observe(name: string, seconds: number, labels?: Readonly<Record<string, string>>): void;
}
