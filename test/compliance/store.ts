/** What every Store does, over whichever implementation `open` gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPosterError } from '../../src/domain/errors.ts';
import type { Store, Write } from '../../src/ports/store.ts';

export interface StoreSubject {
	readonly store: Store;
	/** Closes the store and opens what it left behind. */
	readonly reopen: () => Promise<Store>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const put = (key: string, text: string): Write => ({ type: 'put', key, value: bytes(text) });
const text = (value: Uint8Array | undefined): string | undefined => value && Buffer.from(value).toString();
const del = (key: string): Write => ({ type: 'del', key });

async function dump(store: Store, prefix = ''): Promise<[string, string][]> {
	const found: [string, string][] = [];
	for await (const [key, value] of store.entries(prefix)) found.push([key, Buffer.from(value).toString()]);
	return found;
}

export function storeCompliance(name: string, open: () => Promise<StoreSubject>): void {
	test(`${name}: a batch is applied in its order, the last write of a key wins`, async () => {
		const { store } = await open();
		await store.write([put('a', '1'), put('b', '2'), del('a'), put('b', '3'), put('c', '')]);
		assert.equal(await store.get('a'), undefined);
		assert.equal(text(await store.get('b')), '3');
		assert.equal(text(await store.get('c')), '');
		await store.close();
	});

	test(`${name}: entries are those of the prefix, in key order`, async () => {
		const { store } = await open();
		await store.write(['b/2', 'a', 'b/10', 'b', 'b/~', 'c/1', 'B/1'].map((key) => put(key, key)));
		assert.deepEqual(
			(await dump(store, 'b/')).map(([key]) => key),
			['b/10', 'b/2', 'b/~'],
		);
		assert.deepEqual(
			(await dump(store)).map(([key]) => key),
			['B/1', 'a', 'b', 'b/10', 'b/2', 'b/~', 'c/1'],
		);
		assert.deepEqual(await dump(store, 'nothing'), []);
		await store.close();
	});

	test(`${name}: writes that were not awaited keep their order`, async () => {
		const { store } = await open();
		await Promise.all([...Array(20).keys()].map((i) => store.write([put('last', String(i))])));
		assert.equal(text(await store.get('last')), '19');
		await store.close();
	});

	test(`${name}: what was written is there after it is opened again`, async () => {
		const { store, reopen } = await open();
		await store.write([put('kept', 'yes'), put('gone', 'no')]);
		await store.write([del('gone')]);
		const again = await reopen();
		assert.deepEqual(await dump(again), [['kept', 'yes']]);
		await again.close();
	});

	test(`${name}: a value handed in or out is a copy`, async () => {
		const { store } = await open();
		const value = bytes('abc');
		await store.write([{ type: 'put', key: 'k', value }]);
		value.fill(0);
		((await store.get('k')) as Uint8Array).fill(1);
		assert.equal(text(await store.get('k')), 'abc');
		await store.close();
	});

	test(`${name}: a closed store rejects with store-io`, async () => {
		const { store } = await open();
		await store.close();
		await assert.rejects(store.write([put('a', '1')]), (error) => isPosterError(error, 'store-io'));
		await assert.rejects(store.get('a'), (error) => isPosterError(error, 'store-io'));
	});

	test(`${name}: any run of batches leaves what a map would hold`, async () => {
		const key = fc.constantFrom('a', 'a/1', 'a/2', 'b', 'b/1');
		const write = fc.oneof(fc.tuple(key, fc.string({ maxLength: 3 })), fc.tuple(key, fc.constant(undefined)));
		await fc.assert(
			fc.asyncProperty(fc.array(fc.array(write, { maxLength: 6 }), { maxLength: 6 }), async (batches) => {
				const { store } = await open();
				const model = new Map<string, string>();
				for (const batch of batches) {
					await store.write(batch.map(([k, v]) => (v === undefined ? del(k) : put(k, v))));
					for (const [k, v] of batch) {
						if (v === undefined) model.delete(k);
						else model.set(k, v);
					}
				}
				assert.deepEqual(
					await dump(store),
					[...model].sort(([a], [b]) => (a < b ? -1 : 1)),
				);
				await store.close();
			}),
			{ numRuns: 20 },
		);
	});
}
