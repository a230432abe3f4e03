import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { NativeChild } from '../../../../src/adapters/native/native-child.ts';
import { PosterError } from '../../../../src/domain/errors.ts';
import { limits } from '../../../../src/domain/limits.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { hurried, systemClock } from '../../../support/system-clock.ts';
import { until } from '../../../support/until.ts';

const WORKER = resolve(import.meta.dirname, '../../../fakes/native-worker.ts');
const NOTHING = new Uint8Array(0);
const root = await mkdtemp(join(tmpdir(), 'poster-child-test-'));
after(() => rm(root, { recursive: true, force: true }));

let scratches = 0;
function child(t: TestContext, behaviour: string, clock = systemClock) {
	return childOf(t, [process.execPath, WORKER, behaviour], clock);
}

function childOf(t: TestContext, command: readonly [string, ...string[]], clock = systemClock) {
	const log = memoryLog();
	const scratch = join(root, String(scratches++));
	const native = new NativeChild({ clock, log }, { command, env: process.env, scratch, nice: 10 });
	t.after(() => native.close());
	return { native, log, scratch };
}

function alive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

function isStopped(pid: number | undefined): boolean {
	const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
	return stat[stat.lastIndexOf(')') + 2] === 'T';
}

// Each test has its own process and mostly waits for it.
describe('a native child', { concurrency: 4 }, () => {
	test('a job gets its own answer, whatever the order and the chunks', async (t) => {
		const { native } = child(t, 'byte-by-byte');
		const answers = await Promise.all([10, 20, 30].map((n) => native.request({ type: 'ask', n }, Buffer.alloc(n, n))));
		assert.deepEqual(
			answers.map(({ header, body }) => [header['n'], [...new Set(body)], body.length]),
			[10, 20, 30].map((n) => [n, [n], n]),
		);
	});

	test('the child runs in an empty folder of its own, with its own TMPDIR, at low priority', async (t) => {
		const { native, scratch } = child(t, 'echo');
		const { header } = await native.request({ type: 'ask' }, NOTHING);
		assert.equal(header['cwd'], join(scratch, 'cwd'));
		assert.equal(header['tmp'], join(scratch, 'tmp'));
		assert.deepEqual(readdirSync(join(scratch, 'cwd')), []);
		assert.equal(getPriority(header['pid'] as number), 10);
	});

	test('close leaves no process and no folder, and later jobs are refused', async (t) => {
		const { native, scratch } = child(t, 'echo');
		const { header } = await native.request({ type: 'ask' }, NOTHING);
		await native.close();
		assert.equal(alive(header['pid'] as number), false);
		assert.equal(existsSync(scratch), false);
		await assert.rejects(native.request({ type: 'ask' }, NOTHING), { code: 'native-stopped' });
	});

	test('a child that ignores the end of stdin and SIGTERM is killed', async (t) => {
		const clock = { ...systemClock };
		const { native } = child(t, 'stubborn', clock);
		const hello = await native.start();
		Object.assign(clock, hurried(20));
		await native.close();
		assert.equal(alive(hello['pid'] as number), false);
	});

	test('close while the child is still starting leaves no process', async (t) => {
		const clock = { ...systemClock };
		const { native } = child(t, 'never-ready', clock);
		const started = assert.rejects(native.start(), { code: 'native-stopped' });
		await until('it runs', () => native.pid !== undefined);
		const pid = native.pid ?? 0;
		// Only its end is hurried, not its start.
		Object.assign(clock, hurried(100));
		await native.close();
		await started;
		assert.equal(alive(pid), false);
	});

	const linux = { skip: process.platform !== 'linux' };
	test('a child is paused when it is ready, not before: it could outlive a node that is killed', linux, async (t) => {
		const { native: starting } = child(t, 'never-ready', hurried(60_000));
		const unready = assert.rejects(starting.start(), { code: 'native-stopped' });
		await until('it runs', () => starting.pid !== undefined);
		starting.pause();

		const { native: ready } = child(t, 'echo');
		await ready.start();
		const resume = ready.pause();
		await until('it stands still', () => isStopped(ready.pid));
		assert.equal(isStopped(starting.pid), false);
		resume();
		await ready.request({ type: 'ask' }, NOTHING);
		await starting.close();
		await unready;
	});

	for (const [behaviour, code] of [
		['crash', 'native-exited'],
		['fatal-on-job', 'native-fatal'],
		['garbage', 'native-protocol'],
		['length-4gib', 'native-protocol'],
		['header-longer-than-frame', 'native-protocol'],
		['no-json', 'native-protocol'],
		['no-object', 'native-protocol'],
		['no-job', 'native-protocol'],
	] as const) {
		test(`${behaviour}: every job in the child is lost with ${code}, and the next finds a new child`, async (t) => {
			const { native } = child(t, behaviour);
			const { pid } = await native.start();
			const lost = Promise.withResolvers<PosterError>();
			await native.open({ frame: () => assert.fail('no frame is due'), lost: lost.resolve });
			await assert.rejects(native.request({ type: 'ask' }, NOTHING), { code });
			assert.equal((await lost.promise).code, code);
			const hello = await native.start();
			assert.notEqual(hello['pid'], pid);
			assert.equal(alive(pid as number), false);
		});
	}

	for (const [behaviour, code] of [
		['fatal', 'native-fatal'],
		['refuses', 'native-refused'],
		['refuses-mutely', 'native-refused'],
		['exit-at-start', 'native-exited'],
		['never-ready', 'native-start-timeout'],
	] as const) {
		test(`${behaviour}: the start fails with ${code}`, async (t) => {
			const { native } = child(t, behaviour, behaviour === 'never-ready' ? hurried(100) : systemClock);
			await assert.rejects(native.start(), { code });
		});
	}

	test('a command that does not exist is told as such', async (t) => {
		const { native } = childOf(t, [join(root, 'none')]);
		await assert.rejects(native.start(), (error: PosterError) => {
			assert.equal(error.code, 'native-spawn');
			assert.match(error.advice ?? '', /POSTER_NATIVE/);
			return true;
		});
	});

	test('the pauses between starts double up to their bound', async (t) => {
		const pauses: number[] = [];
		const enough = Promise.withResolvers<void>();
		const clock = {
			...systemClock,
			sleep: async (ms: number, signal?: AbortSignal) => {
				pauses.push(ms);
				if (pauses.length === 12) enough.resolve();
				if (pauses.length >= 12) await systemClock.sleep(1_000_000, signal);
			},
		};
		const { native } = childOf(t, ['false'], clock);
		await assert.rejects(native.start());
		await enough.promise;
		assert.deepEqual(
			pauses,
			pauses.map((_, i) => Math.min(limits.nativeRestartMs * 2 ** i, limits.nativeRestartMaxMs)),
		);
		assert.equal(pauses.at(-1), limits.nativeRestartMaxMs);
	});

	test('a worker that dies twice in a row is out of service until it is up again', async (t) => {
		const { native } = child(t, 'crash');
		const told: (boolean | string)[] = [];
		native.watch((inService, why) => told.push(inService || (why as PosterError).code));
		const die = () => assert.rejects(native.request({ type: 'ask' }, NOTHING), { code: 'native-exited' });
		await die();
		await native.start();
		assert.deepEqual(told, []);
		await die();
		assert.deepEqual(told, ['native-exited']);
		await native.start();
		assert.deepEqual(told, ['native-exited', true]);
	});

	test('who watches a worker that is out of service already is told so: it may not have started with the node', async (t) => {
		const { native } = child(t, 'exit-at-start');
		const out = Promise.withResolvers<void>();
		native.watch(() => out.resolve());
		await assert.rejects(native.start(), { code: 'native-exited' });
		await out.promise;
		const told: (boolean | string)[] = [];
		native.watch((inService, why) => told.push(inService || (why as PosterError).code));
		assert.deepEqual(told, ['native-exited']);
	});

	test('deaths with an answer in between leave a worker in service', async (t) => {
		const { native } = child(t, 'echo');
		const told: boolean[] = [];
		native.watch((inService) => told.push(inService));
		for (let i = 0; i < 3; i++) {
			await native.request({ type: 'ask' }, NOTHING);
			const job = await native.open({ frame: () => undefined, lost: () => undefined });
			job.kill(new PosterError('test-kill', 'enough'));
			await job.exited;
		}
		assert.deepEqual(told, []);
	});

	test('a job that the child gives up is told why, with advice; the child lives on', async (t) => {
		const { native } = child(t, 'failed');
		const { pid } = await native.start();
		await assert.rejects(native.request({ type: 'ask', fail: 'no-key' }, NOTHING), (error: PosterError) => {
			assert.deepEqual([error.code, error.meta['code'], error.advice], ['native-failed', 'no-key', 'wait']);
			return true;
		});
		assert.equal((await native.start())['pid'], pid);
	});

	test('a worker that owes an answer for too long is killed', async (t) => {
		const clock = { ...systemClock };
		const { native } = child(t, 'mute', clock);
		await native.start();
		Object.assign(clock, hurried(20));
		await assert.rejects(native.request({ type: 'ask' }, NOTHING), { code: 'native-stuck' });
	});

	test('an aborted request ends at once and costs the child nothing', async (t) => {
		const { native } = child(t, 'mute');
		const { pid } = await native.start();
		const stop = new AbortController();
		const request = native.request({ type: 'ask' }, NOTHING, stop.signal);
		stop.abort(new PosterError('test-stop', 'enough'));
		await assert.rejects(request, { code: 'test-stop' });
		assert.equal((await native.start())['pid'], pid);
	});

	test('a child that does not read stops its writer', async (t) => {
		const { native } = child(t, 'deaf');
		const job = await native.open({ frame: () => undefined, lost: () => undefined });
		// More than pipe and stream buffers hold: a send that did not wait for the reader would resolve.
		const sent = job.send({ type: 'blob' }, Buffer.alloc(4 << 20));
		job.kill(new PosterError('test-kill', 'enough'));
		await assert.rejects(sent, { code: 'test-kill' });
	});

	test('jobs are bounded', async (t) => {
		const { native } = child(t, 'mute');
		const listener = { frame: () => undefined, lost: () => undefined };
		for (let i = 0; i < limits.nativeJobs; i++) await native.open(listener);
		await assert.rejects(native.open(listener), { code: 'native-busy' });
	});

	test('stderr becomes log lines, a flood of them does not', async (t) => {
		const { native, log } = child(t, 'chatty');
		await native.request({ type: 'ask' }, NOTHING);
		await native.close();
		const lines = log.entries.filter((entry) => entry.message === 'native worker says');
		assert.equal(lines.length, limits.nativeStderrLines);
		assert.match((lines[0] as { facts: { line: string } }).facts.line, /^line 0 /);
	});
});
