/** Lines of `poster-node replay`: when, which step, who, what, why, about which partition and which other node. */
import type { SegmentHeader } from '../../node/recorder/format.ts';
import type { Difference } from '../../node/recorder/replay.ts';
import type { Told } from '../../node/recorder/told.ts';

const SHORT = 12;

export interface ReplayLine extends Told {
	readonly wallMs: number;
	readonly step: number;
	readonly node: string;
}

/** What the replay of one segment came to. */
export interface SegmentReport {
	readonly file: string;
	readonly node: string;
	readonly program: string;
	readonly core: string;
	readonly firstStep: number;
	readonly steps: number;
	readonly decisions: number;
	/** Every effect of every step is the same, bit for bit. */
	readonly same: boolean;
	readonly difference: (Difference & { readonly step: number; readonly replayed: readonly Told[] }) | null;
	/** The core fails on the last event that is recorded. */
	readonly failure: string | null;
	/** Bytes at the end that are no whole frame. */
	readonly tornBytes: number;
}

export function renderHead(file: string, { name, network, program, core, wallMs, step }: SegmentHeader): string {
	const of = `${name} on ${network}, poster-node ${program}, core ${core.slice(0, SHORT)}`;
	return `${file}: ${of}, from ${timeText(wallMs)}, step ${step}`;
}

export function renderReplayed({ wallMs, step, node, ...told }: ReplayLine): string {
	return `${timeText(wallMs)} #${step} ${node} ${toldText(told)}`;
}

export function renderSummary(report: SegmentReport): string {
	const { steps, decisions, same, difference, failure, tornBytes } = report;
	const lines = [
		`${steps} steps, ${decisions} decisions: ${same ? 'every effect is the same, bit for bit' : 'they differ'}`,
	];
	if (difference !== null) {
		const { since, sinceEvent, step, recorded, replayed, failedThen } = difference;
		lines.push(`  effects differ from step ${since} on (event ${sinceEvent})`);
		if (recorded === null) lines.push('  no decision differs in words');
		else {
			lines.push(`  first decision that differs: step ${step}`);
			const [then, now] = [recorded.map(toldText), replayed.map(toldText)];
			lines.push(...listed('recorded', then, now, failedThen ? 'the core failed' : 'nothing'));
			lines.push(...listed('replayed', now, then, failure === null ? 'nothing' : `the core fails: ${failure}`));
		}
	} else if (failure !== null) {
		lines.push(`  the core fails on the last event, as it did then: ${failure}`);
	}
	if (tornBytes > 0) lines.push(`  the last ${tornBytes} bytes are no whole frame and were not read`);
	return lines.join('\n');
}

/** What the other side has not, or all of it where only the order is another one. */
function listed(title: string, told: readonly string[], other: readonly string[], none: string): string[] {
	if (told.length === 0) return [`    ${title}: ${none}`];
	const own = told.filter((text) => !other.includes(text));
	return (own.length > 0 ? own : told).map((text) => `    ${title}: ${text}`);
}

function toldText({ decision, reason, work, item, peer, facts }: Told): string {
	const about = item ?? work?.slice(0, SHORT);
	const details = Object.entries(facts)
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([key, value]) => `${key}=${value}`);
	return [decision, reason, about, peer, ...details].filter((part) => part !== null && part !== undefined).join(' ');
}

function timeText(wallMs: number): string {
	return new Date(wallMs).toISOString();
}
