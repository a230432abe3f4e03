import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isPosterError, type PosterError } from '../../../src/domain/errors.ts';
import { makeFolder, makeWritableFolder, readSmallFile, writeFileAtomic } from '../../../src/node/files.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-files-'));
after(() => rm(root, { recursive: true, force: true }));

const ALL = 1 << 20;

async function failure(run: Promise<unknown>): Promise<PosterError> {
	const error: unknown = await run.then(
		() => assert.fail('nothing was refused'),
		(cause: unknown) => cause,
	);
	assert.ok(isPosterError(error), String(error));
	assert.notEqual(error.advice, undefined, error.message);
	return error;
}

test('a folder is made with those above it, and once more without harm, also by many at a time', async () => {
	const folder = join(root, 'a', 'b', 'c');
	await Promise.all([makeFolder(folder), makeFolder(folder), makeFolder(join(folder, 'd'))]);
	await makeFolder(folder);
	assert.equal((await stat(join(folder, 'd'))).mode & 0o777, 0o700);
});

test('where nothing can be made, that is said at once', { skip: process.platform !== 'linux' }, async () => {
	for (const folder of ['/proc/poster', '/proc/poster/home']) {
		assert.equal((await failure(makeFolder(folder))).code, 'file-io', folder);
		assert.equal((await failure(writeFileAtomic(join(folder, 'file'), '', 0o600))).code, 'file-io', folder);
	}
});

test('a file in the way is named, with what to do', async () => {
	const file = join(root, 'file');
	await writeFile(file, 'x');
	for (const folder of [file, join(file, 'below')]) {
		const { message, advice } = await failure(makeWritableFolder(folder));
		assert.match(message, /file/);
		assert.match(advice ?? '', /file/, message);
		await failure(writeFileAtomic(join(folder, 'new'), '', 0o600));
	}
	assert.deepEqual(await readdir(root), ['a', 'file']);
});

test('only regular files of a sensible size are read', { skip: process.platform === 'win32' }, async () => {
	const pipe = join(root, 'pipe');
	assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
	for (const path of [pipe, '/dev/zero', root]) assert.equal((await failure(readSmallFile(path, ALL))).code, 'file-io');
	assert.equal((await failure(readSmallFile(join(root, 'file'), 0))).code, 'file-too-long');
	assert.equal((await readSmallFile(join(root, 'file'), ALL))?.toString(), 'x');
	assert.equal(await readSmallFile(join(root, 'none'), ALL), undefined);
});
