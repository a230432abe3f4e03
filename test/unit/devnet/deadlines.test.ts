/** Periods and deadlines, against what a Lotus node answered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadlineInfoToJson } from '../../../src/codec/lotus-json-state.ts';
import {
	assignedPeriodOffset,
	deadlineInfo,
	declarationDeadline,
	disputable,
	nextNotElapsed,
	periodStartOf,
} from '../../../src/devnet/deadlines.ts';
import { REAL_POLICY } from '../../../src/devnet/policy.ts';
import { actorId, epoch } from '../../../src/domain/ids.ts';
import { recording } from '../../vectors/lotus-rpc.ts';

/** f01001's periods start at 154, as recorded. */
const OFFSET = 154;

test('before its first period a miner is in a negative one', () => {
	const start = periodStartOf(REAL_POLICY, OFFSET, 0);
	assert.equal(start, -2726);
	const index = Math.floor((12 - start) / REAL_POLICY.challengeWindow);
	const info = deadlineInfo(REAL_POLICY, start, index, 12);
	assert.deepEqual(deadlineInfoToJson(info), recording('007').response?.result);
});

test('a deadline ends in the epoch in which the next one opens', () => {
	for (const [number, at, start, index] of [
		['190', 153, -2726, 47],
		['191', 154, 154, 0],
		['239', 223, 154, 1],
	] as const) {
		const info = deadlineInfo(REAL_POLICY, start, index, at);
		assert.deepEqual(deadlineInfoToJson(nextNotElapsed(REAL_POLICY, info)), recording(number).response?.result);
	}
	const elapsed = nextNotElapsed(REAL_POLICY, deadlineInfo(REAL_POLICY, 154, 0, 214));
	assert.equal(elapsed.periodStart, 154 + 2880);
});

test('a declaration is about the next closing of the deadline', () => {
	assert.equal(declarationDeadline(REAL_POLICY, 154, 2, epoch(160)).open, 274);
	assert.equal(declarationDeadline(REAL_POLICY, 154, 0, epoch(300)).open, 154 + 2880);
});

test('a proof can be disputed from close on for the dispute window', () => {
	const at = (height: number): boolean => disputable(REAL_POLICY, 154, 1, epoch(height));
	assert.equal(at(273), false, 'still open');
	assert.equal(at(274), true, 'closed');
	assert.equal(at(274 + 1799), true);
	assert.equal(at(274 + 1800), false, 'the window is over');
	assert.equal(disputable(REAL_POLICY, 154, 1, epoch(100)), false, 'no period has started');
});

test('the assigned offset lies within the period and differs between miners', () => {
	const offsets = [1000, 1001, 1002, 1003].map((id) => assignedPeriodOffset(REAL_POLICY, actorId(id), 0));
	assert.equal(new Set(offsets).size, offsets.length);
	for (const offset of offsets) assert.ok(offset >= 0 && offset < 2880);
});
