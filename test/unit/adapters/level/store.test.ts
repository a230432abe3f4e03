import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
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
const FULL_DEVICE = '/dev/full';
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

/** LevelDB's next logs lie on a device that is always full: so it is met also where no file system may be mounted. */
test('a write for which there is no room is refused, loses nothing, and is made once there is', {
	skip: !existsSync(FULL_DEVICE) && 'needs a device that is always full',
}, async () => {
	const folder = join(root, 'no-room');
	const store = await openStore(folder, owner);
	const value = randomBytes(64 * 1024);
	const put = (key: string) => store.write([{ type: 'put', key, value }]);
	await put('k/0');
	const last = Math.max(...readdirSync(folder).map((name) => Number(/^(\d+)\.log$/.exec(name)?.[1] ?? 0)));
	// Tables and manifests take numbers as well.
	const logs = Array.from({ length: 8 }, (_, i) => join(folder, `${String(last + 1 + i).padStart(6, '0')}.log`));
	for (const log of logs) symlinkSync(FULL_DEVICE, log);
	let written = 1;
	const fill = async (): Promise<void> => {
		// Several times what LevelDB keeps in one log.
		for (; written < 400; written++) await put(`k/${written}`);
	};
	await assert.rejects(fill(), (error) => isPosterError(error, 'store-full'));
	assert.ok(written > 10, 'some writes fit');
	assert.deepEqual(await store.get('k/0'), value, 'reads go on');

	for (const log of logs) rmSync(log, { force: true });
	await put('later');
	for (let i = 0; i < written; i++) assert.deepEqual(await store.get(`k/${i}`), value, `k/${i} is as it was written`);
	await store.close();
	const again = await openStore(folder, owner);
	assert.deepEqual(await again.get('later'), value);
	await again.close();
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
