import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
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
