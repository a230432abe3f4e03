/**
 * The real worker in the place of another program: a config that knows provers of others alone proves real sectors, by
 * docs/prover-protocol.md and nothing else, and what it proves is verified like the proof of any peer.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { actorId, hex32 } from '../../src/domain/ids.ts';
import { parseConfig } from '../../src/node/config.ts';
import { readProofKeys } from '../../src/node/proof-keys.ts';
import { startWorkers } from '../../src/node/workers.ts';
import { memoryLog } from '../support/memory-log.ts';
import { ensureNative, ensureParams, ensureSectors } from '../support/native-fixtures.ts';
import { systemClock } from '../support/system-clock.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-external-real-'));
after(() => rm(root, { recursive: true, force: true }));
const never = new AbortController().signal;

test('a prover of others proves real sectors that this node has checked', { timeout: 300_000 }, async (t) => {
	const native = await ensureNative();
	const params = await ensureParams();
	const sealed = await ensureSectors(1000, 4);
	const text = `
[storage]
paths = ["${sealed.dir}"]
[proofs]
test_parameters = "${params}"
[prover]
slots = 0
[[prover.external]]
bin = "${native}"
args = ["prove", "--params", "${params}", "--test-params", "--threads", "2"]
env = { BELLMAN_NO_GPU = "1" }
ready_timeout_ms = 60000
proof_types = ["window-2KiB"]
miners = ["f01000"]`;
	const config = parseConfig(text, join(root, 'config.toml'));
	const workers = startWorkers(
		{ clock: systemClock, log: memoryLog() },
		{ config, command: [native], scratch: join(root, 'workers'), decoded: join(root, 'decoded') },
	);
	t.after(() => workers.close());
	assert.deepEqual(await readProofKeys(config, workers.verifier).then(({ proofTypes }) => proofTypes), [10]);
	const [slot] = workers.slots;
	const { checker, source, verifier } = workers;
	assert.ok(slot !== undefined && checker !== undefined && source !== undefined);
	assert.equal(slot.name, 'external-0-poster-native');

	const request = {
		proofType: 10,
		miner: actorId(1000),
		randomness: hex32(`${'5b'.repeat(31)}1b`),
		sectors: sealed.sectors.slice(1, 3),
	};
	const session = await checker.begin(request, join(root, 'spool'));
	for await (const opened of source.open(request, never)) {
		assert.ok('proof' in opened);
		assert.deepEqual(await session.check(opened.sector, opened.proof), { ok: true });
	}
	await session.finish();
	const phases: string[] = [];
	const made = await slot.prove({ statement: request, spool: session.spool }, ({ phase }) => phases.push(phase), never);
	assert.deepEqual(await verifier.verifyPost(request, made.proof), { ok: true });
	assert.ok(phases.includes('prove'));
	const other = { ...request, randomness: hex32(`${'5c'.repeat(31)}1b`) };
	assert.equal((await verifier.verifyPost(other, made.proof)).ok, false);
});
