/** Until when a prover offers its result. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultHash, workItem } from '../../../src/codec/work-id.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { epoch, hex32, partitionIndex } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { CoreBench, DUE_CHALLENGE as challenge, idleRecord, MINER, published } from '../../support/core.ts';

const NOW = challenge.open;
const due = { partition: partitionIndex(0), sectorCount: 4, sectorRoot: hex32('33'.repeat(32)) };
const item = workItem('corenet', challenge, due);
const keys = hex32('22'.repeat(32));
const empty = idleRecord({ keys });
const telling = idleRecord({ keys, have: [{ key: item.key, partitions: Bitfield.of([0]) }] });

/** A prover with a result of its own among members that can verify. */
function prover(): CoreBench {
	const bench = new CoreBench({
		self: ['prover', 'chain'],
		p1: ['prover'],
		p2: ['prover'],
		sub: ['chain', 'submitter'],
	});
	for (let i = 0; i < 24; i++) bench.second();
	bench.give({ type: 'head', epoch: NOW });
	const sender = { address: 'f1sender', nonce: 0, pool: [] };
	const challenges = [{ challenge, due: [due], posted: null }];
	bench.give({
		type: 'chain-view',
		view: { miner: MINER, epoch: epoch(NOW), challenges, sender, baseFee: 1n as never },
	});
	for (const name of ['p1', 'p2', 'sub']) bench.hear(name, { kind: 'rec', body: empty }, NOW);
	bench.give({ type: 'manifest-held', root: due.sectorRoot, sectors: Bitfield.of([1, 2, 3, 4]) });
	const body = { work: item.id, proof: new Uint8Array(192), skipped: Bitfield.empty, refusals: [], proveMs: 1 };
	bench.hear('self', { kind: 'res', body }, NOW);
	bench.give({
		type: 'verified',
		work: item.id,
		hash: resultHash(body.proof, body.skipped),
		verdict: 'good',
	});
	assert.equal(bench.state.works.get(item.id)?.results.best?.statement.envelope.from, bench.id('self'));
	return bench;
}

/** Offers made within so many of their pauses. */
function offers(bench: CoreBench, pauses: number): number {
	let count = 0;
	for (let ms = 0; ms < pauses * limits.offerMs; ms += 1_000) count += published(bench.second(), 'res').length;
	return count;
}

test('a result is offered until three disks have it, a submitter’s among them', () => {
	const bench = prover();
	assert.equal(offers(bench, 2), 2);
	// One of them may lie: two are not enough, and three without a submitter neither.
	bench.hear('p1', { kind: 'rec', body: telling }, NOW);
	assert.equal(offers(bench, 2), 2);
	bench.hear('p2', { kind: 'rec', body: telling }, NOW);
	assert.equal(offers(bench, 2), 2, 'the submitter does not have it');
	bench.hear('sub', { kind: 'rec', body: telling }, NOW);
	assert.equal(offers(bench, 2), 0);
	assert.equal(bench.state.works.get(item.id)?.results.acknowledged, true);
});

test('two disks are enough for none, although one of them is a submitter’s', () => {
	const bench = prover();
	bench.hear('sub', { kind: 'rec', body: telling }, NOW);
	assert.equal(offers(bench, 2), 2);
});

test('what nobody acknowledges is not offered for ever: sync finds it', () => {
	const bench = prover();
	let told = 0;
	for (let i = 0; i < limits.offers + 5; i++) {
		told += offers(bench, 1);
		bench.hear('sub', { kind: 'rec', body: empty }, NOW);
	}
	assert.equal(told, limits.offers);
});
