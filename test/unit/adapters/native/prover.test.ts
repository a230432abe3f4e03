/** One slot over one child: which prover made a proof, and how soon a dead or a silent prover is known. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { NativeChild } from '../../../../src/adapters/native/native-child.ts';
import { NativeProverSlot } from '../../../../src/adapters/native/prover.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import { actorId, hex32, sectorNumber } from '../../../../src/domain/ids.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import type { ProofJob } from '../../../../src/ports/prover.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { systemClock } from '../../../support/system-clock.ts';
import { until } from '../../../support/until.ts';

const WORKER = resolve(import.meta.dirname, '../../../fakes/native-worker.ts');
const KNOWN_WITHIN_MS = 1_000;
const root = await mkdtemp(join(tmpdir(), 'poster-prover-test-'));
after(() => rm(root, { recursive: true, force: true }));
const never = new AbortController().signal;
const ignore = (): void => undefined;
let scratches = 0;

const job: ProofJob = {
	statement: {
		proofType: 10,
		miner: actorId(1000),
		randomness: hex32(`${'5b'.repeat(31)}1b`),
		sectors: [{ number: sectorNumber(1), commR: hex32('11'.repeat(32)) }],
	},
	spool: { path: join(root, 'spool'), slotOf: () => 0 },
};

function slotOf(t: TestContext, behaviour: string, engine = 'stock', clock: Clock = systemClock) {
	const log = memoryLog();
	const child = new NativeChild(
		{ clock, log },
		{
			command: [process.execPath, WORKER, behaviour, engine],
			env: process.env,
			scratch: join(root, `scratch-${scratches++}`),
			nice: 10,
		},
	);
	t.after(() => child.close());
	return { slot: new NativeProverSlot('cpu-0', child, clock), child, log };
}

test('which prover made a proof is told, and why ours was given up', async (t) => {
	const own = await slotOf(t, 'proves-own', 'auto').slot.prove(job, ignore, never);
	assert.deepEqual([own.engine, own.alarm], ['own', undefined]);
	const { slot } = slotOf(t, 'proves-alarmed', 'auto');
	const fallen = await slot.prove(job, ignore, never);
	assert.deepEqual([fallen.engine, fallen.alarm], ['stock', 'given up, asked for stock: false']);
	const asked = await slot.prove({ ...job, stock: true }, ignore, never);
	assert.equal(asked.alarm, 'given up, asked for stock: true', 'the worker hears that the library is to make it');
});

test('a death is blamed on our prover only where it may have been at work', async (t) => {
	for (const [engine, stock, ownEngine] of [
		['auto', false, true],
		['own', false, true],
		['stock', false, false],
		['auto', true, false],
	] as const) {
		const { slot } = slotOf(t, 'crash', engine);
		await assert.rejects(slot.prove({ ...job, stock }, ignore, never), (error) => {
			assert.ok(isPosterError(error, 'prover-crashed'));
			assert.equal(error.meta['ownEngine'], ownEngine, `${engine} ${stock}`);
			return true;
		});
	}
});

test('a killed prover is known by its exit, before any time has passed', async (t) => {
	const clock = new ManualClock();
	const { slot, child } = slotOf(t, 'mute', 'auto', clock);
	await child.start();
	const run = slot.prove(job, ignore, never);
	process.kill(child.pid ?? 0, 'SIGKILL');
	await assert.rejects(run, { code: 'prover-crashed' });
	assert.equal(clock.now(), 0);
	assert.equal(slot.deaths, 1, 'what it kept in memory is gone');
});

test('a killed prover whose pipes something else keeps open is known within a second', async (t) => {
	const clock = new ManualClock();
	const { slot, child, log } = slotOf(t, 'parent', 'auto', clock);
	await child.start();
	const told = (): string | undefined => /grandchild (\d+)/.exec(JSON.stringify(log.entries))?.[1];
	await until('the grandchild is told', () => told() !== undefined);
	t.after(() => process.kill(Number(told()), 'SIGKILL'));
	let known = false;
	const run = assert.rejects(slot.prove(job, ignore, never), { code: 'prover-crashed' }).then(() => (known = true));
	const before = clock.timers;
	process.kill(child.pid ?? 0, 'SIGKILL');
	await until('the exit is seen', () => clock.timers > before);
	assert.equal(known, false, 'its pipes are open still');
	clock.advance(KNOWN_WITHIN_MS);
	await run;
});

test('a prover that does not hear of a cancel is ended, and the slot free, within a second', async (t) => {
	const clock = new ManualClock();
	const { slot, child } = slotOf(t, 'mute', 'auto', clock);
	await child.start();
	const pid = child.pid ?? 0;
	const stop = new AbortController();
	const run = slot.prove(job, ignore, stop.signal);
	const before = clock.timers;
	stop.abort();
	await until('its word is waited for', () => clock.timers > before);
	clock.advance(KNOWN_WITHIN_MS);
	await assert.rejects(run, { code: 'prover-cancelled' });
	assert.throws(() => process.kill(pid, 0), 'no process is left');
});

test('a worker that left its GPU and ends is given no other job', async (t) => {
	const { slot } = slotOf(t, 'leaves-gpu');
	const leaves = (error: unknown): boolean =>
		isPosterError(error, 'prover-failed') && error.meta['code'] === 'gpu-fallback';
	await assert.rejects(slot.prove(job, ignore, never), leaves);
	assert.equal(slot.deaths, 1);
	await assert.rejects(slot.prove(job, ignore, never), leaves);
});

test('a worker that left its GPU and does not end is killed', async (t) => {
	const clock = new ManualClock();
	const { slot, child } = slotOf(t, 'leaves-gpu-and-stays', 'stock', clock);
	await child.start();
	const pid = child.pid ?? 0;
	const run = slot.prove(job, ignore, never);
	const before = clock.timers;
	await until('its end is waited for', () => clock.timers > before);
	clock.advance(KNOWN_WITHIN_MS);
	await assert.rejects(run, { code: 'prover-failed' });
	assert.throws(() => process.kill(pid, 0), 'no process is left');
});

/** One letter, as the system tells it: T is stopped. */
const stateOf = async (pid: number): Promise<string | undefined> =>
	/\) (\w)/.exec(await readFile(`/proc/${pid}/stat`, 'utf8'))?.[1];

test('a prover stands still where it is and goes on, and one that stands still can be ended', async (t) => {
	const { slot, child } = slotOf(t, 'proves-own', 'auto');
	await child.start();
	const pid = child.pid ?? 0;
	const resume = slot.pause();
	await until('it is stopped', async () => (await stateOf(pid)) === 'T');
	let made = false;
	const run = slot.prove(job, ignore, never).then(() => (made = true));
	await systemClock.sleep(0);
	assert.equal(made, false);
	resume();
	await run;
	slot.pause();
	await until('it is stopped again', async () => (await stateOf(pid)) === 'T');
	await slot.close();
	assert.throws(() => process.kill(pid, 0), 'no process is left');
});
