import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isPosterError } from '../../../src/domain/errors.ts';
import { lockHolder, lockHome } from '../../../src/node/lock.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-lock-'));
after(() => rm(root, { recursive: true, force: true }));
let locks = 0;
const newPath = (): string => join(root, String(locks++), 'lock');

async function holder(path: string): Promise<{ child: ChildProcess; said: string }> {
	const child = spawn(process.execPath, [join(import.meta.dirname, 'hold-lock.ts'), path], {
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	const [said] = await once(child.stdout, 'data');
	return { child, said: String(said).trim() };
}

test('a home that a living process uses is refused with its pid, until it is killed', async () => {
	const path = newPath();
	const { child, said } = await holder(path);
	assert.equal(said, 'locked');
	await assert.rejects(
		lockHome(path),
		(error) => isPosterError(error, 'home-in-use') && error.meta['pid'] === child.pid,
	);
	assert.equal((await lockHolder(path))?.pid, child.pid);
	child.kill('SIGKILL');
	await once(child, 'exit');
	assert.equal(await lockHolder(path), undefined);
	const lock = await lockHome(path);
	assert.equal((await holder(path)).said, 'home-in-use');
	await lock.release();
});

test('a release leaves nothing behind, may be repeated, and spares the lock of the next holder', async () => {
	const path = newPath();
	const lock = await lockHome(path);
	await lock.release();
	assert.deepEqual(await readdir(join(path, '..')), []);
	const { child } = await holder(path);
	await lock.release();
	assert.equal((await lockHolder(path))?.pid, child.pid);
	child.kill();
	await once(child, 'exit');
});

test('the pid of a dead holder that was given to another process does not count', async () => {
	const path = newPath();
	const lock = await lockHome(path);
	const content = JSON.parse(await readFile(path, 'utf8'));
	await lock.release();
	await writeFile(path, JSON.stringify({ ...content, started: 'another boot 1' }));
	await (await lockHome(path)).release();
});

test('a torn lock file is taken over', async () => {
	for (const content of ['', '{"pid":', '{"pid":-1,"started":""}', 'x'.repeat(100)]) {
		const path = newPath();
		await (await lockHome(path)).release();
		await writeFile(path, content);
		await (await lockHome(path)).release();
	}
});

test('of many that start at once exactly one gets the home', async () => {
	const path = newPath();
	const all = await Promise.all(Array.from({ length: 4 }, () => holder(path)));
	assert.deepEqual(all.map(({ said }) => said).sort(), ['home-in-use', 'home-in-use', 'home-in-use', 'locked']);
	for (const { child } of all) child.kill();
});
