/** Counters, gauges and histograms in Prometheus units (seconds, bytes). Labels come from closed sets of codes. */
import type { CounterName, GaugeName, HistogramName, LabelArguments } from './metric-catalogue.ts';

export interface Metrics {
	count<N extends CounterName>(name: N, ...labels: LabelArguments<N>): void;
	gauge<N extends GaugeName>(name: N, value: number, ...labels: LabelArguments<N>): void;
	observe<N extends HistogramName>(name: N, seconds: number, ...labels: LabelArguments<N>): void;
}
