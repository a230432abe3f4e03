/** The small parts of winning PoSt: who is asked when, how often, and for how long others stand still. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { limits } from '../../../../src/domain/limits.ts';
import { PhaseWatch } from '../../../../src/node/phase-watch.ts';
import { EpochBudget } from '../../../../src/node/winning/epoch-budget.ts';
import { firstGood } from '../../../../src/node/winning/first-good.ts';
import { WindowPause } from '../../../../src/node/winning/window-pause.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { until } from '../../../support/until.ts';

const never = new AbortController().signal;

/** A way that ends when it is told to. */
function way(name: string, begun: string[]) {
	const end = Promise.withResolvers<string>();
	const aborted: { signal?: AbortSignal } = {};
	const run = (signal: AbortSignal): Promise<string> => {
		begun.push(name);
		aborted.signal = signal;
		return end.promise;
	};
	return { go: run, patienceMs: 2_000, end, aborted };
}

test('so many ways at a time; one that fails makes room for the next, the first success ends the others', async () => {
	const clock = new ManualClock();
	const begun: string[] = [];
	const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => way(name, begun)) as [Way, Way, Way, Way];
	const result = firstGood(clock, [a, b, c, d], 2, never);
	assert.deepEqual(begun, ['a', 'b']);
	a.end.reject(new Error('no'));
	await until('the next begins', () => begun.length === 3);
	assert.equal(b.aborted.signal?.aborted, false);
	c.end.resolve('c');
	assert.equal(await result, 'c');
	assert.equal(b.aborted.signal?.aborted, true, 'given up');
	assert.deepEqual(begun, ['a', 'b', 'c'], 'nobody else is troubled');
	assert.equal(clock.timers, 0);
});
type Way = ReturnType<typeof way>;

test('when all fail the last failure is told; with nobody to ask that is; a caller that gives up waits for none', async () => {
	const clock = new ManualClock();
	const fails = (code: string) => ({ go: () => Promise.reject(new Error(code)), patienceMs: 1 });
	await assert.rejects(firstGood(clock, [fails('one'), fails('two')], 1, never), /two/);
	await assert.rejects(firstGood(clock, [], 2, never), { code: 'winning-nobody' });
	const stop = new AbortController();
	const waiting = firstGood(clock, [way('silent', [])], 1, stop.signal);
	stop.abort(new Error('enough'));
	await assert.rejects(waiting, /enough/);
});

test('ways that are silent for too long make room for others, once each, and may still be the first', async () => {
	const clock = new ManualClock();
	const begun: string[] = [];
	const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => way(name, begun)) as [Way, Way, Way, Way, Way];
	const result = firstGood(clock, [a, { ...b, patienceMs: 9_000 }, c, d, e], 2, never);
	clock.advance(1_999);
	assert.deepEqual(begun, ['a', 'b']);
	clock.advance(1);
	assert.deepEqual(begun, ['a', 'b', 'c']);
	a.end.reject(new Error('it made room already'));
	await setImmediate();
	assert.deepEqual(begun, ['a', 'b', 'c']);
	clock.advance(2_000);
	assert.deepEqual(begun, ['a', 'b', 'c', 'd']);
	b.end.resolve('b');
	assert.equal(await result, 'b');
	clock.advance(10_000);
	assert.deepEqual(begun, ['a', 'b', 'c', 'd']);
	assert.equal(clock.timers, 0);
});

test('nobody is asked any more once one was good, or the caller gave up', async () => {
	const clock = new ManualClock();
	const begun: string[] = [];
	const [a, b, c] = ['a', 'b', 'c'].map((name) => way(name, begun)) as [Way, Way, Way];
	const result = firstGood(clock, [a, b, c], 2, never);
	a.end.resolve('a');
	b.end.reject(new Error('given up'));
	assert.equal(await result, 'a');
	await setImmediate();
	assert.deepEqual(begun.splice(0), ['a', 'b']);
	const stop = new AbortController();
	const [d, e] = ['d', 'e'].map((name) => way(name, begun)) as [Way, Way];
	const left = firstGood(clock, [d, e], 1, stop.signal);
	stop.abort(new Error('enough'));
	d.end.reject(stop.signal.reason);
	await assert.rejects(left, /enough/);
	await setImmediate();
	assert.deepEqual(begun, ['d']);
});

test('a budget is for each name, and comes back with the time of an epoch', () => {
	const clock = new ManualClock();
	const budget = new EpochBudget(clock, 2, () => 30_000);
	assert.deepEqual([budget.take('a'), budget.take('a'), budget.take('a'), budget.take('b')], [true, true, false, true]);
	clock.advance(29_999);
	assert.equal(budget.take('a'), false);
	clock.advance(1);
	assert.deepEqual([budget.take('a'), budget.take('a'), budget.take('a')], [true, true, false]);
});

test('slots stand still until the block is proven, at most for their limit, and only those that can', () => {
	const clock = new ManualClock();
	const told: string[] = [];
	const slot = {
		pause: () => {
			told.push('stopped');
			return () => void told.push('goes on');
		},
	};
	const pause = new WindowPause(clock, [slot, {}], () => told.push('told'));
	const end = pause.begin();
	clock.advance(3_000);
	assert.equal(pause.pausedMs, 3_000, 'the pause that lasts counts');
	end();
	end();
	assert.deepEqual(told.splice(0), ['stopped', 'told', 'told', 'goes on', 'told']);
	assert.equal(pause.pausedMs, 3_000);
	clock.advance(3_000);
	pause.begin();
	clock.advance(limits.winningPauseMs);
	assert.deepEqual(
		told.filter((word) => word !== 'told'),
		['stopped', 'goes on'],
		'whatever becomes of the proof',
	);
	assert.equal(clock.timers, 0);
});

test('however many blocks are asked for, window proofs go on for half of the time', () => {
	const clock = new ManualClock();
	const pause = new WindowPause(clock, [{ pause: () => () => undefined }], () => undefined);
	for (let i = 0; i < 1_000; i++) {
		const end = pause.begin();
		clock.advance(700);
		end();
	}
	assert.ok(pause.pausedMs <= 700_000 / 2 + 700, `${pause.pausedMs}`);
	assert.ok(pause.pausedMs >= 700_000 / 3);
});

test('a phase is given the time again that its slot stood still', () => {
	const clock = new ManualClock();
	let pausedMs = 0;
	let hung = 0;
	const known = { prove: { p50Ms: 1, p95Ms: 60_000, p99Ms: 60_000, proofs: 1 } };
	const watch = new PhaseWatch(clock, { known, attempts: 0, pausedMs: () => pausedMs, hung: () => hung++ });
	watch.heard({ phase: 'prove', state: 'start' });
	pausedMs = 20_000;
	clock.advance(120_000);
	assert.equal(hung, 0);
	clock.advance(19_999);
	assert.equal(hung, 0);
	clock.advance(1);
	assert.equal(hung, 1);
});
