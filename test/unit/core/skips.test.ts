/** Leaving a sector out declares it faulty: whose word backs that, and who may have the item opened again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { resultHash } from '../../../src/codec/work-id.ts';
import type { Effect } from '../../../src/core/api.ts';
import { backedSkips } from '../../../src/core/skips.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { epoch, sectorNumber } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { decided, itemOf } from '../../support/claim-bench.ts';
import { CoreBench, DUE_CHALLENGE as challenge, idleRecord, MINER } from '../../support/core.ts';
import { runs } from '../../support/runs.ts';

const all = Bitfield.of([0, 1, 2, 3]);
const item = itemOf(0);
const NOW = 190;

/** A prover with one slot, two storage members, a liar that may prove, and the item of four sectors. */
function bench(): CoreBench {
	const made = new CoreBench({
		self: ['prover', 'chain'],
		store: ['storage'],
		other: ['storage'],
		liar: ['prover'],
		sub: ['submitter'],
	});
	for (let i = 0; i < 24; i++) made.second();
	see(made);
	return made;
}

/** The item comes into the own view, with nobody to prove it yet. */
function see(made: CoreBench): void {
	made.give({ type: 'head', epoch: epoch(NOW) });
	const { partition, sectorCount, sectorRoot } = item;
	const challenges = [{ challenge, due: [{ partition, sectorCount, sectorRoot }], posted: Bitfield.empty }];
	const sender = { address: 'f1', nonce: 0, pool: [] };
	made.give({ type: 'slots', slots: [] });
	made.give({
		type: 'chain-view',
		view: { miner: MINER, epoch: epoch(NOW), challenges, sender, baseFee: 1n as never },
	});
	made.give({ type: 'manifest-held', root: sectorRoot, sectors: all });
}

const hold = (made: CoreBench, name: string, sectors: Bitfield): readonly Effect[] =>
	made.hear(name, { kind: 'hold', body: { miner: MINER, sectors } }, NOW);
const refuse = (made: CoreBench, name: string, sectors: Bitfield, first = NOW - 1, said = NOW): readonly Effect[] =>
	made.hear(name, { kind: 'ref', body: { work: item.id, sectors, first: epoch(first) } }, said);
const backed = (made: CoreBench, sectors: Bitfield = all): readonly number[] => {
	const work = made.state.works.get(item.id);
	assert.ok(work !== undefined);
	return [...backedSkips(made.state, work, sectors)];
};

test('a skip is backed when every member that lists the sector has refused it, and by nothing else', () => {
	const subset = fc.subarray([0, 1, 2, 3]).map((numbers) => Bitfield.of(numbers));
	fc.assert(
		fc.property(subset, subset, subset, subset, (store, other, storeRefuses, otherRefuses) => {
			const made = bench();
			if (store.size > 0) hold(made, 'store', store);
			if (other.size > 0) hold(made, 'other', other);
			if (storeRefuses.size > 0) refuse(made, 'store', storeRefuses);
			if (otherRefuses.size > 0) refuse(made, 'other', otherRefuses);
			// Whether they are connected or were heard lately changes nothing.
			made.give({ type: 'connected', peer: made.id('store') });
			const expected = [0, 1, 2, 3].filter((sector) => {
				const holders = [
					{ holds: store.has(sector), refuses: storeRefuses.has(sector) },
					{ holds: other.has(sector), refuses: otherRefuses.has(sector) },
				].filter(({ holds }) => holds);
				return holders.length > 0 && holders.every(({ refuses }) => refuses);
			});
			assert.deepEqual(backed(made), expected);
		}),
		{ numRuns: runs(30) },
	);
});

test('a holder that is gone backs nothing, however long it is gone', () => {
	const made = bench();
	hold(made, 'store', all);
	hold(made, 'other', all);
	made.hear('other', { kind: 'rec', body: idleRecord() }, NOW);
	made.give({ type: 'disconnected', peer: made.id('other'), cause: 'reset' });
	made.give({ type: 'probed', peer: made.id('other'), alive: false });
	refuse(made, 'store', all);
	for (let i = 0; i < 200; i++) made.second();
	assert.deepEqual(backed(made), []);
});

test('two refusals within one epoch, or by somebody without the role, are no refusal', () => {
	const made = bench();
	hold(made, 'store', all);
	refuse(made, 'store', all, NOW, NOW);
	assert.deepEqual(backed(made), []);
	refuse(made, 'liar', all);
	hold(made, 'liar', all);
	assert.deepEqual(backed(made), []);
	refuse(made, 'store', all);
	assert.deepEqual(backed(made), [0, 1, 2, 3]);
});

/** A verified result that leaves out sector 1, and an objection by this member in the name of this holder. */
function reopened(made: CoreBench, by: string, holder: string): readonly Effect[] {
	const skipped = Bitfield.of([1]);
	const body = { work: item.id, proof: new Uint8Array(192), skipped, refusals: [], proveMs: 1 };
	made.hear('liar', { kind: 'res', body }, NOW);
	const hash = resultHash(body.proof, skipped);
	made.give({ type: 'verified', work: item.id, hash, verdict: 'good' });
	return objectTo(made, by, holder);
}

function objectTo(made: CoreBench, by: string, holder: string): readonly Effect[] {
	const objection = { work: item.id, sector: sectorNumber(1), holder: made.id(holder) };
	return [...made.hear(by, { kind: 'rec', body: idleRecord({ objections: [objection] }) }, NOW), ...made.second()];
}

test('an objection counts from the holder itself and from a submitter, not from just anybody', () => {
	assert.equal(decided(reopened(bench(), 'store', 'store'), 'reopen').length, 1);
	assert.equal(decided(reopened(bench(), 'sub', 'store'), 'reopen').length, 1);
	assert.deepEqual(decided(reopened(bench(), 'liar', 'store'), 'reopen'), []);
	assert.deepEqual(decided(reopened(bench(), 'sub', 'liar'), 'reopen'), []);
});

/** The item is opened again for a sector that does not come. */
function inVain(made: CoreBench): readonly Effect[] {
	hold(made, 'store', all);
	made.give({ type: 'connected', peer: made.id('store') });
	reopened(made, 'store', 'store');
	const [claim] = decided([...made.give({ type: 'slots', slots: ['slot0'] }), ...made.second()], 'claim');
	assert.equal(claim?.reason, 'reopened');
	const store = made.id('store');
	const failed = [{ sector: sectorNumber(1), code: 'missing' }];
	let effects: readonly Effect[] = [];
	for (let i = 0; i < 100 && decided(effects, 'release').length === 0; i++) {
		effects = [
			...made.give({ type: 'holders-found', miner: MINER, block: 0, peers: [] }),
			...made.give({ type: 'gathered', work: item.id, peer: store, ok: Bitfield.empty, failed }),
			...made.give({ type: 'gather-ended', work: item.id, peer: store, code: null }),
			...made.second(),
		];
	}
	return effects;
}

test('an objection that brought nothing is not heeded again', () => {
	const made = bench();
	assert.equal(decided(inVain(made), 'release')[0]?.reason, 'objection-unfounded');
	const again = [...objectTo(made, 'store', 'store'), ...made.second(), ...hold(made, 'store', all), ...made.second()];
	assert.deepEqual(decided(again, 'claim'), []);
	assert.deepEqual(decided(again, 'reopen'), []);
});

test('nor after a restart, while one of another holder is; it goes from the disk with its item', () => {
	const made = bench();
	inVain(made);
	const kept = `o/${item.id}`;
	assert.ok(made.disk.has(kept));
	made.restart();
	see(made);
	hold(made, 'store', all);
	hold(made, 'other', all);
	assert.deepEqual(decided(reopened(made, 'store', 'store'), 'reopen'), []);
	assert.equal(decided(objectTo(made, 'other', 'other'), 'reopen').length, 1);

	for (const key of made.disk.keys()) if (key.startsWith('a/')) made.disk.delete(key);
	made.restart();
	for (let i = 0; i < 3; i++) made.second();
	assert.equal(made.disk.has(kept), false, 'what names no item is deleted');
});

test('a stored objection that cannot be read is named', () => {
	const made = bench();
	inVain(made);
	made.disk.set(`o/${item.id}`, Uint8Array.of(0xff));
	assert.throws(
		() => made.restart(),
		(error) => isPosterError(error, 'store-damaged') && error.message.includes(`o/${item.id}`),
	);
});

test('an item that is forgotten takes its objections along', () => {
	const made = bench();
	inVain(made);
	made.give({ type: 'head', epoch: epoch(challenge.close + limits.retentionEpochs + 1) });
	for (let i = 0; i < 3; i++) made.second();
	assert.equal(made.state.works.size, 0);
	assert.deepEqual(
		[...made.disk.keys()].filter((key) => key.startsWith('o/')),
		[],
	);
});
