/** The ports over the real worker: real sectors, real proofs, and what becomes of a worker that is killed. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { NativeChecker } from '../../src/adapters/native/checker.ts';
import { NativeChild } from '../../src/adapters/native/native-child.ts';
import { NativeProverSlot } from '../../src/adapters/native/prover.ts';
import { makeSample } from '../../src/adapters/native/sample.ts';
import { NativeVanillaSource } from '../../src/adapters/native/vanilla-source.ts';
import { NativeVerifier } from '../../src/adapters/native/verifier.ts';
import { actorId, hex32 } from '../../src/domain/ids.ts';
import type { OpenRequest } from '../../src/domain/vanilla.ts';
import type { ProofJob } from '../../src/ports/prover.ts';
import { proverCompliance } from '../compliance/prover.ts';
import { vanillaCompliance } from '../compliance/vanilla.ts';
import { verifierCompliance } from '../compliance/verifier.ts';
import type { LoneJob } from '../support/lone-prover.ts';
import { memoryLog } from '../support/memory-log.ts';
import { ensureNative, ensureParams, ensureSectors, nativeChild } from '../support/native-fixtures.ts';
import { blsSigned, secpSigned } from '../support/signatures.ts';
import { systemClock } from '../support/system-clock.ts';
import { until } from '../support/until.ts';
import { ZERO_SECTOR_TYPE, zeroManifest, zeroVanilla } from '../support/zero-sectors.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-native-test-'));
after(() => rm(root, { recursive: true, force: true }));
const never = new AbortController().signal;
const params = await ensureParams();
const sealed = await ensureSectors(1000, 4);
const request: OpenRequest = {
	proofType: 10,
	miner: actorId(1000),
	randomness: hex32(`${'5b'.repeat(31)}1b`),
	sectors: sealed.sectors.slice(1, 3),
};

let paths = 0;
const spoolPath = (): string => join(root, `spool-${paths++}`);
const openSource = async (dir = sealed.dir) =>
	new NativeVanillaSource(await nativeChild('vanilla', '--storage', dir), systemClock);
const openChecker = async () => new NativeChecker(await nativeChild('check'), systemClock);
const openVerifier = async () => new NativeVerifier(await nativeChild('verify', '--params', params, '--test-params'));
async function openSlot() {
	const child = await nativeChild('prove', '--params', params, '--test-params');
	return { child, slot: new NativeProverSlot('cpu-0', child, systemClock) };
}

/** Opens and spools the sectors of `request`. */
async function gathered(): Promise<ProofJob> {
	const source = await openSource();
	const checker = await openChecker();
	const session = await checker.begin(request, spoolPath());
	for await (const opened of source.open(request, never)) {
		assert.ok('proof' in opened);
		assert.deepEqual(await session.check(opened.sector, opened.proof), { ok: true });
	}
	await session.finish();
	await Promise.all([source.close(), checker.close()]);
	return { statement: request, spool: session.spool };
}

const job = await gathered();
const made = await (async () => {
	const { slot } = await openSlot();
	const { proof } = await slot.prove(job, () => undefined, never);
	await slot.close();
	return proof;
})();

vanillaCompliance('native', async () => ({
	source: await openSource(),
	checker: await openChecker(),
	request,
	path: spoolPath(),
}));

test('a slot is measured with a sample, which verifies; no sample of a type that does not exist', async (t) => {
	const { slot } = await openSlot();
	const verifier = await openVerifier();
	t.after(() => Promise.all([slot.close(), verifier.close()]));
	const command = [await ensureNative()];
	const job = await makeSample(command, join(root, 'samples'), 10, never);
	const { proof } = await slot.prove(job, () => undefined, never);
	assert.deepEqual(await verifier.verifyPost(job.statement, proof), { ok: true });
	await assert.rejects(makeSample(command, join(root, 'samples'), 15, never), { code: 'sample-failed' });
});

proverCompliance('native', async () => ({ slot: (await openSlot()).slot, verifier: await openVerifier(), job }));

const message = new TextEncoder().encode('the bytes of a message CID');
verifierCompliance('native', async () => ({
	verifier: await openVerifier(),
	statement: request,
	proof: made,
	signatures: [secpSigned(message), blsSigned(message)],
}));

test('a worker without the key says so, it does not say no', async (t) => {
	const empty = join(root, 'no-params');
	await cp(params, empty, { recursive: true, filter: (path) => !path.endsWith('.vk') && !path.endsWith('.params') });
	const verifier = new NativeVerifier(await nativeChild('verify', '--params', empty, '--test-params'));
	t.after(() => verifier.close());
	await assert.rejects(verifier.verifyPost(request, made), { code: 'verifier-no-key' });
});

test('a test key counts only where the operator says so', async (t) => {
	const verifier = new NativeVerifier(await nativeChild('verify', '--params', params));
	t.after(() => verifier.close());
	await assert.rejects(verifier.verifyPost(request, made), { code: 'verifier-no-key' });
	assert.deepEqual(await verifier.keys(), []);
});

test('a prover killed in the middle of a proof loses that job at once, and proves the next one', async (t) => {
	const { slot, child } = await openSlot();
	t.after(() => slot.close());
	const killed = Promise.withResolvers<number>();
	const run = slot.prove(
		job,
		() => {
			const { pid } = child;
			if (pid === undefined) return;
			process.kill(pid, 'SIGKILL');
			killed.resolve(pid);
		},
		never,
	);
	await assert.rejects(run, { code: 'prover-crashed' });
	const first = await killed.promise;
	assert.throws(() => process.kill(first, 0), { code: 'ESRCH' });
	const { proof } = await slot.prove(job, () => undefined, never);
	assert.equal(proof.length, made.length);
	assert.notEqual(child.pid, first);
});

test('closing in the middle of a proof leaves no process', async () => {
	const { slot, child } = await openSlot();
	const started = Promise.withResolvers<void>();
	const run = assert.rejects(
		slot.prove(job, () => started.resolve(), never),
		{ code: 'prover-crashed' },
	);
	await started.promise;
	const pid = child.pid as number;
	await slot.close();
	await run;
	assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

test('a checker killed in a session loses the session, keeps the spool, and takes it up again', async (t) => {
	const child = await nativeChild('check');
	const checker = new NativeChecker(child, systemClock);
	t.after(() => checker.close());
	const source = await openSource();
	t.after(() => source.close());
	const path = spoolPath();
	const session = await checker.begin(request, path);
	const opened: { sector: number; proof: Uint8Array }[] = [];
	for await (const one of source.open(request, never)) {
		assert.ok('proof' in one);
		opened.push(one);
	}
	const [first, second] = opened as [(typeof opened)[0], (typeof opened)[0]];
	assert.deepEqual(await session.check(first.sector as never, first.proof), { ok: true });
	process.kill(child.pid as number, 'SIGKILL');
	await assert.rejects(session.check(second.sector as never, second.proof), { code: 'check-unavailable' });
	const next = await checker.begin(request, path);
	assert.deepEqual(next.resumed, [first.sector]);
	await next.drop();
});

test('a damaged, shortened or removed file fails its own sector with its own reason', async (t) => {
	const dir = join(root, 'damaged');
	await cp(sealed.dir, dir, { recursive: true });
	const name = (number: number): string => `s-t01000-${number}`;
	await writeFile(join(dir, 'sealed', name(0)), Buffer.alloc(2048, 3));
	await truncate(join(dir, 'sealed', name(1)), 1000);
	await rm(join(dir, 'cache', name(2)), { recursive: true });
	const source = await openSource(dir);
	t.after(() => source.close());
	const outcomes = new Map<number, string>();
	for await (const opened of source.open({ ...request, sectors: sealed.sectors }, never)) {
		outcomes.set(opened.sector, 'proof' in opened ? 'opened' : opened.failure);
	}
	assert.deepEqual(
		[...outcomes].sort(([a], [b]) => a - b),
		[
			[0, 'failed'],
			[1, 'short'],
			[2, 'missing'],
			[3, 'opened'],
		],
	);
});

test('vanilla proofs of 32 GiB sectors are checked in full', async (t) => {
	const checker = await openChecker();
	t.after(() => checker.close());
	const zeros: OpenRequest = { ...request, proofType: ZERO_SECTOR_TYPE, sectors: zeroManifest(3) };
	const session = await checker.begin(zeros, spoolPath());
	for (const sector of zeros.sectors) {
		const proof = zeroVanilla(zeros, sector);
		const wrong = new Uint8Array(proof);
		// A sibling in the seventh row of the third path.
		const at = 56 + 2 * (4 + 8 + 240 * 10 + 8 + 64) + 4 + 8 + 6 * 240 + 8;
		wrong[at] = (wrong[at] ?? 0) ^ 1;
		const verdict = await session.check(sector.number, wrong);
		assert.equal(!verdict.ok && verdict.code, 'merkle');
		assert.deepEqual(await session.check(sector.number, proof), { ok: true });
	}
	await session.drop();
});

for (const paused of process.platform === 'linux' ? [false, true] : [false]) {
	const where = paused ? 'while the worker stands still' : 'in the middle of a proof';
	test(`when this process is killed ${where}, the worker is gone too`, async () => {
		const lone: LoneJob = { params, path: job.spool.path, statement: job.statement, paused };
		const parent = fork(join(import.meta.dirname, '../support/lone-prover.ts'), [JSON.stringify(lone)]);
		const [pid] = (await once(parent, 'message')) as [number];
		parent.kill('SIGKILL');
		await until('the worker is gone', () => {
			try {
				process.kill(pid, 0);
				return false;
			} catch {
				return true;
			}
		});
	});
}

test('a disk without room is told as such, and the checker lives on', async (t) => {
	// A bound on file sizes is the portable way to a write that fails.
	const shell = ['/bin/sh', '-c', 'trap "" XFSZ; ulimit -f 4; exec "$0" check', await ensureNative()] as const;
	const child = new NativeChild(
		{ clock: systemClock, log: memoryLog() },
		{ command: shell, env: process.env, scratch: join(root, 'no-room'), nice: 10 },
	);
	const checker = new NativeChecker(child, systemClock);
	t.after(() => checker.close());
	const { pid } = await child.start();
	await assert.rejects(checker.begin(request, spoolPath()), { code: 'spool-io' });
	assert.equal((await child.start())['pid'], pid);
});
