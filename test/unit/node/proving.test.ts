import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Event } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { PosterError } from '../../../src/domain/errors.ts';
import { ManifestBook } from '../../../src/node/manifest-book.ts';
import { ProofTimes } from '../../../src/node/proof-times.ts';
import { Proving, type ProvingOptions } from '../../../src/node/proving.ts';
import { StepTimes } from '../../../src/node/step-times.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { fakeVanilla } from '../../fakes/fake-proofs.ts';
import { FakeProverSlot, FakeVerifier } from '../../fakes/fake-prover.ts';
import { MemoryStore } from '../../fakes/memory-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { systemClock } from '../../support/system-clock.ts';
import { until } from '../../support/until.ts';
import { fakeManifest, workOf } from '../../support/work-items.ts';

test('the core hears which slots are in service, in their order, and why the others are not, whenever that changes', async () => {
	const slots = ['a', 'b', 'c'].map((name) => new FakeProverSlot(name));
	const events: Event[] = [];
	const proving = new Proving(
		{
			slots,
			verifier: new FakeVerifier(),
			book: new ManifestBook(new MemoryStore()),
			clock: systemClock,
			log: memoryLog(),
		},
		{
			spool: () => Promise.reject(new PosterError('spool-missing', 'none')),
			times: new StepTimes(),
			proofTimes: await ProofTimes.load(new MemoryStore(), memoryLog()),
			enqueue: (event) => events.push(event),
			progressed: { emit: () => undefined },
		},
	);
	proving.watchSlots();
	slots[1]?.setInService(false, new PosterError('native-refused', 'no', { advice: 'build' }));
	slots[0]?.setInService(false, new Error('gone'));
	slots[1]?.setInService(true);
	slots[0]?.setInService(true);
	const refused = { slot: 'b', reason: 'no', advice: 'build' };
	const gone = { slot: 'a', reason: 'gone' };
	assert.deepEqual(events, [
		{ type: 'slots', slots: ['a', 'c'], out: [refused] },
		{ type: 'slots', slots: ['c'], out: [refused, gone] },
		{ type: 'slots', slots: ['b', 'c'], out: [gone] },
		{ type: 'slots', slots: ['a', 'b', 'c'], out: [] },
	]);
});

test('a proof that is given up while its spool is awaited ends at once', async () => {
	const events: Event[] = [];
	const work = workOf(fakeManifest(1, 2));
	const proving = new Proving(
		{
			slots: [new FakeProverSlot('a')],
			verifier: new FakeVerifier(),
			book: new ManifestBook(new MemoryStore()),
			clock: systemClock,
			log: memoryLog(),
		},
		{
			spool: () => new Promise<never>(() => undefined),
			times: new StepTimes(),
			proofTimes: await ProofTimes.load(new MemoryStore(), memoryLog()),
			enqueue: (event) => events.push(event),
			progressed: { emit: () => undefined },
		},
	);
	const ended = proving.prove({ type: 'prove', work, slot: 'a', skipped: Bitfield.empty, stock: false, spareMs: 0 });
	proving.cancel({ type: 'prove-cancel', work: work.id, slot: 'a' });
	await ended;
	assert.deepEqual(events, [{ type: 'prove-failed', work: work.id, slot: 'a', code: 'prover-cancelled' }]);
});

/** One slot with a gathered work, and what it told the core. */
async function oneSlot(t: TestContext, clock: Clock, options: Pick<ProvingOptions, 'paused'> = {}) {
	const events: Event[] = [];
	const manifest = fakeManifest(1, 2);
	const work = workOf(manifest);
	const slot = new FakeProverSlot('a');
	const proofTimes = await ProofTimes.load(new MemoryStore(), memoryLog());
	const book = new ManifestBook(new MemoryStore());
	await book.put(manifest);
	const folder = await mkdtemp(join(tmpdir(), 'poster-proving-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const spool = { path: join(folder, 'spool'), slotOf: (sector: number) => sector - 1 };
	await writeFile(spool.path, Buffer.concat(manifest.map((sector) => fakeVanilla(work, sector))));
	const proving = new Proving(
		{ slots: [slot], verifier: new FakeVerifier(), book, clock, log: memoryLog() },
		{
			spool: async () => spool,
			times: new StepTimes(),
			proofTimes,
			enqueue: (event) => events.push(event),
			progressed: { emit: () => undefined },
			...options,
		},
	);
	const prove = (spareMs = Number.MAX_SAFE_INTEGER): Promise<void> =>
		proving.prove({ type: 'prove', work, slot: 'a', skipped: Bitfield.empty, stock: false, spareMs });
	return { events, work, slot, proofTimes, proving, prove };
}

/** A clock whose timers run at once, and what they were to wait for. */
function hastyClock() {
	const waits: number[] = [];
	const clock: Clock = {
		...systemClock,
		after: (ms, run) => {
			waits.push(ms);
			const timer = setImmediate(run);
			return () => clearImmediate(timer);
		},
	};
	return { clock, waits };
}

test('a phase that hangs when another attempt would come too late is left to run', async (t) => {
	const { clock, waits } = hastyClock();
	const { slot, proofTimes, work, events, prove } = await oneSlot(t, clock);
	slot.hold();
	await proofTimes.learn('a', work.proofType, { ms: 60_000, phaseMs: { prove: 60_000 }, device: 'cpu' });
	const ended = prove(0);
	await until('its patience is over', () => waits.length === 1);
	await new Promise(setImmediate);
	slot.release();
	await ended;
	assert.equal(events.at(-1)?.type, 'proved');
});

test('a phase that hangs is given up as such, its slot is free again, and the next attempt has twice the time', async (t) => {
	const { clock, waits } = hastyClock();
	const { slot, proofTimes, work, events, prove } = await oneSlot(t, clock);
	slot.hold();
	await proofTimes.learn('a', work.proofType, { ms: 60_000, phaseMs: { prove: 60_000 }, device: 'cpu' });
	for (let i = 0; i < 2; i++) await prove();
	const ends = events.filter(({ type }) => type !== 'prove-progress');
	assert.deepEqual(
		ends.map((event) => (event.type === 'prove-failed' ? event.code : event.type)),
		['prover-hung', 'prover-hung'],
	);
	assert.deepEqual(waits, [120_000, 240_000]);
});

test('a proof of the library after our own prover’s is neither judged nor counted by what those took', async (t) => {
	const { slot, proofTimes, work, events, prove } = await oneSlot(t, systemClock);
	const { prove: make } = slot;
	const anew = (): unknown[] => events.splice(0).flatMap((event) => ('anew' in event ? [event.type] : []));
	slot.prove = async (...job) => ({ ...(await make.apply(slot, job)), engine: 'own' });
	await prove();
	assert.deepEqual(anew(), []);
	await prove();
	assert.deepEqual(new Set(anew()), new Set(['prove-progress']), 'only its end tells who made it');
	slot.prove = async (...job) => ({ ...(await make.apply(slot, job)), engine: 'stock' });
	await prove();
	assert.deepEqual(new Set(anew()), new Set(['prove-progress', 'proved']));
	assert.equal(proofTimes.isOwn('a', work.proofType), false);
	await prove();
	assert.deepEqual(anew(), []);
});

test('what a slot stood still for a block is neither part of its proof’s time nor learned, and the core hears of it', async (t) => {
	const clock = new ManualClock();
	let pausedMs = 0;
	const paused = { slots: new Set(['a']), ms: () => pausedMs };
	const { slot, proofTimes, proving, work, events, prove } = await oneSlot(t, clock, { paused });
	const proveMs = async (): Promise<unknown[]> => {
		slot.hold();
		const run = prove();
		await until('it is in its last phase', () =>
			events.some((event) => event.type === 'prove-progress' && event.phase === 'prove'),
		);
		clock.advance(5_000);
		proving.stoodStill();
		slot.release();
		await run;
		return events.splice(0).flatMap((event): unknown[] => {
			if (event.type === 'proved') return [event.proveMs];
			return event.type === 'prove-progress' && event.phase === 'paused' ? ['told'] : [];
		});
	};
	pausedMs = 1_000;
	const run = proveMs();
	await until('it began', () => events.length > 0);
	pausedMs = 4_000;
	assert.deepEqual(await run, ['told', 2_000]);
	assert.equal(proofTimes.whole('a', work.proofType), undefined);
	paused.slots.clear();
	assert.deepEqual(await proveMs(), [5_000], 'a slot that goes on');
	assert.equal(proofTimes.whole('a', work.proofType)?.p95Ms, 5_000);
});
