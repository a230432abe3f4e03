import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import type { Event } from '../../../src/core/api.ts';
import { PosterError } from '../../../src/domain/errors.ts';
import { hex32, sectorNumber } from '../../../src/domain/ids.ts';
import { proofShape } from '../../../src/domain/proof.ts';
import { Measuring, type MeasuringOptions } from '../../../src/node/measure.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { ProofJob } from '../../../src/ports/prover.ts';
import { proverCompliance } from '../../compliance/prover.ts';
import { fakeCommR, fakeVanilla } from '../../fakes/fake-proofs.ts';
import { FakeProverSlot, FakeVerifier } from '../../fakes/fake-prover.ts';
import { MINER } from '../../support/core.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { memoryMetrics } from '../../support/memory-metrics.ts';
import { systemClock } from '../../support/system-clock.ts';
import { until } from '../../support/until.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-measure-'));
after(() => rm(root, { recursive: true, force: true }));
const never = new AbortController().signal;
const ignore = (): void => undefined;

let spools = 0;
async function sample(proofType: number): Promise<ProofJob> {
	const sectors = [{ number: sectorNumber(1), commR: fakeCommR(MINER, 1), updated: false }];
	const statement = { proofType, miner: MINER, randomness: hex32('33'.repeat(32)), sectors };
	const path = join(root, String(spools++));
	await writeFile(path, Buffer.concat(sectors.map((sector) => fakeVanilla(statement, sector))));
	return { statement, spool: { path, slotOf: () => 0 } };
}

interface Options extends Pick<MeasuringOptions, 'paused' | 'learn'> {
	readonly clock?: Clock;
	readonly slots?: number;
	readonly proofTypes?: readonly number[];
	readonly known?: readonly number[];
}

function setUp(t: TestContext, options: Options = {}) {
	const { slots: count = 1, proofTypes = [10], known = [], clock = systemClock, ...rest } = options;
	const fakes = Array.from({ length: count }, (_, i) => new FakeProverSlot(`slot-${i}`));
	const verifier = new FakeVerifier();
	const log = memoryLog();
	const metrics = memoryMetrics();
	const events: Event[] = [];
	const samples: ProofJob[] = [];
	const measuring = new Measuring(
		{
			slots: fakes,
			verifier,
			clock,
			log,
			metrics,
			sample: async (proofType) => {
				const job = await sample(proofType);
				samples.push(job);
				return job;
			},
		},
		{ proofTypes, known, enqueue: (event) => events.push(event), ...rest },
	);
	t.after(() => measuring.stop());
	const failed = (): number => metrics.total('poster_measurements_failed_total');
	const measured = () => events.flatMap((event) => (event.type === 'measured' ? [event.proofType] : []));
	const start = (): void => measuring.start((error) => assert.fail(String(error)));
	const slot = (i = 0) => {
		const [fake, shared] = [fakes[i], measuring.slots[i]];
		assert.ok(fake !== undefined && shared !== undefined);
		return { fake, shared };
	};
	return { measuring, verifier, log, events, samples, failed, measured, start, slot };
}

test('every type without a known duration is measured once, as a full partition, and its spool removed', async (t) => {
	const { events, samples, measured, start } = setUp(t, { proofTypes: [10, 11, 13], known: [11] });
	start();
	await until('both are measured', () => measured().length === 2);
	assert.deepEqual(measured(), [10, 13]);
	for (const event of events) {
		assert.ok(event.type === 'measured');
		assert.equal(event.sectors, proofShape(event.proofType).partitionSectors);
		assert.ok(event.ms >= 0);
	}
	await until('the spools are gone', () => samples.every(({ spool }) => !existsSync(spool.path)));
	assert.equal(samples.length, 2);
});

test('a node without slots measures nothing', async (t) => {
	const { measuring, samples, start } = setUp(t, { slots: 0 });
	start();
	await measuring.stop();
	assert.equal(samples.length, 0);
});

/** Resolves when the next job is in the slot. */
function begun(fake: FakeProverSlot): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	const prove = fake.prove.bind(fake);
	fake.prove = (...args) => {
		resolve();
		return prove(...args);
	};
	return promise;
}

test('real work displaces a measurement at once, and tells the duration in its place', async (t) => {
	const { measuring, samples, measured, failed, start, slot } = setUp(t);
	const { fake, shared } = slot();
	const measurement = begun(fake);
	fake.hold();
	start();
	await measurement;
	// The gate stays shut for whoever is in the slot: only a displaced measurement lets the real job begin.
	const phases: string[] = [];
	const real = shared.prove(await sample(10), ({ phase }) => phases.push(phase), never);
	await until('the real job is in its last phase', () => phases.at(-1) === 'prove');
	fake.release();
	await real;
	await until('the spool is gone', () => samples.every(({ spool }) => !existsSync(spool.path)));
	assert.deepEqual([measured(), failed()], [[], 0]);
	await measuring.stop();
});

test('a displaced measurement is made in another slot', async (t) => {
	const { measured, start, slot } = setUp(t, { slots: 2 });
	const { fake, shared } = slot();
	const measurement = begun(fake);
	fake.hold();
	start();
	await measurement;
	const real = shared.prove(await sample(11), ignore, never);
	await until('it is measured', () => measured().length === 1);
	fake.release();
	await real;
});

test('while every slot has real work a measurement waits', async (t) => {
	const { samples, measured, failed, start, slot } = setUp(t, { proofTypes: [11] });
	const { fake, shared } = slot();
	fake.hold();
	const real = shared.prove(await sample(10), ignore, never);
	start();
	await until('there is a sample', () => samples.length === 1);
	fake.release();
	await real;
	await until('it is measured', () => measured().length === 1);
	assert.equal(failed(), 0);
});

test('what a slot stood still for a block is no part of a measurement, and its phases are not learned', async (t) => {
	for (const [name, ms, learns] of [
		['slot-0', 2_000, []],
		['another', 5_000, [5_000]],
	] as const) {
		const clock = new ManualClock();
		let pausedMs = 1_000;
		const learned: number[] = [];
		const { events, measuring, start, slot } = setUp(t, {
			clock,
			paused: { slots: new Set([name]), ms: () => pausedMs },
			learn: async (_, __, done) => void learned.push(done.ms),
		});
		const { fake } = slot();
		const measurement = begun(fake);
		fake.hold();
		start();
		await measurement;
		clock.advance(5_000);
		pausedMs += 3_000;
		fake.release();
		await until('it is measured', () => events.length > 0);
		await measuring.stop();
		assert.deepEqual([events.map((event) => event.type === 'measured' && event.ms), learned], [[ms], learns]);
	}
});

for (const [what, breakIt, code] of [
	['fails', ({ slot }) => slot().fake.failNext.push(new PosterError('prover-crashed', 'gone')), 'prover-crashed'],
	[
		'cannot be verified',
		({ verifier }) => verifier.failNext.push(new PosterError('verifier-no-key', 'none')),
		'verifier-no-key',
	],
	[
		'does not verify',
		({ verifier }) => {
			verifier.verifyPost = async () => ({ ok: false, detail: 'wrong' });
		},
		'measure-refused',
	],
] as const satisfies readonly (readonly [string, (setup: ReturnType<typeof setUp>) => void, string])[]) {
	test(`a measurement that ${what} is counted and told, and the next type is measured`, async (t) => {
		const setup = setUp(t, { proofTypes: [10, 13] });
		breakIt(setup);
		setup.start();
		await until('both are over', () => setup.measured().length + setup.failed() === 2);
		const entry = setup.log.entries.find(({ level }) => level === 'warn');
		assert.deepEqual(entry?.facts && 'code' in entry.facts && entry.facts.code, code);
		await until('the spools are gone', () => setup.samples.every(({ spool }) => !existsSync(spool.path)));
	});
}

test('stop ends a measurement that runs, and one that waits for a slot', async (t) => {
	for (const busy of [false, true]) {
		const { measuring, samples, failed, measured, start, slot } = setUp(t);
		const { fake, shared } = slot();
		fake.hold();
		const real = busy ? shared.prove(await sample(11), ignore, never) : undefined;
		start();
		await until('there is a sample', () => samples.length === 1);
		await measuring.stop();
		assert.deepEqual([measured(), failed()], [[], 0]);
		assert.equal(existsSync(samples[0]?.spool.path ?? ''), false);
		fake.release();
		await real;
	}
});

proverCompliance('a slot that is measured too', async () => {
	const fake = new FakeProverSlot('fake');
	const verifier = new FakeVerifier();
	const ports = { slots: [fake], verifier, sample, clock: systemClock, log: memoryLog(), metrics: memoryMetrics() };
	const { slots } = new Measuring(ports, { proofTypes: [], known: [], enqueue: ignore });
	const slot = slots[0];
	assert.ok(slot !== undefined);
	return { slot, verifier, job: await sample(10) };
});
