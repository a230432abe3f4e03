import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/domain/limits.ts';
import { PhaseWatch } from '../../../src/node/phase-watch.ts';
import { trackProgress } from '../../../src/node/proof-progress.ts';
import { ProofTimes } from '../../../src/node/proof-times.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { MemoryStore } from '../../fakes/memory-store.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { systemClock } from '../../support/system-clock.ts';

const done = (ms: number) => ({ ms, phaseMs: { read: 1, prove: ms - 1 }, device: 'cpu' });

test('times are kept by slot and type, the newest alone, and found again by the next run', async () => {
	const store = new MemoryStore();
	const times = await ProofTimes.load(store, memoryLog());
	for (let n = 1; n <= limits.durations + 36; n++) await times.learn('cpu-0', 10, done(n * 100));
	await times.learn('my prover/1', 13, done(500));
	for (const known of [times, await ProofTimes.load(store, memoryLog())]) {
		assert.deepEqual(known.whole('cpu-0', 10), { p50Ms: 6800, p95Ms: 9700, p99Ms: 10_000, proofs: limits.durations });
		assert.deepEqual(Object.keys(known.phases('cpu-0', 10)), ['read', 'prove']);
		assert.deepEqual(known.phases('cpu-0', 13), {});
		assert.equal(known.whole('cpu-1', 10), undefined);
		assert.deepEqual(
			known.all().map(({ slot, proof }) => [slot, proof]),
			[
				['cpu-0', 'window 2KiB'],
				['my prover/1', 'window 32GiB'],
			],
		);
	}
});

test('times that cannot be read are learned anew', async () => {
	const store = new MemoryStore();
	for (const [key, text] of [
		['t/a/10', 'rubbish'],
		['t/b/10', '{"slot":"b"}'],
	] as const) {
		await store.write([{ type: 'put', key, value: Buffer.from(text) }]);
	}
	const times = await ProofTimes.load(store, memoryLog());
	assert.deepEqual(times.all(), []);
});

test('progress is that of the phases that ended, and 0 while nothing is known', async () => {
	const times = await ProofTimes.load(new MemoryStore(), memoryLog());
	assert.equal(trackProgress(times.phases('a', 10))({ phase: 'prove', state: 'end', ms: 1 }), 0);
	await times.learn('a', 10, { ms: 1000, phaseMs: { synthesis: 250, prove: 750 }, device: 'cpu' });
	const permille = trackProgress(times.phases('a', 10));
	assert.deepEqual(
		[
			permille({ phase: 'synthesis', state: 'start' }),
			permille({ phase: 'synthesis', state: 'end', ms: 1 }),
			permille({ phase: 'prove', state: 'start' }),
			permille({ phase: 'prove', state: 'end', ms: 1 }),
		],
		[0, 250, 250, 999],
	);
});

/** A clock whose one timer is told. */
function watchedClock() {
	const timers: { readonly ms: number; cancelled: boolean; readonly run: () => void }[] = [];
	const clock: Clock = {
		...systemClock,
		after: (ms, run) => {
			const timer = { ms, cancelled: false, run };
			timers.push(timer);
			return () => {
				timer.cancelled = true;
			};
		},
	};
	return { clock, timers };
}

test('a phase may take twice its p95, at least some seconds; each attempt twice as long as the one before', () => {
	const spread = (p95Ms: number) => ({ p50Ms: 1, p95Ms, p99Ms: p95Ms, proofs: 1 });
	const { clock, timers } = watchedClock();
	const hung: string[] = [];
	const watchOf = (attempts: number) =>
		new PhaseWatch(clock, {
			known: { synthesis: spread(1), prove: spread(60_000) },
			attempts,
			hung: (phase) => hung.push(phase),
		});
	const first = watchOf(0);
	first.heard({ phase: 'synthesis', state: 'start' });
	first.heard({ phase: 'synthesis', state: 'end', ms: 1 });
	first.heard({ phase: 'unknown', state: 'start' });
	first.heard({ phase: 'prove', state: 'start' });
	watchOf(2).heard({ phase: 'prove', state: 'start' });
	assert.deepEqual(
		timers.map(({ ms }) => ms),
		[limits.hedgeLeastMs, 120_000, 480_000],
	);
	assert.deepEqual(
		timers.map(({ cancelled }) => cancelled),
		[true, false, false],
		'a phase that ended is not watched',
	);
	timers[1]?.run();
	assert.deepEqual(hung, ['prove']);
	first.end();
	assert.equal(timers[1]?.cancelled, true);
});

test('a phase that begins again is another prover making the proof: nothing is known of it, and nothing judged', () => {
	const { clock, timers } = watchedClock();
	const known = { prove: { p50Ms: 1, p95Ms: 60_000, p99Ms: 60_000, proofs: 1 } };
	const watch = new PhaseWatch(clock, { known, attempts: 0, hung: () => assert.fail('it was given up') });
	watch.heard({ phase: 'prove', state: 'start' });
	assert.equal(watch.isAnew, false);
	watch.heard({ phase: 'prove', state: 'start' });
	assert.equal(watch.isAnew, true);
	assert.deepEqual(
		timers.map(({ cancelled }) => cancelled),
		[true],
	);
});

test('what one prover takes is forgotten when the other one makes the proofs', async () => {
	const times = await ProofTimes.load(new MemoryStore(), memoryLog());
	const done = { ms: 1_000, phaseMs: { prove: 1_000 }, device: 'cpu' };
	await times.learn('a', 10, { ...done, engine: 'own' });
	await times.learn('a', 10, { ...done, engine: 'own' });
	await times.learn('a', 10, { ...done, ms: 3_000, engine: 'stock' });
	assert.deepEqual(
		times.all().map(({ engine, whole }) => [engine, whole.p50Ms, whole.proofs]),
		[['stock', 3_000, 1]],
	);
});

test('what our own prover takes bounds no phase of the library, which may be making the proof in its place', async () => {
	const times = await ProofTimes.load(new MemoryStore(), memoryLog());
	const done = { ms: 10_000, phaseMs: { synthesis: 100, prove: 9_900 }, device: 'cpu' };
	await times.learn('a', 10, { ...done, engine: 'own' });
	const bounds = (): number[] => Object.values(times.bounds('a', 10)).map(({ p95Ms }) => p95Ms);
	assert.deepEqual(bounds(), [40_000, 40_000]);
	await times.learn('a', 10, { ...done, engine: 'stock' });
	assert.deepEqual(bounds(), [100, 9_900]);
	assert.deepEqual(times.bounds('b', 10), {});
});
