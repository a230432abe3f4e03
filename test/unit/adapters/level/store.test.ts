import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Level } from 'level';
import { openStore } from '../../../../src/adapters/level/store.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import { nodeId } from '../../../../src/domain/ids.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-level-'));
after(() => rm(root, { recursive: true, force: true }));
const owner = nodeId('owner');
const helper = (name: string): string => join(import.meta.dirname, name);

test('a store that another process holds is refused until that process is gone, killed or not', async () => {
	const folder = join(root, 'held');
	const holder = spawn(process.execPath, [helper('hold-store.ts'), folder], { stdio: ['pipe', 'pipe', 'inherit'] });
	await once(holder.stdout, 'data');
	await assert.rejects(openStore(folder, owner), (error) => isPosterError(error, 'store-locked'));
	holder.kill('SIGKILL');
	await once(holder, 'exit');
	await (await openStore(folder, owner)).close();
});

test('a store is opened once in a process', async () => {
	const store = await openStore(join(root, 'once'), owner);
	await assert.rejects(openStore(join(root, 'once'), owner), (error) => isPosterError(error, 'store-locked'));
	await store.close();
});

test('the store of another identity is refused: its sequence numbers belong to that one', async () => {
	const folder = join(root, 'foreign');
	await (await openStore(folder, owner)).close();
	await assert.rejects(openStore(folder, nodeId('other')), (error) => isPosterError(error, 'store-foreign'));
	await (await openStore(folder, owner)).close();
});

test('data of another schema is refused', async () => {
	const folder = join(root, 'schema');
	const raw = new Level(folder);
	await raw.put('\u0000schema', '999');
	await raw.close();
	await assert.rejects(openStore(folder, owner), (error) => isPosterError(error, 'store-schema'));
});

test('a folder that cannot be made is store-io', async () => {
	await assert.rejects(openStore('/dev/null/store', owner), (error) => isPosterError(error, 'store-io'));
});

const mount = (script: string): ReturnType<typeof spawnSync> =>
	spawnSync('unshare', ['-Urm', 'sh', '-c', script], { encoding: 'utf8' });
const canMount = mount(`mount -t tmpfs none ${root}`).status === 0;

test('a full disk refuses writes, loses nothing, and is forgotten once there is space', {
	skip: !canMount && 'needs user namespaces',
}, () => {
	const script = `mount -t tmpfs -o size=64m none ${root} && exec ${process.execPath} ${helper('full-disk.ts')} ${root}`;
	const { stdout, stderr } = mount(script);
	assert.equal(stdout, 'ok\n', String(stderr));
});
