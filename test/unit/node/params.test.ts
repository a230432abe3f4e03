import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { folderSource } from '../../../src/adapters/params/source.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { type ParameterFile, PUBLISHED_PARAMETERS, parameterFiles } from '../../../src/domain/parameters.ts';
import { lockHome } from '../../../src/node/lock.ts';
import { fetchParameters, verifyParameters } from '../../../src/node/params.ts';
import { madeKey, madeParameters } from '../../support/parameter-file.ts';
import { systemClock } from '../../support/system-clock.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-fetch-'));
after(() => rm(root, { recursive: true, force: true }));
let folders = 0;

const made = [madeKey('one'), madeParameters('one')];
const files = made.map(({ entry }) => entry);

async function newFolder(...present: readonly number[]): Promise<string> {
	const folder = join(root, `folder-${folders++}`);
	await mkdir(folder);
	for (const index of present) {
		const { entry, bytes } = made[index] as (typeof made)[number];
		await writeFile(join(folder, entry.name), bytes);
	}
	return folder;
}

const options = (folder: string, wanted: readonly ParameterFile[] = files) => ({
	folder,
	files: wanted,
	tell: () => undefined,
	signal: new AbortController().signal,
});

test('only what is missing is fetched, and nothing but the files stays in the folder', async () => {
	const [folder, source] = [await newFolder(0), await newFolder(0, 1)];
	const fetched = await fetchParameters(systemClock, [folderSource(source)], options(folder));
	assert.deepEqual(
		fetched.map((file) => file.source),
		[null, source],
	);
	assert.deepEqual((await readdir(folder)).sort(), files.map(({ name }) => name).sort());
});

test('a complete folder is only read: it may belong to somebody else', async (t) => {
	const folder = await newFolder(0, 1);
	await chmod(folder, 0o555);
	// Else only root could remove it.
	t.after(() => chmod(folder, 0o755));
	const fetched = await fetchParameters(systemClock, [], options(folder));
	assert.ok(fetched.every(({ source }) => source === null));
	assert.equal((await readdir(folder)).length, files.length);
});

test('a file that is not as published is never written over', async () => {
	const [folder, source] = [await newFolder(), await newFolder(0, 1)];
	await writeFile(join(folder, files[1]?.name ?? ''), 'something else');
	await assert.rejects(fetchParameters(systemClock, [folderSource(source)], options(folder)), (error) =>
		isPosterError(error, 'params-truncated'),
	);
	assert.equal(await readFile(join(folder, files[1]?.name ?? ''), 'utf8'), 'something else');
});

test('what cannot fit is not begun', async () => {
	const folder = await newFolder();
	const huge = { ...(files[1] as ParameterFile), bytes: 1e18 };
	await assert.rejects(fetchParameters(systemClock, [], options(folder, [huge])), (error) => {
		assert.ok(isPosterError(error, 'params-no-space'));
		assert.match(error.message, /free, 1000000000\.\d GB are needed/);
		return true;
	});
});

test('a folder has one fetcher at a time', async () => {
	const folder = await newFolder();
	const lock = await lockHome(join(folder, '.poster-fetch.lock'));
	await assert.rejects(fetchParameters(systemClock, [], options(folder)), (error) => {
		assert.ok(isPosterError(error, 'params-in-use'));
		assert.equal(error.meta['pid'], process.pid);
		return true;
	});
	await lock.release();
});

test('verify judges every file, whatever the others are', async () => {
	const folder = await newFolder(1);
	const findings = await verifyParameters(options(folder));
	assert.deepEqual(
		findings.map(({ problem }) => problem?.code),
		['params-missing', undefined],
	);
});

test('a verifier needs the keys alone', () => {
	const keys = parameterFiles([13], false);
	assert.deepEqual(
		keys.map(({ part, bytes }) => [part, bytes]),
		[['key', 2_481_508]],
	);
	assert.deepEqual(
		parameterFiles([13], true).map(({ part }) => part),
		['key', 'parameters'],
	);
});

test('the published list names each circuit once', () => {
	assert.equal(PUBLISHED_PARAMETERS.length, 20);
	for (const field of ['name', 'cid', 'digest'] as const) {
		assert.equal(new Set(PUBLISHED_PARAMETERS.map((file) => file[field])).size, 20, field);
	}
});
