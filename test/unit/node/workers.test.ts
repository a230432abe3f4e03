import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { actorId, hex32 } from '../../../src/domain/ids.ts';
import { parseConfig } from '../../../src/node/config.ts';
import { startWorkers, type Workers } from '../../../src/node/workers.ts';
import type { ProofJob } from '../../../src/ports/prover.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { systemClock } from '../../support/system-clock.ts';

const WORKER = resolve(import.meta.dirname, '../../fakes/native-worker.ts');
const root = await mkdtemp(join(tmpdir(), 'poster-workers-'));
after(() => rm(root, { recursive: true, force: true }));

const JOB: ProofJob = {
	statement: { proofType: 10, miner: actorId(1000), randomness: hex32(`${'5b'.repeat(31)}1b`), sectors: [] },
	spool: { path: '/nowhere', slotOf: () => 0 },
};

function workers(t: TestContext, slots: string, behaviour: string, gpu?: string): Workers {
	const started = startWorkers(
		{ clock: systemClock, log: memoryLog() },
		{
			config: parseConfig(`[prover]\nslots = ${slots}\n`, join(root, 'config.toml')),
			command: [process.execPath, WORKER, behaviour],
			gpuCommand: gpu === undefined ? undefined : [process.execPath, WORKER, gpu],
			scratch: join(root, 'scratch'),
			decoded: join(root, 'decoded'),
		},
	);
	t.after(() => started.close());
	return started;
}

test('a GPU slot whose worker names no GPU is refused: it would prove on the CPU without a word', async (t) => {
	const slots = '[{ kind = "cpu" }, { kind = "gpu", device = 1 }]';
	await assert.rejects(workers(t, slots, 'echo').requireProvers(), {
		code: 'prover-no-gpu',
		meta: { slot: 'gpu-1-device-1' },
	});
});

test('a worker that names its GPUs, or a program of the slot, is taken at its word', async (t) => {
	await workers(t, '[{ kind = "gpu", device = 0 }]', 'gpu').requireProvers();
	const program = JSON.stringify([process.execPath, WORKER, 'echo']);
	await workers(t, `[{ kind = "gpu", device = 0, worker = ${program} }]`, 'echo').requireProvers();
	await workers(t, '2', 'echo').requireProvers();
});

for (const behaviour of ['refuses', 'refuses-mutely']) {
	test(`${behaviour}: a native worker of another version is no prover, and no verifier`, async (t) => {
		const started = workers(t, '2', behaviour);
		const refused = { code: 'native-refused', advice: /build the native part again/ };
		await assert.rejects(started.requireProvers(), refused);
		await assert.rejects(started.verifier.keys(), refused);
		await assert.rejects(workers(t, '[{ kind = "gpu" }]', 'echo', behaviour).requireProvers(), refused);
	});
}

test('a worker that ends for another reason, or a program of the slot, is started again', async (t) => {
	await workers(t, '1', 'exit-at-start').requireProvers();
	const program = JSON.stringify([process.execPath, WORKER, 'refuses']);
	await workers(t, `[{ kind = "cpu", worker = ${program} }]`, 'echo').requireProvers();
});

test('GPU slots run the build for GPUs, the others do not', async (t) => {
	await workers(t, '[{ kind = "gpu" }]', 'echo', 'gpu').requireProvers();
	const [slot] = workers(t, '[{ kind = "cpu" }]', 'proves-own', 'exit-at-start').slots;
	assert(slot !== undefined);
	assert.equal((await slot.prove(JOB, () => undefined, new AbortController().signal)).engine, 'own');
});

test('the lock folder of a GPU slot is a path from the folder of the config', () => {
	const text = '[prover]\nslots = [{ kind = "gpu", lock_dir = "sealing" }]\n';
	const config = parseConfig(text, join(root, 'config.toml'));
	assert.equal(config.prover?.slots[0]?.lockDir, join(root, 'sealing'));
});
