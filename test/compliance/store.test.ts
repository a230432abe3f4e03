import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openStore } from '../../src/adapters/level/store.ts';
import { nodeId } from '../../src/domain/ids.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { storeCompliance } from './store.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-store-'));
after(() => rm(root, { recursive: true, force: true }));
const owner = nodeId('12D3KooWowner');
let folders = 0;

storeCompliance('level', async () => {
	const folder = join(root, String(folders++));
	const store = await openStore(folder, owner);
	const reopen = async () => {
		await store.close();
		return openStore(folder, owner);
	};
	return { store, reopen };
});

storeCompliance('memory', async () => {
	const store = new MemoryStore();
	const reopen = async () => {
		await store.close();
		return store.reopen();
	};
	return { store, reopen };
});

const put = (key: string) => [{ type: 'put', key, value: Buffer.from('x') }] as const;

test('memory: a crash keeps what was synced and loses what was not', async () => {
	const store = new MemoryStore();
	await store.write(put('r/1'));
	store.hold();
	const late = store.write(put('r/2'));
	const after = store.crash();
	store.release();
	await assert.rejects(late);
	assert.ok((await after.get('r/1')) !== undefined);
	assert.equal(await after.get('r/2'), undefined);
	const careless = new MemoryStore({ syncs: false });
	await careless.write(put('a/1'));
	assert.equal(await careless.crash().get('a/1'), undefined);
});

test('memory: results, submissions, sequence and incarnation are never written without a sync', async () => {
	const careless = new MemoryStore({ syncs: false });
	for (const key of ['r/1', 's/f1/1/c', 'q', 'i'])
		await assert.rejects(careless.write(put(key)), /without a sync/, key);
});

test('memory: a write that failed left nothing, and the next one succeeds', async () => {
	const store = new MemoryStore();
	store.failNext('store-full');
	await assert.rejects(store.write(put('r/1')));
	assert.equal(await store.get('r/1'), undefined);
	await store.write(put('r/1'));
	assert.equal(store.batches.length, 1);
});
