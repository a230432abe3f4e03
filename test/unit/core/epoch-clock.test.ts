import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
	createEpochClock,
	currentEpoch,
	type EpochClock,
	learnInterval,
	longEpochMs,
	msUntil,
	shortEpochMs,
} from '../../../src/core/epoch-clock.ts';

function heads(clock: EpochClock, intervals: readonly number[]): void {
	let at = 0;
	let epoch = 0;
	for (const ms of intervals) {
		const before = { epoch, at };
		at += ms;
		epoch++;
		learnInterval(clock, before, { epoch, at });
	}
}

test('the guess holds until five heads came, a configured length for ever', () => {
	const clock = createEpochClock(null, 30_000);
	heads(clock, [500, 500, 500, 500]);
	assert.equal(longEpochMs(clock), 30_000);
	heads(clock, [500]);
	assert.equal(longEpochMs(clock), 500);
	const fixed = createEpochClock(30_000, 1);
	heads(fixed, [500, 500, 500, 500, 500, 500]);
	assert.equal(longEpochMs(fixed), 30_000);
});

test('what gives up work takes the longer of the two medians, what adds work the shorter', () => {
	const clock = createEpochClock(null, 30_000);
	heads(clock, [...Array<number>(40).fill(1_000), ...Array<number>(5).fill(4_000)]);
	assert.equal(longEpochMs(clock), 4_000);
	assert.equal(shortEpochMs(clock), 1_000);
});

test('null rounds stretch a head over its epochs', () => {
	const clock = createEpochClock(null, 30_000);
	for (let i = 0; i < 5; i++)
		learnInterval(clock, { epoch: i * 4, at: i * 4_000 }, { epoch: i * 4 + 4, at: i * 4_000 + 4_000 });
	assert.equal(longEpochMs(clock), 1_000);
});

test('time until an epoch counts from the head that this node saw, and never stops with the full node', () => {
	const clock = createEpochClock(1_000, 1_000);
	assert.equal(msUntil(clock, 10, 0, 1_000), null);
	clock.own = { epoch: 100, at: 5_000 };
	assert.equal(currentEpoch(clock, 5_900), 100);
	assert.equal(msUntil(clock, 103, 5_900, 1_000), 2_100);
	assert.equal(msUntil(clock, 103, 15_000, 1_000), -7_000);
});

test('a full node that stands still gives way to what the other chain nodes say', () => {
	const clock = createEpochClock(1_000, 1_000);
	clock.own = { epoch: 100, at: 0 };
	clock.others = { epoch: 150, at: 100_000 };
	assert.equal(currentEpoch(clock, 50_000), 100);
	assert.equal(currentEpoch(clock, 101_500), 151);
});
