import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { NativeChild } from '../../../../src/adapters/native/native-child.ts';
import { NativeVerifier } from '../../../../src/adapters/native/verifier.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { systemClock } from '../../../support/system-clock.ts';

const WORKER = resolve(import.meta.dirname, '../../../fakes/native-worker.ts');

test('a verifier that cannot start says why, with the advice of its worker', async (t) => {
	const root = await mkdtemp(join(tmpdir(), 'poster-verifier-test-'));
	const child = new NativeChild(
		{ clock: systemClock, log: memoryLog() },
		{ command: [process.execPath, WORKER, 'fatal'], env: process.env, scratch: join(root, 'scratch'), nice: 10 },
	);
	const verifier = new NativeVerifier(child);
	t.after(async () => {
		await verifier.close();
		await rm(root, { recursive: true, force: true });
	});
	await assert.rejects(verifier.keys(), {
		code: 'verifier-unavailable',
		message: 'the verifier gave no verdict: a published key',
		advice: 'another folder',
	});
});
