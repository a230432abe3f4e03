import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { actorId, hex32, sectorNumber } from '../../../src/domain/ids.ts';
import { parseConfig } from '../../../src/node/config.ts';
import { startWorkers } from '../../../src/node/workers.ts';
import { fakeCommR, fakeProof } from '../../fakes/fake-proofs.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { systemClock } from '../../support/system-clock.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-externals-'));
after(() => rm(root, { recursive: true, force: true }));
const program = (name: string): string => resolve(import.meta.dirname, '../../fakes', name);

test('slots stand in the order of their weights, and a prover of others proves what lies on this machine', async (t) => {
	const node = JSON.stringify(process.execPath);
	const text = `
[storage]
paths = ["${root}"]
[prover]
slots = 1
external = [
	{ bin = ${node}, args = ["${program('damocles-prover.ts')}"], protocol = "damocles", weight = 5, ready_timeout_ms = 30000 },
	{ bin = ${node}, args = ["${program('example-prover.ts')}"], concurrency = 2, weight = 0, ready_timeout_ms = 30000 },
]`;
	const workers = startWorkers(
		{ clock: systemClock, log: memoryLog() },
		{
			config: parseConfig(text, join(root, 'config.toml')),
			command: ['poster-native'],
			scratch: join(root, 'scratch'),
			decoded: join(root, 'decoded'),
		},
	);
	t.after(() => workers.close());
	assert.deepEqual(
		workers.slots.map(({ name }) => name),
		['external-0-node', 'cpu-0', 'external-1-node-0', 'external-1-node-1'],
	);
	for (const kind of ['sealed', 'cache']) await mkdir(join(root, kind, 's-t01000-1'), { recursive: true });
	const statement = {
		proofType: 10,
		miner: actorId(1000),
		randomness: hex32(`${'5b'.repeat(31)}1b`),
		sectors: [{ number: sectorNumber(1), commR: fakeCommR(1000, 1) }],
	};
	const job = { statement, spool: { path: join(root, 'spool'), slotOf: () => 0 } };
	const made = await workers.slots[0]?.prove(job, () => undefined, new AbortController().signal);
	assert.deepEqual([...(made?.proof ?? [])], [...fakeProof(statement)]);
});

test('a slot runs on the cores that it is given', { skip: process.platform !== 'linux' }, async (t) => {
	const allowed = async (status: string): Promise<string> =>
		/^Cpus_allowed_list:\s*(.+)$/m.exec(await readFile(status, 'utf8'))?.[1] ?? '';
	const [core = ''] = (await allowed('/proc/self/status')).split(/[-,]/);
	const told = join(root, 'status');
	const line = JSON.stringify(['/bin/sh', '-c', `cat /proc/self/status > ${told}`]);
	const workers = startWorkers(
		{ clock: systemClock, log: memoryLog() },
		{
			config: parseConfig(`[prover]\nslots = [{ worker = ${line}, cpus = "${core}" }]`, join(root, 'config.toml')),
			command: ['poster-native'],
			scratch: join(root, 'bound'),
			decoded: join(root, 'decoded'),
		},
	);
	t.after(() => workers.close());
	const statement = { proofType: 10, miner: actorId(1000), randomness: hex32('00'.repeat(32)), sectors: [] };
	const job = { statement, spool: { path: told, slotOf: () => 0 } };
	const run = workers.slots[0]?.prove(job, () => undefined, new AbortController().signal);
	await assert.rejects(run ?? Promise.resolve(), { code: 'prover-unavailable' }, 'it is no prover, and ends');
	assert.equal(await allowed(told), core);
});
