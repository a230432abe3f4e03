/** What every Directory does, over whichever implementation `open` gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeId } from '../../src/domain/ids.ts';
import { actorId } from '../../src/domain/ids.ts';
import type { Directory } from '../../src/ports/directory.ts';
import { until } from '../support/until.ts';

export interface DirectoryNetwork {
	/** At least four connected nodes. */
	readonly nodes: readonly { readonly id: NodeId; readonly directory: Directory }[];
	close(): Promise<void>;
}

const miner = actorId(1000);

async function find(directory: Directory, block: number, timeoutMs = 30_000, limit = 10): Promise<NodeId[]> {
	const found: NodeId[] = [];
	for await (const id of directory.find(miner, block, { timeoutMs, limit })) found.push(id);
	return found.sort();
}

export function directoryCompliance(name: string, open: () => Promise<DirectoryNetwork>): void {
	test(`${name}: holders are found by everybody else, by miner and block`, async () => {
		const network = await open();
		try {
			const [a, b, ...others] = network.nodes;
			assert.ok(a !== undefined && b !== undefined && others.length >= 2);
			a.directory.provide(miner, [0, 1]);
			b.directory.provide(miner, [1, 2]);
			for (const { directory } of others) {
				await until('block 0', async () => (await find(directory, 0)).join() === a.id);
				await until('block 1', async () => (await find(directory, 1)).join() === [a.id, b.id].sort().join());
				await until('block 2', async () => (await find(directory, 2)).join() === b.id);
			}
			assert.deepEqual(await find(a.directory, 1), [b.id], 'a node does not find itself');
			const seeker = others[0];
			assert.ok(seeker !== undefined);
			assert.equal((await find(seeker.directory, 1, 30_000, 1)).length, 1, 'at most as many as asked for');
			assert.deepEqual(await find(seeker.directory, 3), []);
			const otherMiner: NodeId[] = [];
			const search = seeker.directory.find(actorId(1001), 1, { timeoutMs: 30_000, limit: 10 });
			for await (const id of search) otherMiner.push(id);
			assert.deepEqual(otherMiner, []);
		} finally {
			await network.close();
		}
	});

	test(`${name}: a search that is given up ends without error`, async () => {
		const network = await open();
		try {
			const [a] = network.nodes;
			assert.ok(a !== undefined);
			const found: NodeId[] = [];
			const signal = AbortSignal.abort();
			for await (const id of a.directory.find(miner, 0, { timeoutMs: 30_000, limit: 1, signal })) found.push(id);
			assert.deepEqual(found, []);
		} finally {
			await network.close();
		}
	});
}
