import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Ed25519Identity } from '../../../src/adapters/identity/ed25519.ts';
import { openStore } from '../../../src/adapters/level/store.ts';
import { keys, readNumbers } from '../../../src/core/keys.ts';
import { actorId, hex32 } from '../../../src/domain/ids.ts';

import { type BenchOptions, type BenchStep, benchProve, keepBench } from '../../../src/node/bench-prove.ts';
import { createHome } from '../../../src/node/home.ts';
import { lockHome } from '../../../src/node/lock.ts';
import { ProofTimes } from '../../../src/node/proof-times.ts';
import type { ProofJob } from '../../../src/ports/prover.ts';
import { fakeVanilla } from '../../fakes/fake-proofs.ts';
import { FakeProverSlot, FakeVerifier } from '../../fakes/fake-prover.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { systemClock } from '../../support/system-clock.ts';
import { fakeManifest } from '../../support/work-items.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-bench-test-'));
after(() => rm(root, { recursive: true, force: true }));
const files: string[] = [];

async function sample(proofType: number): Promise<ProofJob> {
	const [sector] = fakeManifest(7);
	assert.ok(sector !== undefined);
	const statement = { proofType, miner: actorId(0), randomness: hex32('00'.repeat(32)), sectors: [sector] };
	const path = join(root, `sample-${files.length}`);
	files.push(path);
	await writeFile(path, fakeVanilla(statement, sector));
	return { statement, spool: { path, slotOf: () => 0 } };
}

function options(change: Partial<BenchOptions> = {}, steps: BenchStep[] = []): BenchOptions {
	return {
		workers: { slots: [new FakeProverSlot('a'), new FakeProverSlot('b')], sample, verifier: new FakeVerifier() },
		proofTypes: [10, 13],
		slotFilters: [{ slot: 'b', proofTypes: [10], miners: null, readsOwnStorage: false }],
		repetitions: 2,
		tell: (step) => steps.push(step),
		signal: new AbortController().signal,
		...change,
	};
}

test('every slot is measured with what it takes, warmed up first, its phases in their order', async () => {
	const steps: BenchStep[] = [];
	const results = await benchProve(systemClock, options({}, steps));
	assert.deepEqual(
		results.map(({ slot, proof, sectors, repetitions }) => [slot, proof, sectors, repetitions]),
		[
			['a', 'window 2KiB', 2, 2],
			['a', 'window 32GiB', 2349, 2],
			['b', 'window 2KiB', 2, 2],
		],
	);
	for (const { phases, whole, samples, device } of results) {
		assert.deepEqual(Object.keys(phases), ['read', 'params', 'circuit', 'synthesis', 'prove']);
		assert.equal(whole.proofs, 2);
		assert.equal(samples.length, 2);
		assert.equal(device, 'fake');
	}
	const first = steps.filter(({ slot, proof }) => slot === 'a' && proof === 'window 2KiB');
	assert.deepEqual([...new Set(first.map(({ repetition }) => repetition))], [0, 1, 2]);
	assert.ok(!files.some((file) => existsSync(file)), 'the samples are removed');
	assert.equal(files.length, 3);
});

test('a proof that does not verify is no measurement', async () => {
	const workers = { slots: [new FakeProverSlot('a')], sample, verifier: new FakeVerifier() };
	workers.verifier.verifyPost = async () => ({ ok: false, detail: 'it is another proof' });
	await assert.rejects(benchProve(systemClock, options({ workers })), { code: 'bench-refused' });
});

test('what was measured is what the node begins with, and a running node is not disturbed', async () => {
	const home = await createHome(join(root, 'home'), {
		identity: Ed25519Identity.generate(),
		meshKey: new Uint8Array(32),
		operator: { key: Ed25519Identity.generate() },
	});
	const results = await benchProve(systemClock, options());
	const log = memoryLog();
	const running = await lockHome(home.paths.lock);
	await assert.rejects(keepBench(home, results, log), { code: 'home-in-use' });
	await running.release();
	await keepBench(home, results, log);
	const store = await openStore(home.paths.store, home.identity.id);
	try {
		const durations = await store.get(keys.durations(10));
		assert.equal(readNumbers(durations ?? new Uint8Array()).length, 4, 'two slots, two proofs each');
		const times = await ProofTimes.load(store, log);
		assert.deepEqual(
			times.all().map(({ slot, proof, whole }) => [slot, proof, whole.proofs]),
			[
				['a', 'window 2KiB', 2],
				['a', 'window 32GiB', 2],
				['b', 'window 2KiB', 2],
			],
		);
	} finally {
		await store.close();
	}
});
