import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { PosterError } from '../../../src/domain/errors.ts';
import { ManifestBook } from '../../../src/node/manifest-book.ts';
import { Proving } from '../../../src/node/proving.ts';
import { StepTimes } from '../../../src/node/step-times.ts';
import { FakeProverSlot, FakeVerifier } from '../../fakes/fake-prover.ts';
import { MemoryStore } from '../../fakes/memory-store.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { systemClock } from '../../support/system-clock.ts';
import { fakeManifest, workOf } from '../../support/work-items.ts';

test('the core hears which slots are in service, in their order, whenever one goes or comes back', () => {
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
			enqueue: (event) => events.push(event),
			progressed: { emit: () => undefined },
		},
	);
	proving.watchSlots();
	slots[1]?.setInService(false);
	slots[0]?.setInService(false);
	slots[1]?.setInService(true);
	slots[0]?.setInService(true);
	assert.deepEqual(events, [
		{ type: 'slots', slots: ['a', 'c'] },
		{ type: 'slots', slots: ['c'] },
		{ type: 'slots', slots: ['b', 'c'] },
		{ type: 'slots', slots: ['a', 'b', 'c'] },
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
			enqueue: (event) => events.push(event),
			progressed: { emit: () => undefined },
		},
	);
	const ended = proving.prove({ type: 'prove', work, slot: 'a', skipped: Bitfield.empty });
	proving.cancel({ type: 'prove-cancel', work: work.id, slot: 'a' });
	await ended;
	assert.deepEqual(events, [{ type: 'prove-failed', work: work.id, slot: 'a', code: 'prover-cancelled' }]);
});
