/** Many outcomes as the one JSON object that a campaign prints. */
import type { Kind } from './plan.ts';
import type { Outcome } from './simulate.ts';

/** Whole milliseconds, counted: campaigns have millions of them. */
class Histogram {
	readonly #counts = new Map<number, number>();
	#size = 0;

	add(values: readonly number[]): void {
		for (const value of values) this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
		this.#size += values.length;
	}

	get size(): number {
		return this.#size;
	}

	/** By nearest rank; null when there is no value. */
	percentile(percent: number): number | null {
		let left = Math.max(1, Math.ceil((this.#size * percent) / 100));
		for (const [value, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
			left -= count;
			if (left <= 0) return value;
		}
		return null;
	}

	half(): { readonly p50: number | null; readonly p99: number | null } {
		return { p50: this.percentile(50), p99: this.percentile(99) };
	}

	whole() {
		return { n: this.#size, ...this.half(), max: this.percentile(100) };
	}
}

const LATENCIES = ['claimMs', 'claimableMs', 'takeoverResetMs', 'takeoverSilentMs', 'takeoverBusyMs'] as const;

export class Report {
	readonly #histograms = {
		claimMs: new Histogram(),
		claimableMs: new Histogram(),
		takeoverResetMs: new Histogram(),
		takeoverSilentMs: new Histogram(),
		takeoverBusyMs: new Histogram(),
	};
	readonly #excusedBy: Record<string, number> = {};
	readonly #faults: Record<string, number> = {};
	#seeds = 0;
	#items = 0;
	#missed = 0;
	#violations = 0;
	#virtualMs = 0;
	#nodeMs = 0;
	#gpuMs = 0;
	#duplicateMs = 0;
	#starts = 0;
	#duplicateStarts = 0;
	#paidTwice = 0;
	#messages = 0;
	#bytes = 0;

	add(outcome: Outcome): void {
		this.#seeds++;
		this.#items += outcome.items;
		this.#missed += outcome.missed.length;
		this.#violations += outcome.violations.length;
		this.#virtualMs += outcome.virtualMs;
		this.#nodeMs += outcome.virtualMs * outcome.nodes;
		this.#gpuMs += outcome.gpuMs.total;
		this.#duplicateMs += outcome.gpuMs.duplicate;
		this.#starts += outcome.proofsStarted;
		this.#duplicateStarts += outcome.duplicateStarts;
		this.#paidTwice += outcome.paidTwice;
		this.#messages += outcome.messages;
		this.#bytes += outcome.bytes;
		for (const name of LATENCIES) this.#histograms[name].add(outcome[name]);
		addTo(this.#excusedBy, outcome.excusedBy);
		addTo(this.#faults, outcome.faults);
	}

	get failed(): boolean {
		return this.#missed + this.#violations > 0;
	}

	/** `wallMs`: how long the campaign took; `cpuMs`: what it used of the processors, the begin of the program included. */
	json(kind: Kind, nodes: number | null, wallMs: number, cpuMs: number | null) {
		const { claimMs, claimableMs, takeoverResetMs, takeoverSilentMs, takeoverBusyMs } = this.#histograms;
		const nodeSeconds = Math.max(1, this.#nodeMs / 1_000);
		return {
			seeds: this.#seeds,
			kind,
			nodes: nodes ?? '2-20',
			virtualSeconds: Math.round(this.#virtualMs / 1_000),
			items: this.#items,
			missed: this.#missed,
			excused: Object.values(this.#excusedBy).reduce((sum, count) => sum + count, 0),
			excusedBy: this.#excusedBy,
			violations: this.#violations,
			faults: this.#faults,
			duplicateGpuPermille: round(share(this.#duplicateMs, this.#gpuMs)),
			duplicateStartsPer1000: round(share(this.#duplicateStarts, this.#starts)),
			paidTwice: this.#paidTwice,
			claimMs: claimMs.half(),
			claimableMs: claimableMs.half(),
			takeoverResetMs: takeoverResetMs.whole(),
			takeoverSilentMs: takeoverSilentMs.whole(),
			takeoverBusyMs: takeoverBusyMs.whole(),
			messagesPerNodeSecond: round(this.#messages / nodeSeconds),
			bytesPerNodeSecond: round(this.#bytes / nodeSeconds),
			seedsPerHour: Math.round((this.#seeds * 3_600_000) / Math.max(1, wallMs)),
			cpuMsPerSeed: cpuMs === null ? null : round(cpuMs / Math.max(1, this.#seeds)),
		};
	}
}

function addTo(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
	for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}

/** In thousandths. */
function share(part: number, whole: number): number {
	return whole === 0 ? 0 : (part * 1_000) / whole;
}

function round(value: number): number {
	return Math.round(value * 1_000) / 1_000;
}
