/** Provers of other people behind a slot: one that speaks our frames, and one that speaks Damocles' lines. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { DAMOCLES_LINES } from '../../../../src/adapters/native/damocles-lines.ts';
import { damoclesDialect } from '../../../../src/adapters/native/damocles-prover.ts';
import { NativeChild } from '../../../../src/adapters/native/native-child.ts';
import { NativeProverSlot } from '../../../../src/adapters/native/prover.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import { actorId, hex32, sectorNumber } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { ProofJob } from '../../../../src/ports/prover.ts';
import { proverCompliance } from '../../../compliance/prover.ts';
import { fakeCommR, fakeProof, fakeVanilla } from '../../../fakes/fake-proofs.ts';
import { FakeVerifier } from '../../../fakes/fake-prover.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { patiently } from '../../../support/patiently.ts';
import { systemClock } from '../../../support/system-clock.ts';

const FAKES = resolve(import.meta.dirname, '../../../fakes');
const root = await mkdtemp(join(tmpdir(), 'poster-external-'));
after(() => rm(root, { recursive: true, force: true }));
const never = new AbortController().signal;
const ignore = (): void => undefined;
let scratches = 0;

const miner = actorId(1000);
const statement = {
	proofType: 10,
	miner,
	randomness: hex32(`${'5b'.repeat(31)}1b`),
	sectors: [1, 2].map((n) => ({ number: sectorNumber(n), commR: fakeCommR(1000, n), updated: n === 2 })),
};
const spool = { path: join(root, 'spool'), slotOf: (sector: number) => sector - 1 };
await writeFile(spool.path, Buffer.concat(statement.sectors.map((sector) => fakeVanilla(statement, sector))));
const job: ProofJob = { statement, spool };

const storage = join(root, 'storage');
for (const entry of ['sealed/s-t01000-1', 'cache/s-t01000-1', 'update/s-t01000-2', 'update-cache/s-t01000-2']) {
	await mkdir(join(storage, entry), { recursive: true });
}

type Options = Partial<ConstructorParameters<typeof NativeChild>[1]>;

function child(program: string, args: readonly string[], options: Options = {}): NativeChild {
	return new NativeChild(
		{ clock: systemClock, log: memoryLog() },
		{
			command: [process.execPath, join(FAKES, program), ...args],
			env: process.env,
			scratch: join(root, `scratch-${scratches++}`),
			nice: 10,
			...options,
		},
	);
}

proverCompliance('example prover', async () => ({
	slot: new NativeProverSlot('external-0', child('example-prover.ts', []), systemClock),
	verifier: new FakeVerifier(),
	job,
}));

test('slots that share a prover prove at the same time, and a cancel in one leaves the other alone', async (t) => {
	await patiently('one is cancelled while both run', async (ms) => {
		const shared = child('example-prover.ts', [String(ms)]);
		const [first, second] = ['a', 'b'].map((name) => new NativeProverSlot(name, shared, systemClock));
		assert.ok(first !== undefined && second !== undefined);
		t.after(() => first.close());
		const phases: string[] = [];
		const stop = new AbortController();
		const kept = first.prove(job, ({ phase, state }) => phases.push(`a ${phase} ${state}`), never);
		const left = second.prove(
			job,
			({ phase, state }) => {
				phases.push(`b ${phase} ${state}`);
				if (phase === 'prove') stop.abort();
			},
			stop.signal,
		);
		const [outcome] = await Promise.allSettled([left]);
		const pid = shared.pid;
		assert.deepEqual([...(await kept).proof], [...fakeProof(statement)]);
		assert.equal(shared.pid, pid, 'the process lives');
		const both = phases.indexOf('b prove start') < phases.indexOf('a prove end');
		if (!both || outcome.status === 'fulfilled') return false;
		assert.equal(outcome.reason.code, 'prover-cancelled');
		return true;
	});
});

test('a shared TMPDIR is the one that was named: lock files of other programs count', async (t) => {
	const worker = child('native-worker.ts', ['echo'], { tmpDir: '/tmp' });
	t.after(() => worker.close());
	assert.equal((await worker.request({ type: 'ask' }, new Uint8Array(0))).header['tmp'], '/tmp');
});

function damocles(t: TestContext, behaviour: string, folders = [storage], options: Options = {}) {
	const process = child('damocles-prover.ts', [behaviour], { format: DAMOCLES_LINES, ...options });
	const slot = new NativeProverSlot('external-0', process, systemClock, damoclesDialect(folders));
	t.after(() => slot.close());
	return { process, slot };
}

for (const behaviour of ['array', 'base64']) {
	test(`a Damocles prover gets the paths of sealed and updated sectors and proves (${behaviour})`, async (t) => {
		const { slot } = damocles(t, behaviour);
		for (let i = 0; i < 2; i++) {
			const { proof } = await slot.prove(job, ignore, never);
			assert.deepEqual(await new FakeVerifier().verifyPost(statement, proof), { ok: true });
		}
	});
}

test('sectors that lie elsewhere are told before the Damocles prover is asked', async (t) => {
	const { slot } = damocles(t, 'array', [join(root, 'nowhere')]);
	await assert.rejects(slot.prove(job, ignore, never), (error) => {
		assert.ok(isPosterError(error, 'prover-failed'));
		assert.equal(error.meta['code'], 'not-held-here');
		return true;
	});
});

test('faults and errors of a Damocles prover cost the job, not the process', async (t) => {
	for (const [behaviour, code] of [
		['faults', 'faults'],
		['error', 'external'],
	] as const) {
		const { slot, process } = damocles(t, behaviour);
		for (let i = 0; i < 2; i++) {
			await assert.rejects(slot.prove(job, ignore, never), (error) => {
				assert.ok(isPosterError(error, 'prover-failed'));
				assert.equal(error.meta['code'], code);
				return true;
			});
		}
		assert.notEqual(process.pid, undefined);
	}
});

test('two proofs for one partition are not chosen from', async (t) => {
	const { slot } = damocles(t, 'two-proofs');
	await assert.rejects(slot.prove(job, ignore, never), { code: 'prover-crashed' });
});

test('a Damocles prover that is to leave a proof is ended, and stays in service', { timeout: 120_000 }, async (t) => {
	const { slot, process } = damocles(t, 'hangs');
	slot.watch((inService) => assert.ok(inService, 'it went out of service'));
	for (let i = 0; i < 3; i++) {
		await process.start();
		const before = process.pid;
		const stop = new AbortController();
		const run = slot.prove(job, ignore, stop.signal);
		setImmediate(() => stop.abort());
		await assert.rejects(run, { code: 'prover-cancelled' });
		assert.notEqual(process.pid, before);
	}
});

test('whoever does not say the word, or says it too late, is not used', async (t) => {
	const chatty = damocles(t, 'chatty');
	await assert.rejects(chatty.slot.prove(job, ignore, never), (error) => {
		assert.ok(isPosterError(error, 'prover-unavailable'));
		assert.match(error.advice ?? '', /window_post processor ready/);
		return true;
	});
	const mute = damocles(t, 'mute', [storage], { readyMs: 50 });
	await assert.rejects(mute.slot.prove(job, ignore, never), (error) => {
		assert.ok(isPosterError(error, 'prover-unavailable') && isPosterError(error.cause, 'native-start-timeout'));
		return true;
	});
});

test('a line without an end is not waited for', () => {
	const decoder = DAMOCLES_LINES.decoder();
	assert.throws(() => [...decoder.push(Buffer.alloc(limits.externalLineBytes + 1, 'x'))], { code: 'native-protocol' });
	const byBytes = DAMOCLES_LINES.decoder();
	const said = [...'window_post processor ready\n'].flatMap((byte) => [...byBytes.push(Buffer.from(byte))]);
	assert.deepEqual(
		said.map(({ header }) => header['type']),
		['ready'],
	);
});
