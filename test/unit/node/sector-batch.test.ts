import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { sectorNumber } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { SectorBatch, type SectorOutcomes } from '../../../src/node/sector-batch.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { systemClock } from '../../support/system-clock.ts';

function setUp() {
	const timers = new Set<() => void>();
	const clock: Clock = {
		...systemClock,
		after: (ms, run) => {
			assert.equal(ms, limits.sectorBatchMs);
			timers.add(run);
			return () => timers.delete(run);
		},
	};
	const out: SectorOutcomes[] = [];
	return { batch: new SectorBatch(clock, (outcomes) => out.push(outcomes)), out, timers };
}

test('a batch goes out when it is full, and the next one starts empty', () => {
	const { batch, out, timers } = setUp();
	for (let i = 0; i < limits.sectorBatch + 1; i++) batch.add(sectorNumber(i));
	assert.equal(out.length, 1);
	assert.equal(out[0]?.ok.size, limits.sectorBatch);
	assert.equal(timers.size, 1);
});

test('a batch goes out when it is old', () => {
	const { batch, out, timers } = setUp();
	batch.add(sectorNumber(5));
	batch.add(sectorNumber(9), 'missing');
	batch.add(sectorNumber(2), 'short');
	assert.deepEqual([out.length, timers.size], [0, 1]);
	for (const run of timers) run();
	const failed = [
		{ sector: 2, code: 'short' },
		{ sector: 9, code: 'missing' },
	];
	assert.deepEqual(out, [{ ok: Bitfield.of([5]), failed }]);
});

test('nothing is handed on twice, and nothing after it was dropped', () => {
	const { batch, out, timers } = setUp();
	batch.add(sectorNumber(1));
	batch.flush();
	batch.flush();
	batch.add(sectorNumber(2));
	batch.drop();
	assert.deepEqual(out, [{ ok: Bitfield.of([1]), failed: [] }]);
	assert.equal(timers.size, 0);
});
