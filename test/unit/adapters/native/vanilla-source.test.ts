import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { NativeChild } from '../../../../src/adapters/native/native-child.ts';
import { SilenceWatch } from '../../../../src/adapters/native/silence-watch.ts';
import { NativeVanillaSource } from '../../../../src/adapters/native/vanilla-source.ts';
import { actorId, hex32, monoMs, sectorNumber } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { OpenRequest } from '../../../../src/domain/vanilla.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { systemClock } from '../../../support/system-clock.ts';
import { until } from '../../../support/until.ts';
import { fakeManifest } from '../../../support/work-items.ts';

const WORKER = resolve(import.meta.dirname, '../../../fakes/native-worker.ts');
/** Silence is over after 30 ms. */
const hasty: Clock = {
	...systemClock,
	now: () => monoMs(systemClock.now() * (limits.vanillaSilenceMs / 30)),
	after: (ms, run) => systemClock.after((ms * 30) / limits.vanillaSilenceMs, run),
};

const request: OpenRequest = {
	proofType: 10,
	miner: actorId(1000),
	randomness: hex32(`${'5b'.repeat(31)}1b`),
	sectors: fakeManifest(1, 2),
};

async function opened(
	t: TestContext,
	behaviour: string,
	clock: Clock,
): Promise<{ child: NativeChild; source: NativeVanillaSource }> {
	const root = await mkdtemp(join(tmpdir(), 'poster-source-test-'));
	const child = new NativeChild(
		{ clock: systemClock, log: memoryLog() },
		{ command: [process.execPath, WORKER, behaviour], env: process.env, scratch: join(root, 'scratch'), nice: 10 },
	);
	const source = new NativeVanillaSource(child, clock);
	t.after(async () => {
		await source.close();
		await rm(root, { recursive: true, force: true });
	});
	return { child, source };
}

test('a worker that opens nothing is ended, all that waits is told, and the next one starts', async (t) => {
	const { child, source } = await opened(t, 'mute', hasty);
	await child.start();
	const { pid } = child;
	const waiting = [1, 2].map(() => Array.fromAsync(source.open(request, new AbortController().signal)));
	for (const failed of await Promise.allSettled(waiting)) {
		assert.equal(failed.status, 'rejected');
		assert.equal(failed.reason.code, 'vanilla-unavailable');
		assert.equal(failed.reason.cause.code, 'native-stuck');
	}
	await until('another one runs', () => child.pid !== undefined && child.pid !== pid);
});

/** Time that a test moves. */
function moved(): { clock: Clock; advance: (ms: number) => void } {
	let now = 0;
	let timers: { at: number; run: () => void }[] = [];
	const clock: Clock = {
		...systemClock,
		now: () => monoMs(now),
		after: (ms, run) => {
			const timer = { at: now + ms, run };
			timers.push(timer);
			return () => {
				timers = timers.filter((other) => other !== timer);
			};
		},
	};
	const advance = (ms: number): void => {
		now += ms;
		const due = timers.filter(({ at }) => at <= now);
		timers = timers.filter(({ at }) => at > now);
		for (const { run } of due) run();
	};
	return { clock, advance };
}

test('an answer to anybody is a sign of life for all, and nobody who does not wait is told', () => {
	const { clock, advance } = moved();
	const watch = new SilenceWatch(clock, 100);
	const told: string[] = [];
	advance(1_000);
	const [first] = ['first', 'second'].map((name) => watch.wait(() => told.push(name)));
	advance(60);
	watch.heard();
	advance(60);
	assert.deepEqual(told, []);
	first?.();
	advance(40);
	assert.deepEqual(told, ['second']);
	advance(1_000);
	assert.deepEqual(told, ['second']);
});

test('a worker that has answered is not ended because the answers are taken slowly', async (t) => {
	const { clock, advance } = moved();
	const { child, source } = await opened(t, 'sector-5-missing', clock);
	await child.start();
	const { pid } = child;
	const sectors = request.sectors.slice(0, 1).map((sector) => ({ ...sector, number: sectorNumber(5) }));
	const answers = source.open({ ...request, sectors }, new AbortController().signal)[Symbol.asyncIterator]();
	assert.deepEqual((await answers.next()).value, { sector: 5, failure: 'missing', detail: 'no file' });
	// The end of the answers is on its way with the last one.
	await child.request({ type: 'ask' }, new Uint8Array(0));
	advance(2 * limits.vanillaSilenceMs);
	assert.deepEqual(await answers.next(), { done: true, value: undefined });
	assert.equal(child.pid, pid);
});
