import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect, Event, Step } from '../../../src/core/api.ts';
import { epoch } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { Loop } from '../../../src/node/loop.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { MemoryStore } from '../../fakes/memory-store.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { memoryMetrics } from '../../support/memory-metrics.ts';
import { hurried } from '../../support/system-clock.ts';
import { until } from '../../support/until.ts';

const nothing: Step = { persist: [], after: [] };
const decision = (reason: string): Effect => ({ type: 'decision', decision: { name: 'claim', reason } });
const head = (height: number): Event => ({ type: 'head', epoch: epoch(height) });

function setup(step: (event: Event) => Step, clock: Clock = hurried(5), careful = false) {
	const store = new MemoryStore();
	const metrics = memoryMetrics();
	const ran: string[] = [];
	/** Batches on disk when each effect ran. */
	const written: number[] = [];
	const crashes: unknown[] = [];
	const suspects: Event[] = [];
	const failures: unknown[] = [];
	const loop = new Loop(
		{ store, clock, log: memoryLog(), metrics },
		{
			step: (event) => step(event),
			run: (effect) => {
				ran.push(effect.type === 'decision' ? effect.decision.reason : effect.type);
				written.push(store.batches.length);
			},
			crashed: (_event, error, among) => {
				crashes.push(error);
				suspects.push(...among);
			},
			failed: (error) => failures.push(error),
			careful: () => careful,
			rest: () => undefined,
		},
	);
	return { store, metrics, ran, written, crashes, suspects, failures, loop };
}

function keeping(event: Event): Step {
	if (event.type !== 'head') return nothing;
	const key = `c/${event.epoch}`;
	return { persist: [{ type: 'put', key, value: Uint8Array.of(1) }], after: [decision(key)] };
}

test('effects wait until what was decided with them is on disk', async () => {
	const { store, ran, written, loop } = setup(keeping);
	store.hold();
	loop.enqueue(head(1));
	assert.deepEqual(ran, []);
	store.release();
	await until('the effect ran', () => ran.length === 1);
	assert.deepEqual(written, [1]);
	assert.deepEqual(
		store.batches.flat().map(({ key }) => key),
		['c/1'],
	);
	await loop.stop();
});

test('a refused write is tried again, and nothing is announced before it succeeds', async () => {
	const { store, ran, written, metrics, loop } = setup(keeping);
	store.failNext('store-full', 'store-io');
	loop.enqueue(head(1));
	loop.enqueue(head(2));
	await until('both effects ran', () => ran.length === 2);
	assert.deepEqual(ran, ['c/1', 'c/2']);
	assert.ok(written.every((batches) => batches > 0));
	assert.equal(metrics.total('poster_store_failed_total'), 2);
	assert.equal(loop.stalledMs(), 0);
	await loop.stop();
});

test('events of one run share one synced write, in their order', async () => {
	const { store, ran, loop } = setup(keeping);
	for (let height = 0; height < limits.loopBatchEvents + 1; height++) loop.enqueue(head(height));
	await until('all ran', () => ran.length === limits.loopBatchEvents + 1);
	assert.equal(store.batches.length, 2);
	assert.equal(store.batches[0]?.length, limits.loopBatchEvents);
	assert.deepEqual(
		ran,
		Array.from({ length: limits.loopBatchEvents + 1 }, (_, height) => `c/${height}`),
	);
	await loop.stop();
});

test('questions of others are dropped above their bound, answers never', async () => {
	const seen: string[] = [];
	const { store, metrics, loop } = setup((event) => {
		seen.push(event.type);
		return keeping(event);
	});
	store.hold();
	loop.enqueue(head(1));
	const asked: Event = { type: 'pull-asked', request: 1, peer: 'p' as never, pull: {} as never };
	for (let i = 0; i < limits.loopOutsideEvents + 10; i++) loop.enqueue(asked);
	loop.enqueue(head(2));
	store.release();
	await until('all were stepped', () => seen.filter((type) => type === 'head').length === 2);
	assert.equal(seen.filter((type) => type === 'pull-asked').length, limits.loopOutsideEvents);
	assert.equal(metrics.total('poster_loop_dropped_total'), 10);
	await loop.stop();
});

test('the core ticks from the start, and no later tick is queued while one waits', async () => {
	let due = 0;
	const clock = hurried(5);
	const counted: Clock = {
		...clock,
		after: (ms, run) =>
			clock.after(ms, () => {
				due++;
				run();
			}),
	};
	/** Ticks that had come due when each one was stepped. */
	const stepped: number[] = [];
	const { store, loop } = setup(() => {
		stepped.push(due);
		return stepped.length === 1
			? { persist: [{ type: 'put', key: 'i', value: Uint8Array.of(1) }], after: [] }
			: nothing;
	}, counted);
	store.hold();
	loop.start();
	await until('the first tick was stepped', () => stepped.length === 1);
	await until('more ticks came due', () => due >= 5);
	store.release();
	await until('it ticks on', () => stepped.length >= 3);
	await loop.stop();
	assert.ok((stepped[2] as number) > (stepped[1] as number), 'one tick stands for all that came due meanwhile');
});

test('a core that fails is reported once with its event; nothing of that run is carried out', async () => {
	const { store, ran, crashes, loop } = setup((event) => {
		if (event.type === 'head' && event.epoch === 2) throw new Error('bug');
		return keeping(event);
	});
	for (const height of [1, 2, 3]) loop.enqueue(head(height));
	await until('the failure was reported', () => crashes.length > 0);
	loop.enqueue(head(4));
	await loop.stop();
	assert.equal(crashes.length, 1);
	assert.deepEqual(ran, []);
	assert.equal(store.batches.length, 0);
});

const question = (request: number): Event => ({ type: 'pull-asked', request, peer: 'p' as never, pull: {} as never });

test('of a failure of the rules the inputs since they last ran are suspects, one alone where the node is careful', async () => {
	for (const careful of [false, true]) {
		let asked = 0;
		const { crashes, suspects, loop } = setup(
			(event) => {
				if (event.type === 'pull-asked') asked = event.request;
				if (event.type === 'tick' && asked >= 3) throw new Error('bug');
				return nothing;
			},
			hurried(5),
			careful,
		);
		loop.enqueue(question(1));
		loop.enqueue({ type: 'tick' });
		for (const request of [2, 3, 4, 5]) loop.enqueue(question(request));
		loop.enqueue({ type: 'tick' });
		await until('the failure was reported', () => crashes.length > 0);
		await loop.stop();
		assert.deepEqual(suspects, careful ? [question(3)] : [question(2), question(3)]);
	}
});

test('an input on which the core fails at once is the only suspect, and of an answer there is none', async () => {
	for (const poison of [question(7), head(7)]) {
		const { crashes, suspects, loop } = setup((event) => {
			if (event === poison) throw new Error('bug');
			return nothing;
		});
		loop.enqueue(question(1));
		loop.enqueue({ type: 'tick' });
		loop.enqueue(poison);
		await until('the failure was reported', () => crashes.length > 0);
		await loop.stop();
		assert.deepEqual(suspects, poison.type === 'head' ? [] : [poison]);
	}
});

test('an input in whose step the rules fail over what came before is not blamed alone', async () => {
	for (const careful of [false, true]) {
		let dirty = false;
		const { crashes, suspects, loop } = setup(
			(event) => {
				if (dirty) throw new Error('a bug in a rule');
				dirty = event.type === 'head' && event.epoch === 8;
				return nothing;
			},
			hurried(5),
			careful,
		);
		loop.enqueue({ type: 'tick' });
		loop.enqueue(question(1));
		loop.enqueue(head(8));
		loop.enqueue(question(2));
		await until('the failure was reported', () => crashes.length > 0);
		await loop.stop();
		assert.deepEqual(suspects, careful ? [] : [question(1), question(2)]);
	}
});

test('while nothing can be written only the newest state of the chain is kept', async () => {
	const heads: number[] = [];
	const views: number[] = [];
	const { store, ran, loop } = setup((event) => {
		if (event.type === 'head') heads.push(event.epoch);
		if (event.type === 'chain-view') views.push(event.view.epoch);
		return keeping(event);
	});
	const view = (miner: number, height: number): Event =>
		({ type: 'chain-view', view: { miner, epoch: height } }) as unknown as Event;
	store.failNext('store-io', 'store-io');
	loop.enqueue(head(0));
	await until('the store has refused', () => loop.stalledMs() > 0);
	for (let height = 1; height < 20; height++) {
		loop.enqueue(head(height));
		loop.enqueue(view(1000, height));
		loop.enqueue(view(1001, height));
	}
	await until('it goes on', () => ran.includes('c/19'));
	assert.deepEqual(heads, [0, 19]);
	assert.deepEqual(views, [19, 19]);
	await loop.stop();
});

test('a write that fails for no reason of the disk ends the loop, and is told once', async () => {
	const { store, ran, failures, loop } = setup(keeping);
	const bug = new TypeError('a bug');
	store.write = () => Promise.reject(bug);
	loop.enqueue(head(1));
	await until('the failure was told', () => failures.length > 0);
	loop.enqueue(head(2));
	await loop.stop();
	assert.deepEqual([failures, ran], [[bug], []]);
});
