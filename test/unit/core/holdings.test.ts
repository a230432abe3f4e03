import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workItem } from '../../../src/codec/work-id.ts';
import type { SectorFault } from '../../../src/core/api.ts';
import { holdingsOf } from '../../../src/core/holdings.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { epoch, hex32, partitionIndex, sectorNumber } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { DuePartition } from '../../../src/domain/work.ts';
import { CoreBench, DUE_CHALLENGE as challenge, MINER, published } from '../../support/core.ts';

const sectors = Bitfield.of([1, 2, 3, 4]);

test('holdings that never change are said again before they grow too old to count', () => {
	const bench = new CoreBench({ store: ['storage', 'chain'], other: ['prover'] });
	bench.give({ type: 'head', epoch: epoch(100) });
	assert.equal(published(bench.give({ type: 'holdings', miner: MINER, sectors }), 'hold').length, 1);
	assert.equal(published(bench.second(), 'hold').length, 0);
	bench.give({ type: 'head', epoch: epoch(100 + limits.holdingsEpochs / 2 - 1) });
	assert.equal(published(bench.second(), 'hold').length, 0);
	bench.give({ type: 'head', epoch: epoch(100 + limits.holdingsEpochs / 2) });
	const [again] = published(bench.second(), 'hold');
	assert.equal(again?.epoch, 100 + limits.holdingsEpochs / 2);
	assert.equal(published(bench.second(), 'hold').length, 0);
});

test('what was said before any epoch was known is said again with the first one', () => {
	const bench = new CoreBench({ store: ['storage', 'chain'], other: ['prover'] });
	assert.equal(published(bench.give({ type: 'holdings', miner: MINER, sectors }), 'hold')[0]?.epoch, -1);
	assert.equal(published(bench.second(), 'hold').length, 0);
	bench.give({ type: 'head', epoch: epoch(100) });
	assert.equal(published(bench.second(), 'hold')[0]?.epoch, 100);
	assert.equal(published(bench.second(), 'hold').length, 0);
});

test('holdings of others count for seven days, those of no known epoch from the first one that is known', () => {
	const bench = new CoreBench({ self: ['chain'], dated: ['storage'], undated: ['storage'] });
	bench.hear('dated', { kind: 'hold', body: { miner: MINER, sectors } }, 100);
	bench.hear('undated', { kind: 'hold', body: { miner: MINER, sectors } }, -1);
	bench.give({ type: 'head', epoch: epoch(101) });
	bench.second();
	const counting = (at: number): readonly boolean[] => {
		bench.give({ type: 'head', epoch: epoch(at) });
		return ['dated', 'undated'].map((name) => holdingsOf(bench.state, bench.id(name), MINER) !== null);
	};
	assert.deepEqual(counting(100 + limits.holdingsEpochs), [true, true]);
	assert.deepEqual(counting(101 + limits.holdingsEpochs), [false, true]);
	assert.deepEqual(counting(102 + limits.holdingsEpochs), [false, false]);
});

const due: DuePartition = { partition: partitionIndex(0), sectorCount: 4, sectorRoot: hex32('33'.repeat(32)) };
const work = workItem('corenet', challenge, due);
const missing = (...numbers: number[]): SectorFault[] =>
	numbers.map((number) => ({ sector: sectorNumber(number), code: 'missing' }));

function storageWithItem(): CoreBench {
	const bench = new CoreBench({ store: ['storage', 'chain'], other: ['prover'] });
	bench.give({ type: 'head', epoch: epoch(165) });
	bench.give({ type: 'holdings', miner: MINER, sectors });
	bench.hear('other', { kind: 'hold', body: { miner: MINER, sectors } }, 165);
	bench.give({
		type: 'chain-view',
		view: {
			miner: MINER,
			epoch: epoch(165),
			challenges: [{ challenge, due: [due], posted: null }],
			sender: { address: 'f1sender', nonce: 0, pool: [] },
			baseFee: 100n as never,
		},
	});
	return bench;
}

test('what is open already stays in the list of what is to be open', () => {
	const bench = storageWithItem();
	const [order] = bench
		.give({ type: 'manifest-held', root: due.sectorRoot, sectors })
		.filter(({ type }) => type === 'open-ahead');
	assert.deepEqual(order?.type === 'open-ahead' && order.works.map((entry) => [...entry.sectors]), [[1, 2, 3, 4]]);
	const told = bench.give({ type: 'opened', work: work.id, ok: Bitfield.of([1, 2]), failed: [] });
	assert.deepEqual(
		told.filter(({ type }) => type === 'open-ahead'),
		[],
	);
	const less = bench
		.give({ type: 'opened', work: work.id, ok: Bitfield.of([3]), failed: missing(4) })
		.find(({ type }) => type === 'open-ahead');
	assert.deepEqual(less?.type === 'open-ahead' && less.works.map((entry) => [...entry.sectors]), [[1, 2, 3]]);
});

test('the first failure of one sector does not spoil the refusal of another', () => {
	const bench = storageWithItem();
	bench.give({ type: 'manifest-held', root: due.sectorRoot, sectors });
	bench.give({ type: 'opened', work: work.id, ok: Bitfield.empty, failed: missing(1) });
	bench.give({ type: 'head', epoch: epoch(166) });
	const both = bench.give({ type: 'opened', work: work.id, ok: Bitfield.empty, failed: missing(1, 2) });
	const bodies = (effects: typeof both) =>
		published(effects, 'ref').map(({ body }) =>
			'sectors' in body && 'first' in body ? [[...body.sectors], body.first] : [],
		);
	assert.deepEqual(bodies(both), [[[1], 165]]);
	bench.give({ type: 'head', epoch: epoch(167) });
	const rest = bench.give({ type: 'opened', work: work.id, ok: Bitfield.empty, failed: missing(2) });
	assert.deepEqual(bodies(rest), [[[1, 2], 166]]);
	assert.deepEqual(
		[...(bench.state.works.get(work.id)?.refusals.get(bench.id('store'))?.envelope.body.sectors ?? [])],
		[1, 2],
	);
});
