/** What everything behind the Clock port promises, whether time passes by itself or under a test's hands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../src/ports/clock.ts';

export interface ClockHarness {
	readonly clock: Clock;
	/** Resolves when at least so much time has passed and what was due has run. */
	readonly pass: (ms: number) => Promise<void>;
}

const STEP_MS = 20;
const NEVER_MS = 60_000;

export function clockCompliance(name: string, open: () => ClockHarness): void {
	const rule = (what: string, run: (harness: ClockHarness) => Promise<void>): void => {
		test(`${name}: ${what}`, () => run(open()));
	};

	rule('time is whole milliseconds and passes', async ({ clock, pass }) => {
		const now = clock.now();
		await pass(STEP_MS);
		assert.ok(Number.isInteger(now) && Number.isInteger(clock.wallMs()));
		// Timers of Node may come a millisecond early.
		assert.ok(clock.now() >= now + STEP_MS - 1);
	});

	rule('what is to run later runs once, not before its time, in the order of their times', async ({ clock, pass }) => {
		const ran: string[] = [];
		clock.after(2 * STEP_MS, () => ran.push('second'));
		clock.after(STEP_MS, () => ran.push('first'));
		assert.deepEqual(ran, []);
		await pass(3 * STEP_MS);
		await pass(STEP_MS);
		assert.deepEqual(ran, ['first', 'second']);
	});

	rule('what was called off does not run, also when an earlier one calls it off', async ({ clock, pass }) => {
		const ran: string[] = [];
		clock.after(STEP_MS, () => ran.push('at once'))();
		const cancel = clock.after(2 * STEP_MS, () => ran.push('late'));
		clock.after(STEP_MS, cancel);
		await pass(3 * STEP_MS);
		cancel();
		assert.deepEqual(ran, []);
	});

	rule('a sleep ends after its time', async ({ clock, pass }) => {
		const abort = new AbortController();
		const slept = Promise.all([clock.sleep(0), clock.sleep(STEP_MS, abort.signal)]);
		await pass(2 * STEP_MS);
		await slept;
		abort.abort();
	});

	rule('a sleep rejects with the reason of its signal, aborted during it or before', async ({ clock }) => {
		const reason = new Error('mine');
		await assert.rejects(clock.sleep(NEVER_MS, AbortSignal.abort(reason)), reason);
		const later = new AbortController();
		const slept = clock.sleep(NEVER_MS, later.signal);
		later.abort(reason);
		await assert.rejects(slept, reason);
	});
}
