/** Which deadlines of a miner are in play at a head: from their challenge on until their close. */
import type { DeadlineInfo } from '../../domain/chain.ts';
import { PosterError } from '../../domain/errors.ts';
import { type DeadlineIndex, deadlineIndex, type Epoch, epoch } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';

export interface DeadlineWindow {
	readonly periodStart: Epoch;
	readonly deadline: DeadlineIndex;
	readonly challenge: Epoch;
	readonly open: Epoch;
	readonly close: Epoch;
}

/** The `steps`-th deadline after the one of `info` (go-state-types dline.Info `NextNotElapsed`). */
export function deadlineAfter(info: DeadlineInfo, steps: number): DeadlineWindow {
	const position = info.index + steps;
	const open = info.open + steps * info.challengeWindow;
	return {
		periodStart: epoch(info.periodStart + Math.floor(position / info.periodDeadlines) * info.provingPeriod),
		deadline: deadlineIndex(position % info.periodDeadlines),
		challenge: epoch(open - info.challengeLookback),
		open: epoch(open),
		close: epoch(open + info.challengeWindow),
	};
}

/**
 * Ascending. The lookback is shorter than a window on every network, but nothing here relies on it. Throws
 * `chain-bad-answer` for a policy or a position that would make it many.
 */
export function dueDeadlines(info: DeadlineInfo): readonly DeadlineWindow[] {
	const due: DeadlineWindow[] = [];
	for (let steps = 0; steps <= limits.deadlinesInPlay; steps++) {
		const window = deadlineAfter(info, steps);
		if (window.challenge > info.currentEpoch) return due;
		if (info.currentEpoch < window.close) due.push(window);
	}
	const { currentEpoch, open, challengeWindow, challengeLookback } = info;
	throw new PosterError(
		'chain-bad-answer',
		`more than ${limits.deadlinesInPlay} deadlines would be in play at epoch ${currentEpoch}`,
		{
			advice: 'The full node tells another policy than any network has: check what it is, and its version.',
			meta: { currentEpoch, open, challengeWindow, challengeLookback },
		},
	);
}
