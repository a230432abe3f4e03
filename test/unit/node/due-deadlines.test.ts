import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DeadlineInfo } from '../../../src/domain/chain.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { deadlineIndex, epoch } from '../../../src/domain/ids.ts';
import { deadlineAfter, dueDeadlines } from '../../../src/node/chain/due-deadlines.ts';

/** As a Lotus node answers at `height` for a period that begins at `periodStart` (48 x 60 epochs, lookback 20). */
function infoAt(periodStart: number, height: number): DeadlineInfo {
	const start = periodStart + Math.floor((height - periodStart) / 2880) * 2880;
	const index = Math.floor((height - start) / 60);
	const open = start + index * 60;
	return {
		currentEpoch: epoch(height),
		periodStart: epoch(start),
		index: deadlineIndex(index),
		open: epoch(open),
		close: epoch(open + 60),
		challenge: epoch(open - 20),
		faultCutoff: epoch(open - 70),
		periodDeadlines: 48,
		provingPeriod: 2880,
		challengeWindow: 60,
		challengeLookback: 20,
		faultDeclarationCutoff: 70,
	};
}

test('a deadline is in play from its challenge until its close', () => {
	const at = (height: number): number[] => dueDeadlines(infoAt(154, height)).map(({ deadline }) => deadline);
	assert.deepEqual(at(154), [0]);
	assert.deepEqual(at(193), [0], 'one before the challenge of deadline 1');
	assert.deepEqual(at(194), [0, 1], 'at its challenge');
	assert.deepEqual(at(213), [0, 1], 'the last epoch of deadline 0');
	assert.deepEqual(at(214), [1]);
});

test('the next deadline may belong to the next period', () => {
	const due = dueDeadlines(infoAt(154, 154 + 2880 - 10));
	assert.deepEqual(
		due.map(({ deadline, periodStart }) => [deadline, periodStart]),
		[
			[47, 154],
			[0, 154 + 2880],
		],
	);
});

test('before the first period the answer is negative and the first deadline still comes in time', () => {
	const due = dueDeadlines(infoAt(154, 134));
	assert.deepEqual(due.at(-1), {
		periodStart: 154,
		deadline: 0,
		challenge: 134,
		open: 154,
		close: 214,
	});
});

test('every deadline in play contains the head, ascending by challenge', () => {
	fc.assert(
		fc.property(fc.integer({ min: -3000, max: 3000 }), fc.nat({ max: 20_000 }), (periodStart, height) => {
			const info = infoAt(periodStart, height);
			const due = dueDeadlines(info);
			assert.ok(due.length >= 1 && due.length <= 2);
			for (const { challenge, open, close, deadline, periodStart: start } of due) {
				assert.ok(challenge <= height && height < close);
				assert.equal(open, start + deadline * 60);
			}
			assert.deepEqual(deadlineAfter(info, 48).open - deadlineAfter(info, 0).open, 2880);
		}),
	);
});

test('a full node cannot make it endless', () => {
	const good = infoAt(154, 154);
	const bad: readonly Partial<DeadlineInfo>[] = [
		{ challengeLookback: 1_000_000_000 },
		{ challengeLookback: 1_000, challengeWindow: 1 },
		{ currentEpoch: epoch(1_000_000_000) },
	];
	for (const change of bad) {
		assert.throws(
			() => dueDeadlines({ ...good, ...change }),
			(error) => isPosterError(error, 'chain-bad-answer'),
			JSON.stringify(change),
		);
	}
});
