/** How far a parameter file is, on one line: bar, bytes, rate, time left. */
import { circuitName } from '../../domain/parameters.ts';
import type { ParamsStep } from '../../node/params.ts';
import { duration } from './duration.ts';

const BAR_CELLS = 24;
const PERCENT = 100;
const WORDS = { checking: 'Checking', resuming: 'Resuming', fetching: 'Fetching', 'next-source': 'Leaving' } as const;

/** `perSecond`: bytes a second of late; undefined until it is known. */
export function renderTransfer(step: ParamsStep, perSecond: number | undefined): string {
	const { what, done, total } = step;
	const share = shareOf(step);
	const cells = Math.floor(share * BAR_CELLS);
	const bar = `[${'#'.repeat(cells)}${' '.repeat(BAR_CELLS - cells)}]`;
	const parts = [`${WORDS[what]} ${fileTitle(step.file)}`, bar, `${Math.floor(share * PERCENT)} %`];
	parts.push(`${bytesText(done)} of ${bytesText(total)}`);
	if (perSecond !== undefined && perSecond > 0) {
		parts.push(`${bytesText(perSecond)}/s`, `${duration(((total - done) / perSecond) * 1000)} left`);
	}
	return parts.join('  ');
}

export function fileTitle({ proofType, part }: ParamsStep['file']): string {
	return `${circuitName(proofType)} ${part}`;
}

export function shareOf({ done, total }: Pick<ParamsStep, 'done' | 'total'>): number {
	return total === 0 ? 0 : Math.min(1, done / total);
}

export function bytesText(bytes: number): string {
	const [unit, divisor] = bytes >= 1e9 ? ['GB', 1e9] : bytes >= 1e6 ? ['MB', 1e6] : ['kB', 1e3];
	return `${(bytes / divisor).toFixed(1)} ${unit}`;
}
