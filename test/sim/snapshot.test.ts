import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSnapshot, encodeSnapshot } from '../../src/core/snapshot.ts';
import { optionsOf } from './main.ts';
import { World } from './world.ts';

test('a run goes on from snapshots exactly as it goes without them', () => {
	for (const seed of [3, 8]) {
		const options = optionsOf(seed, 7, 'all');
		const plain = new World(options, true);
		const restored = new World({ ...options, snapshotPermille: 20 }, true);
		assert.deepEqual(restored.run(), plain.run(), `seed ${seed}`);
		assert.deepEqual(restored.log, plain.log, `seed ${seed}`);
	}
});

test('the same seed is the same run, another seed another one', () => {
	const [one, same, other] = [5, 5, 6].map((seed) => {
		const world = new World(optionsOf(seed, 7, 'all'), true);
		world.run();
		return world.log.join('\n');
	});
	assert.equal(one, same);
	assert.notEqual(one, other);
});

test('a snapshot of a snapshot has the same bytes', () => {
	const world = new World(optionsOf(4, 7, 'none'), false);
	world.begin();
	while (world.heap.run(60_000));
	for (const { state } of world.nodes) {
		assert.ok(state);
		const bytes = encodeSnapshot(state);
		assert.deepEqual(encodeSnapshot(decodeSnapshot(bytes)), bytes);
	}
});
