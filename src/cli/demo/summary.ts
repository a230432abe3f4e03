/** The outcome of a demo: what was counted on the chain and measured in the nodes. What is not known is null. */
import { COMPUTE_STEPS, type ComputeStep } from '../../node/control-api.ts';
import { duration } from '../render/duration.ts';

export type DemoStep = ComputeStep | 'submit';

export interface DemoSummary {
	/** Everything that the demo claims did hold. */
	readonly ok: boolean;
	readonly partitions: number;
	readonly proven: number;
	readonly missed: number;
	/** Sectors that were given up. */
	readonly faults: number;
	readonly killed: number;
	readonly victims: readonly string[];
	/** Partitions of the dead that another node claimed, and milliseconds from each kill to that claim. */
	readonly takeovers: number;
	readonly takeoverMs: readonly number[];
	readonly duplicateSubmissions: number;
	readonly disputes: {
		readonly honest: number;
		readonly honestSurvived: number;
		readonly tampered: number;
		readonly tamperedLost: number;
	};
	/** Medians over the partitions. */
	readonly stageMs: Readonly<Record<DemoStep, number | null>>;
	readonly wallMs: number;
	/** What did not hold, in words. */
	readonly failures: readonly string[];
	/** Folder with logs and homes; null when it was removed. */
	readonly folder: string | null;
}

/** Steps that fit on a line of 80 characters. */
const HALF = 4;

export function median(values: readonly number[]): number | null {
	const sorted = [...values].sort((a, b) => a - b);
	const upper = sorted[Math.floor(sorted.length / 2)];
	const lower = sorted[Math.floor((sorted.length - 1) / 2)];
	return upper === undefined || lower === undefined ? null : Math.round((lower + upper) / 2);
}

export function summaryText(summary: DemoSummary): string {
	const { disputes, stageMs, victims, takeoverMs } = summary;
	const taken = takeoverMs.length === 0 ? '' : ` (${takeoverMs.map(duration).join(', ')} after the kill)`;
	const stages = [...COMPUTE_STEPS, 'submit' as const].map((step) => {
		const ms = stageMs[step];
		return `${step} ${ms === null ? '-' : duration(ms)}`;
	});
	return [
		'',
		summary.ok ? 'All held.' : `NOT all held: ${summary.failures.join('; ')}.`,
		`  Partitions proven and accepted   ${summary.proven} of ${summary.partitions}, missed ${summary.missed}, ${summary.faults} sectors given up`,
		`  Killed                           ${victims.join(', ') || 'nobody'}`,
		`  Taken over                       ${summary.takeovers} partitions${taken}`,
		`  Paid twice                       ${summary.duplicateSubmissions}`,
		`  Disputes of accepted proofs      ${disputes.honestSurvived} of ${disputes.honest} survived`,
		`  Control: tampered proof          ${disputes.tamperedLost} of ${disputes.tampered} lost its dispute`,
		`  Median of the steps              ${stages.slice(0, HALF).join(', ')},`,
		`                                   ${stages.slice(HALF).join(', ')}`,
		`  Wall time                        ${duration(summary.wallMs)}`,
		...(summary.folder === null ? [] : [`  Logs and homes                   ${summary.folder}`]),
	].join('\n');
}
