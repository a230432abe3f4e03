import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { parseConfig } from '../../../src/node/config.ts';
import { startWorkers, type Workers } from '../../../src/node/workers.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { systemClock } from '../../support/system-clock.ts';

const WORKER = resolve(import.meta.dirname, '../../fakes/native-worker.ts');
const root = await mkdtemp(join(tmpdir(), 'poster-workers-'));
after(() => rm(root, { recursive: true, force: true }));

function workers(t: TestContext, slots: string, behaviour: string): Workers {
	const started = startWorkers(
		{ clock: systemClock, log: memoryLog() },
		{
			config: parseConfig(`[prover]\nslots = ${slots}\n`, join(root, 'config.toml')),
			command: [process.execPath, WORKER, behaviour],
			scratch: join(root, 'scratch'),
			decoded: join(root, 'decoded'),
		},
	);
	t.after(() => started.close());
	return started;
}

test('a GPU slot whose worker names no GPU is refused: it would prove on the CPU without a word', async (t) => {
	const slots = '[{ kind = "cpu" }, { kind = "gpu", device = 1 }]';
	await assert.rejects(workers(t, slots, 'echo').requireGpus(), {
		code: 'prover-no-gpu',
		meta: { slot: 'gpu-1-device-1' },
	});
});

test('a worker that names its GPUs, or a program of the slot, is taken at its word', async (t) => {
	await workers(t, '[{ kind = "gpu", device = 0 }]', 'gpu').requireGpus();
	const program = JSON.stringify([process.execPath, WORKER, 'echo']);
	await workers(t, `[{ kind = "gpu", device = 0, worker = ${program} }]`, 'echo').requireGpus();
	await workers(t, '2', 'echo').requireGpus();
});
