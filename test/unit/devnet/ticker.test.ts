/** Epochs by the clock: one tipset each, null rounds when asked for, none while paused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ticker } from '../../../src/devnet/ticker.ts';
import { Bench } from '../../support/devnet-bench.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const EPOCH_MS = 1000;

async function ticking() {
	const bench = new Bench();
	const clock = new ManualClock();
	const ticker = new Ticker({ clock, log: bench.log, node: bench.node }, EPOCH_MS);
	ticker.resume();
	/** Lets the time pass and the epoch be made. */
	const pass = async (ms: number): Promise<number> => {
		const next = new Promise<void>((resolve) => {
			const stop = bench.node.onHeads(() => {
				stop();
				resolve();
			});
		});
		clock.advance(ms);
		await next;
		// The timer of the next epoch is set when this one is done.
		while (clock.timers === 0) await new Promise((resolve) => setImmediate(resolve));
		return bench.height;
	};
	return { bench, clock, ticker, pass };
}

test('each epoch brings a tipset', async () => {
	const { clock, bench, pass } = await ticking();
	clock.advance(EPOCH_MS - 1);
	assert.equal(bench.height, 0);
	assert.equal(await pass(1), 1);
	assert.equal(await pass(EPOCH_MS), 2);
});

test('an epoch that came late does not delay the ones after it, missed ones are not made up for', async () => {
	const { pass } = await ticking();
	assert.equal(await pass(EPOCH_MS + 400), 1);
	assert.equal(await pass(EPOCH_MS - 400), 2);
	assert.equal(await pass(5 * EPOCH_MS), 3);
});

test('null rounds take their time and leave heights out', async () => {
	const { bench, clock, ticker, pass } = await ticking();
	ticker.skip(2);
	for (let i = 0; i < 2; i++) {
		clock.advance(EPOCH_MS);
		while (clock.timers === 0) await new Promise((resolve) => setImmediate(resolve));
		assert.equal(bench.height, 0);
	}
	assert.equal(await pass(EPOCH_MS), 3);
});

test('a paused chain stands still and goes on where it was', async () => {
	const { bench, clock, ticker, pass } = await ticking();
	await pass(EPOCH_MS);
	await ticker.pause();
	assert.equal(clock.timers, 0);
	clock.advance(10 * EPOCH_MS);
	assert.equal(bench.height, 1);
	ticker.resume();
	ticker.resume();
	assert.equal(clock.timers, 1, 'resumed once');
	assert.equal(await pass(EPOCH_MS), 2);
});
