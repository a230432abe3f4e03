import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProviderRecords } from '../../../../src/adapters/libp2p/provider-records.ts';
import { monoMs } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { systemClock } from '../../../support/system-clock.ts';

const VALUE = Uint8Array.of(1);
type Key = Parameters<ProviderRecords['datastore']['put']>[0];
/** Of a key only its text is looked at. */
const key = (text: string): Key => ({ toString: () => text }) as Key;

function setup() {
	let now = 0;
	const metrics = memoryMetrics();
	const records = new ProviderRecords({ ...systemClock, now: () => monoMs(now) }, metrics);
	const providersOf = async (block: number): Promise<string[]> => {
		const keys: string[] = [];
		for await (const found of records.datastore.query({ prefix: prefixOf(block) })) keys.push(found.key.toString());
		return keys.map((text) => text.slice(text.lastIndexOf('/') + 1));
	};
	return {
		store: records.datastore,
		providersOf,
		refused: (reason: string) => metrics.total('poster_directory_failures_total', { operation: 'store', reason }),
		pass: (ms: number) => {
			now += ms;
		},
	};
}

/** As kad-dht writes it: base32 of a multihash of 34 bytes. */
const digit = (value: number): string => 'abcdefghijklmnopqrstuvwxyz234567'[value] ?? 'a';
const prefixOf = (block: number): string =>
	`/dht/provider/${'a'.repeat(51)}${digit(block >> 15)}${digit((block >> 10) & 31)}${digit((block >> 5) & 31)}${digit(block & 31)}`;
const keyOf = (block: number, provider: string): Key => key(`${prefixOf(block)}/${provider}`);

test('who provides a key is found by the key, until the record is too old or taken back', async () => {
	const { store, providersOf, pass } = setup();
	await store.put(keyOf(1, 'A'), VALUE);
	pass(1000);
	await store.put(keyOf(1, 'B'), VALUE);
	await store.put(keyOf(2, 'C'), VALUE);
	assert.deepEqual(await providersOf(1), ['A', 'B']);
	await store.delete(keyOf(1, 'B'));
	assert.deepEqual(await providersOf(1), ['A']);
	assert.deepEqual(await providersOf(3), []);
	pass(limits.directoryValidMs - 999);
	assert.deepEqual(await providersOf(1), []);
	assert.deepEqual(await providersOf(2), ['C']);
});

test('a provider has so many records and no more, others have theirs', async () => {
	const { store, providersOf, refused } = setup();
	for (let block = 0; block <= limits.directoryKeys; block += 1) await store.put(keyOf(block, 'A'), VALUE);
	assert.equal(refused('full'), 1);
	assert.deepEqual(await providersOf(limits.directoryKeys), []);
	await store.put(keyOf(limits.directoryKeys, 'B'), VALUE);
	assert.deepEqual(await providersOf(limits.directoryKeys), ['B']);
	await store.put(keyOf(0, 'A'), VALUE);
	assert.equal(refused('full'), 1, 'telling again is nothing new');
	await store.delete(keyOf(0, 'A'));
	await store.put(keyOf(limits.directoryKeys, 'A'), VALUE);
	assert.deepEqual(await providersOf(limits.directoryKeys), ['B', 'A']);
});

test('keys that no honest member makes are not kept', async () => {
	const { store, refused } = setup();
	for (const text of ['/dht/record/abc', '/dht/provider/a/A', `/dht/provider/${'a'.repeat(60_000)}/A`, '/peers/A']) {
		await store.put(key(text), VALUE);
	}
	assert.equal(refused('malformed'), 4);
	assert.throws(() => void store.get(keyOf(0, 'A')), { name: 'NotFoundError' });
});
