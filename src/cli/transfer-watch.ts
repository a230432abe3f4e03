/** Turns the steps of a transfer into one line of progress, with the rate of the last seconds. */
import type { ParamsStep } from '../node/params.ts';
import type { ProgressLine } from './progress-line.ts';
import { renderTransfer, shareOf } from './render/transfer.ts';

/** The rate is that of about so long; shorter jumps, longer lags. */
const WINDOW_MS = 3_000;
const PAINT_MS = 100;

export function watchTransfer(
	line: ProgressLine,
	nowMs: () => number = () => performance.now(),
): (step: ParamsStep) => void {
	let current = '';
	let marks: { readonly ms: number; readonly done: number }[] = [];
	let paintedMs = Number.NEGATIVE_INFINITY;
	return (step) => {
		const what = `${step.what} ${step.file.name}`;
		if (step.what === 'next-source') {
			line.note(`${step.source} is left: ${step.reason}`);
			return;
		}
		const ms = nowMs();
		if (what !== current) marks = [];
		const isNew = what !== current;
		current = what;
		const isPainted = isNew || step.done >= step.total || ms - paintedMs >= PAINT_MS;
		if (!isPainted) return;
		paintedMs = ms;
		marks.push({ ms, done: step.done });
		while (marks.length > 2 && ms - (marks[1]?.ms ?? ms) >= WINDOW_MS) marks.shift();
		const first = marks[0];
		const perSecond =
			first === undefined || ms - first.ms < PAINT_MS ? undefined : ((step.done - first.done) * 1000) / (ms - first.ms);
		line.show(what, renderTransfer(step, perSecond), shareOf(step));
	};
}
