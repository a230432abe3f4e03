import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield } from '../../../../src/domain/bitfield.ts';
import { PosterError } from '../../../../src/domain/errors.ts';
import type { Hex32 } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { Manifest } from '../../../../src/domain/manifest.ts';
import { AheadLoader } from '../../../../src/node/vanilla-server/ahead-loader.ts';
import type { AheadWork } from '../../../../src/node/vanilla-server/ahead-plan.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { fakeManifest, workOf } from '../../../support/work-items.ts';

/** A due partition of one sector for each number. */
const listOf = (count: number, from = 0) =>
	Array.from({ length: count }, (_, i) => {
		const manifest = fakeManifest(from + i);
		return { work: workOf(manifest, { partition: from + i }), manifest, sectors: Bitfield.of([from + i]) };
	});

/** A book that answers in later turns of the loop and counts what is asked of it. */
function setUp(works: ReturnType<typeof listOf>) {
	const disk = new Map<Hex32, Manifest>(works.map(({ work, manifest }) => [work.sectorRoot, manifest]));
	const reads: Hex32[] = [];
	const told: (readonly AheadWork[])[] = [];
	const bench = { disk, reads, told, most: 0, failing: false };
	let reading = 0;
	const get = async (root: Hex32): Promise<Manifest | undefined> => {
		reads.push(root);
		bench.most = Math.max(bench.most, ++reading);
		await new Promise((resolve) => setImmediate(resolve));
		reading--;
		if (bench.failing) throw new PosterError('store-io', 'as the test asked');
		return disk.get(root);
	};
	const loader = new AheadLoader({ book: { get }, log: memoryLog() }, (list) => told.push(list));
	const opened = (): readonly number[] => (told.at(-1) ?? []).map(({ work }) => work.partition);
	return { loader, bench, opened };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('of a long list the most urgent items are loaded, as many as the plan takes, one at a time', async () => {
	const works = listOf(limits.vanillaWorks + 50);
	const { loader, bench, opened } = setUp(works);
	await loader.open({ works });
	assert.deepEqual(opened(), range(0, limits.vanillaWorks));
	assert.equal(bench.reads.length, limits.vanillaWorks);
	assert.equal(bench.most, 1);
});

test('an item that stays is not loaded again, and one that leaves is gone at once', async () => {
	const works = listOf(100);
	const { loader, bench, opened } = setUp(works);
	await loader.open({ works });
	const before = bench.told.length;
	const loading = loader.open({ works: works.slice(1) });
	assert.deepEqual(opened(), range(1, 100), 'it waits for nothing');
	await loading;
	assert.equal(bench.reads.length, 100);
	assert.equal(bench.told.length, before + 1, 'the plan hears of a list once');
	await loader.open({ works });
	assert.equal(bench.reads.length, 101, 'what left is kept no longer');
});

test('lists that come faster than manifests hold nothing up: what was loaded counts, and the newest list wins', async () => {
	const works = listOf(40);
	const { loader, bench, opened } = setUp(works);
	const first = loader.open({ works });
	for (let i = 1; i <= 10; i++) {
		await new Promise((resolve) => setImmediate(resolve));
		await loader.open({ works: works.slice(0, 40 - i) });
	}
	assert.ok(opened().length > 0, 'some are opened already');
	await first;
	assert.deepEqual(opened(), range(0, 30));
	assert.equal(bench.most, 1);
	assert.equal(bench.reads.length, 30);
});

test('a manifest that cannot be read keeps no other one away, and is tried again with the next list', async () => {
	const works = listOf(3);
	const { loader, bench, opened } = setUp(works);
	await loader.open({ works: works.slice(0, 2) });
	bench.failing = true;
	await loader.open({ works });
	assert.deepEqual(opened(), [0, 1]);
	bench.failing = false;
	await loader.open({ works });
	assert.deepEqual(opened(), [0, 1, 2]);
});

test('after its end nothing is opened any more, also not what is being loaded', async () => {
	const works = listOf(3);
	const { loader, opened } = setUp(works);
	const loading = loader.open({ works });
	loader.stop();
	await loading;
	assert.deepEqual(opened(), []);
});
