import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSnapshot, encodeSnapshot } from '../../src/core/snapshot.ts';
import { FAULT_CLASSES } from './faults.ts';
import { drawPlan } from './plan.ts';
import { World } from './world.ts';

function planOf(seed: number) {
	return drawPlan({ seed, nodes: 7, kind: 'short', classes: FAULT_CLASSES });
}

function traceOf(seed: number, snapshotPermille = 0): string {
	const world = new World(planOf(seed), { trace: true, snapshotPermille });
	world.run();
	return world.trace.lines.join('\n');
}

test('a run goes on from snapshots exactly as it goes without them', () => {
	for (const seed of [3, 8]) assert.equal(traceOf(seed, 20), traceOf(seed), `seed ${seed}`);
});

test('the same seed is the same run, another seed another one', () => {
	assert.equal(traceOf(5), traceOf(5));
	assert.notEqual(traceOf(5), traceOf(6));
});

test('a snapshot of a snapshot has the same bytes', () => {
	const world = new World(planOf(4));
	world.begin();
	while (world.heap.run(60_000));
	for (const { state } of world.nodes) {
		if (state === null) continue;
		const bytes = encodeSnapshot(state);
		assert.deepEqual(encodeSnapshot(decodeSnapshot(bytes)), bytes);
	}
});
