import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PosterError } from '../../../../src/domain/errors.ts';
import { limits } from '../../../../src/domain/limits.ts';
import { openReplay } from '../../../../src/node/recorder/replay.ts';
import { type SegmentFile, SegmentFiles, type SegmentFolder } from '../../../../src/node/recorder/segment-files.ts';
import { RecordedCore, replayed } from '../../../support/recording.ts';
import { until } from '../../../support/until.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-recorder-'));
after(() => rm(root, { recursive: true, force: true }));
let folders = 0;
const folder = (): string => join(root, String(folders++));

test('a life is made again from its recording, every effect the same, with the decisions in words', async () => {
	const path = folder();
	const core = new RecordedCore(path);
	await core.live(core.mesh.beginning());
	await core.live(core.mesh.life(60));
	await core.recorder.close();
	const steps = await replayed(path);
	assert.equal(steps.length, core.steps);
	assert.deepEqual(
		steps.filter(({ difference }) => difference !== null),
		[],
	);
	const [claim] = steps.flatMap(({ told }) => told.filter(({ decision }) => decision === 'claim'));
	assert.match(claim?.item ?? '', /^f01000 3\/\d+$/);
	const [stored] = steps.flatMap(({ told }) => told.filter(({ decision }) => decision === 'result-stored'));
	assert.match(stored?.peer ?? '', /^node-\d+$/);
	assert.equal(core.metrics.total('poster_recorder_failed_total'), 0);
});

test('a segment begins with the state of its moment and is replayed alone', async () => {
	const path = folder();
	const core = new RecordedCore(path);
	await core.live(core.mesh.beginning());
	const end = core.now + 2.5 * limits.recorderSegmentMs;
	while (core.now < end) await core.live([{ event: { type: 'tick' }, now: core.now + 2_000 }]);
	await core.recorder.close();
	const names = (await readdir(path)).sort();
	assert.equal(names.length, 3);
	const last = await replayed(join(path, names[2] as string));
	assert.ok(last.length > 100 && last.length < core.steps / 2);
	assert.equal(last.at(-1)?.step, core.steps - 1);
	assert.equal(last.at(-1)?.difference, null);
	const all = await replayed(path);
	assert.deepEqual(
		all.map(({ step }) => step),
		Array.from({ length: core.steps }, (_, i) => i),
	);
});

test('what a kill took from the end of the file is told, and what is before it is replayed', async () => {
	const path = folder();
	const core = new RecordedCore(path);
	await core.live(core.mesh.beginning());
	await until('the beginning is on disk', async () => (await sizes(path)) > 0 && core.recorder.rest() === undefined);
	await core.live(core.mesh.life(30));
	await core.recorder.close();
	const [name] = await readdir(path);
	const file = join(path, name as string);
	const { size } = await stat(file);
	await truncate(file, size - 1);
	const replay = await openReplay(file, { compare: false });
	let steps = 0;
	for await (const { difference } of replay.steps()) {
		steps++;
		assert.equal(difference, null);
	}
	assert.ok(replay.tornBytes() > 0);
	assert.ok(steps < core.steps);
	await replay.close();
});

test('the event on which the core failed is the last one recorded', async () => {
	const path = folder();
	const core = new RecordedCore(path);
	await core.live(core.mesh.beginning());
	const fails = () => {
		throw new Error('a bug');
	};
	await assert.rejects(core.live([{ event: { type: 'tick' }, now: core.now + 1 }], fails), /a bug/);
	await core.recorder.close();
	const last = (await replayed(path)).at(-1);
	assert.equal(last?.step, core.steps);
	assert.equal(last?.difference?.failedThen, true);
	assert.equal(last?.failure, null, 'this core does not fail on it');
});

test('an hour and 64 MiB are kept, and time without recording does not count', async () => {
	const path = folder();
	const files = new SegmentFiles(path);
	const startMs = Date.parse('2026-01-01T00:00:00Z');
	const begin = async (minute: number, bytes: number, minutes: number): Promise<void> => {
		const at = startMs + minute * 60_000;
		const file = await files.create(at);
		await file.append(new Uint8Array(bytes));
		await file.close();
		const name = (await readdir(path)).sort().at(-1) as string;
		await utimes(join(path, name), at / 1_000, at / 1_000 + minutes * 60);
	};
	await writeFile(join(path, 'notes.txt'), '').catch(() => undefined);
	for (let i = 0; i < 9; i++) await begin(i * 10, 1_000, 10);
	await files.prune();
	assert.equal((await readdir(path)).length, 6, 'an hour');
	await begin(100_000, 1_000, 0);
	await files.prune();
	assert.equal((await readdir(path)).length, 7, 'of recorded time');
	await begin(100_001, limits.recorderBytes - 2_500, 1);
	assert.equal(await files.prune(), limits.recorderBytes - 500);
	assert.equal((await readdir(path)).length, 3);
	await begin(100_002, limits.recorderBytes + 1, 1);
	await files.prune();
	assert.equal((await readdir(path)).length, 1, 'the one that is written stays');
});

test('a disk that fails costs the recording, never a step, and recording begins anew', async () => {
	const path = folder();
	const disk = new FailingFolder(new SegmentFiles(path));
	const core = new RecordedCore(disk);
	disk.failing = 'ENOSPC';
	await core.live(core.mesh.beginning());
	await until('it is told', () => core.metrics.total('poster_recorder_failed_total', { code: 'ENOSPC' }) === 1);
	assert.deepEqual(
		core.log.entries.map(({ level, message }) => [level, message]),
		[['warn', 'the flight recorder pauses']],
	);
	disk.failing = undefined;
	await core.live(core.mesh.life(10));
	assert.equal(await sizes(path), 0, 'it pauses');
	core.now += limits.recorderRetryMs;
	const before = core.steps;
	await core.live([{ event: { type: 'tick' }, now: core.now }]);
	await core.recorder.close();
	const steps = await replayed(path);
	assert.deepEqual([steps[0]?.step, steps.length, steps[0]?.difference], [before, 1, null]);
});

test('a write that fails in the middle of a segment ends it, and what is before stays readable', async () => {
	const path = folder();
	const disk = new FailingFolder(new SegmentFiles(path));
	const core = new RecordedCore(disk);
	await core.live(core.mesh.beginning());
	await core.recorder.rest();
	await until('the beginning is on disk', async () => (await sizes(path)) > 0);
	disk.failing = 'EIO';
	await core.live(core.mesh.life(30));
	await core.recorder.close();
	assert.equal(core.metrics.total('poster_recorder_failed_total', { code: 'EIO' }), 1);
	assert.ok((await replayed(path)).every(({ difference }) => difference === null));
});

test('a disk that hangs fills no memory and holds up neither steps nor the end of the node', async (t) => {
	const disk = new FailingFolder(new SegmentFiles(folder()));
	t.after(() => disk.end());
	const core = new RecordedCore(disk);
	disk.hangs = true;
	await core.live(core.mesh.beginning());
	const full = Math.ceil(limits.recorderQueueBytes / 30_000);
	for (let i = 0; i < full; i++) {
		const name = `${i}`.padEnd(30_000, 'x');
		const facts = { type: 'decision', decision: { name: 'claim', reason: 'test', facts: { name } } } as const;
		await core.live([{ event: { type: 'tick' }, now: core.now }], () => ({ persist: [], after: [facts] }));
	}
	assert.equal(core.metrics.total('poster_recorder_failed_total', { code: 'recorder-slow' }), 1);
	const { created } = disk;
	core.now += limits.recorderRetryMs;
	await core.live([{ event: { type: 'tick' }, now: core.now }]);
	assert.equal(disk.created, created, 'nothing new is begun while the disk hangs');
	await core.recorder.close();
});

test('data that the recorder does not know end the recording, not the step', async () => {
	const core = new RecordedCore(folder());
	await core.live(core.mesh.beginning());
	const strange = { type: 'measured', proofType: 10, sectors: 1, ms: 0.5 } as const;
	await core.live([{ event: strange, now: core.now }], () => ({ persist: [], after: [] }));
	assert.equal(core.metrics.total('poster_recorder_failed_total', { code: 'internal' }), 1);
	await core.recorder.close();
});

async function sizes(path: string): Promise<number> {
	const names = await readdir(path).catch(() => []);
	const found = await Promise.all(names.map((name) => stat(join(path, name))));
	return found.reduce((sum, { size }) => sum + size, 0);
}

/** A folder on a disk that fails or hangs when it is told to. */
class FailingFolder implements SegmentFolder {
	readonly #folder: SegmentFolder;
	failing: string | undefined;
	hangs = false;
	created = 0;
	readonly #files: SegmentFile[] = [];

	constructor(folder: SegmentFolder) {
		this.#folder = folder;
	}

	async create(startMs: number): Promise<SegmentFile> {
		this.created++;
		const file = await this.#folder.create(startMs);
		this.#files.push(file);
		return {
			append: async (bytes) => {
				if (this.hangs) await new Promise(() => undefined);
				if (this.failing !== undefined) throw new PosterError(this.failing, 'as the test asked');
				await file.append(bytes);
			},
			close: () => file.close(),
		};
	}

	/** Closes what a disk that hangs left open. */
	async end(): Promise<void> {
		await Promise.all(this.#files.map((file) => file.close()));
	}

	prune(): Promise<number> {
		return this.#folder.prune();
	}
}
