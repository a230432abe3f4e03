/**
 * Watches how long the event loop is blocked: renewals and pings that come late look like a dead node to the others, so
 * a blocked loop must be visible before it costs a lease.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';

const NS_PER_MS = 1e6;

export interface LoopDelay {
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly maxMs: number;
}

export interface LoopMonitor {
	/** Delays since the last report. */
	current(): LoopDelay;
	stop(): void;
}

/** Reports every `limits.loopReportMs`; a block of more than `limits.loopBlockMs` is a warning. */
export function monitorLoop(clock: Clock, metrics: Metrics, log: Log): LoopMonitor {
	const histogram = monitorEventLoopDelay({ resolution: limits.loopResolutionMs });
	histogram.enable();
	const current = (): LoopDelay => ({
		p50Ms: delay(histogram.percentile(50)),
		p99Ms: delay(histogram.percentile(99)),
		maxMs: delay(histogram.max),
	});
	const report = (): void => {
		const delays = current();
		histogram.reset();
		metrics.gauge('poster_loop_delay_p99_seconds', delays.p99Ms / 1000);
		metrics.gauge('poster_loop_delay_max_seconds', delays.maxMs / 1000);
		if (delays.maxMs > limits.loopBlockMs) log.warn(delays, 'event loop was blocked');
		cancel = clock.after(limits.loopReportMs, report);
	};
	let cancel = clock.after(limits.loopReportMs, report);
	return {
		current,
		stop: () => {
			cancel();
			histogram.disable();
		},
	};
}

/** The histogram holds the time between two samples: what is above the resolution is delay. */
function delay(nanoseconds: number): number {
	if (!Number.isFinite(nanoseconds)) return 0;
	return Math.max(0, Math.round((nanoseconds / NS_PER_MS - limits.loopResolutionMs) * 100) / 100);
}
