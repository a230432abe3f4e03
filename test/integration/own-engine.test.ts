/**
 * Our own prover as a node uses it: not before its self-test, then by itself, and given up with an alarm when what it needs
 * is damaged; the library makes the same proof then, and all later ones.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NativeProverSlot } from '../../src/adapters/native/prover.ts';
import { makeSample } from '../../src/adapters/native/sample.ts';
import { selfTest } from '../../src/adapters/native/self-test.ts';
import { NativeVerifier } from '../../src/adapters/native/verifier.ts';
import type { ProofMade } from '../../src/ports/prover.ts';
import { ensureNative, ensureParams, nativeChild } from '../support/native-fixtures.ts';
import { systemClock } from '../support/system-clock.ts';

const WINDOW_2KIB = 10;
const never = new AbortController().signal;

test('the engine auto: after the self-test ours, after a failure the library, with an alarm', {
	timeout: 300_000,
}, async (t) => {
	const native = await ensureNative();
	const keys = ['--params', await ensureParams(), '--test-params'];
	const folder = await mkdtemp(join(tmpdir(), 'poster-own-engine-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const decoded = join(folder, 'decoded');
	const job = await makeSample([native], folder, WINDOW_2KIB, never);
	const verifier = new NativeVerifier(await nativeChild('verify', ...keys));
	t.after(() => verifier.close());
	/** By a process of its own, which sees the folder as it is now. */
	const prove = async (stock = false): Promise<ProofMade & { readonly phases: readonly string[] }> => {
		const child = await nativeChild('prove', ...keys, '--engine', 'auto', '--own-dir', decoded);
		const slot = new NativeProverSlot('cpu-0', child, systemClock);
		const phases: string[] = [];
		try {
			const made = await slot.prove(
				{ ...job, stock },
				({ phase, state }) => void (state === 'start' && phases.push(phase)),
				never,
			);
			assert.deepEqual(await verifier.verifyPost(job.statement, made.proof), { ok: true });
			return { ...made, phases };
		} finally {
			await slot.close();
		}
	};
	assert.equal((await prove()).engine, 'stock', 'nothing was tested yet');

	assert.equal((await selfTest([native], keys, decoded, WINDOW_2KIB, never)).proofType, WINDOW_2KIB);
	const own = await prove();
	assert.deepEqual([own.engine, own.alarm], ['own', undefined]);
	assert.equal((await prove(true)).engine, 'stock', 'a job that is to be made by the library');

	const flat = (await readdir(decoded)).find((name) => name.endsWith('.flat'));
	await truncate(join(decoded, flat ?? ''), 4_096);
	const fallen = await prove();
	assert.equal(fallen.engine, 'stock');
	assert.match(fallen.alarm ?? '', /given up for proof type 10/);
	assert.deepEqual(
		fallen.phases.filter((phase) => phase === 'params'),
		['params', 'params'],
		'it begins again',
	);
	assert.deepEqual(
		[(await prove()).engine, (await readdir(decoded)).some((name) => name.endsWith('.json'))],
		['stock', false],
	);
});

test('a self-test that cannot be made says why', async () => {
	const missing = selfTest([await ensureNative()], ['--params', '/nowhere'], '/nowhere', WINDOW_2KIB, never);
	await assert.rejects(missing, { code: 'self-test-failed' });
});
