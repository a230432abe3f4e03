/** What a storage member says of sectors that results leave out: when it objects, for how long, and when it takes a refusal back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultHash } from '../../../src/codec/work-id.ts';
import type { Effect } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { epoch, type SectorNumber, sectorNumber, type WorkId } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { NodeRecord } from '../../../src/domain/record.ts';
import { decided, itemOf } from '../../support/claim-bench.ts';
import { CoreBench, DUE_CHALLENGE as challenge, MINER, published } from '../../support/core.ts';

const NOW = 190;
const all = Bitfield.of([0, 1, 2, 3]);

/** A storage node that holds four sectors of each of these items and has opened them. */
function storage(partitions: number, open = all): CoreBench {
	const made = new CoreBench({ self: ['storage', 'chain'], p: ['prover'], other: ['storage'] });
	for (let i = 0; i < 24; i++) made.second();
	made.give({ type: 'holdings', miner: MINER, sectors: all });
	see(made, NOW, partitions);
	made.give({ type: 'manifest-held', root: itemOf(0).sectorRoot, sectors: all });
	for (let i = 0; i < partitions; i++) made.give({ type: 'opened', work: itemOf(i).id, ok: open, failed: [] });
	return made;
}

function see(made: CoreBench, at: number, partitions: number): readonly Effect[] {
	const due = Array.from({ length: partitions }, (_, i) => {
		const { partition, sectorCount, sectorRoot } = itemOf(i);
		return { partition, sectorCount, sectorRoot };
	});
	const challenges = [{ challenge, due, posted: Bitfield.empty }];
	const sender = { address: 'f1', nonce: 0, pool: [] };
	const view = { miner: MINER, epoch: epoch(at), challenges, sender, baseFee: 1n as never };
	return [...made.give({ type: 'head', epoch: epoch(at) }), ...made.give({ type: 'chain-view', view })];
}

/** A verified result of the prover that leaves these out. */
function prove(made: CoreBench, partition: number, skipped: Bitfield): readonly Effect[] {
	const { id } = itemOf(partition);
	const body = { work: id, proof: new Uint8Array(192), skipped, refusals: [], proveMs: 1 };
	made.hear('p', { kind: 'res', body }, NOW);
	return made.give({ type: 'verified', work: id, hash: resultHash(body.proof, skipped), verdict: 'good' });
}

function seconds(made: CoreBench, count: number): readonly Effect[] {
	return Array.from({ length: count }, () => made.second()).flat();
}

function told(effects: readonly Effect[]): readonly NodeRecord[] {
	return published(effects, 'rec').flatMap((envelope) => (envelope.kind === 'rec' ? [envelope.body] : []));
}

test('each skipped sector is objected to once, however many items leave some out', () => {
	const items = limits.recordObjections;
	const made = storage(items);
	const effects = Array.from({ length: items }, (_, i) => prove(made, i, all.subtract(Bitfield.of([3])))).flat();
	effects.push(...seconds(made, 5));
	assert.equal(decided(effects, 'object').length, items);
	const later = seconds(made, 60);
	assert.deepEqual(decided(later, 'object'), []);
	assert.ok(told(later).length <= 3, 'nothing new is told');
});

test('of more objections than a record can tell each is told in turn', () => {
	const items = limits.recordObjections;
	const made = storage(items);
	for (let i = 0; i < items; i++) prove(made, i, all.subtract(Bitfield.of([3])));
	const seen = new Set<WorkId>();
	for (let minutes = 0; minutes < 60 && seen.size < items; minutes++) {
		for (const { objections } of told(seconds(made, 30))) {
			assert.ok(objections.length <= limits.recordObjections);
			for (const { work } of objections) seen.add(work);
		}
	}
	assert.equal(seen.size, items);
});

test('what a better result includes is no longer told, what the next one leaves out is', () => {
	const made = storage(1);
	const sectors = (effects: readonly Effect[]): readonly SectorNumber[] | undefined =>
		told(effects)
			.at(-1)
			?.objections.map(({ sector }) => sector);
	assert.deepEqual(sectors([...prove(made, 0, Bitfield.of([0, 1, 2])), ...made.second()]), [0, 1, 2]);
	const better = [...prove(made, 0, Bitfield.of([1])), ...made.second()];
	assert.deepEqual(sectors(better), [1]);
	assert.deepEqual(decided(better, 'object'), [], 'it was said of this sector already');
	assert.deepEqual(sectors([...prove(made, 0, Bitfield.empty), ...made.second()]), []);
	const other = storage(1);
	prove(other, 0, Bitfield.of([0, 1]));
	other.second();
	const moved = [...prove(other, 0, Bitfield.of([3])), ...other.second()];
	assert.equal(decided(moved, 'object').length, 1);
	assert.deepEqual(sectors(moved), [sectorNumber(3)]);
});

test('a refused sector that opens again is refused no more, here and elsewhere', () => {
	const made = storage(1, Bitfield.empty);
	const { id } = itemOf(0);
	const failed = [1, 2].map((sector) => ({ sector: sectorNumber(sector), code: 'unreadable' }));
	made.give({ type: 'opened', work: id, ok: Bitfield.empty, failed });
	see(made, NOW + 1, 1);
	const refusals = (): readonly number[] => [
		...(made.state.works.get(id)?.refusals.get(made.id('self'))?.envelope.body.sectors ?? []),
	];
	const [refusal] = published(made.give({ type: 'opened', work: id, ok: Bitfield.empty, failed }), 'ref');
	assert.deepEqual(refusals(), [1, 2]);
	for (const ok of [Bitfield.of([1]), Bitfield.of([2])]) {
		const [newer] = published(made.give({ type: 'opened', work: id, ok, failed: [] }), 'ref');
		assert.ok(newer !== undefined && newer.kind === 'ref' && refusal?.kind === 'ref');
		const left = [...refusal.body.sectors.subtract(ok).intersect(newer.body.sectors)];
		assert.deepEqual(refusals(), left);
		// The same word by another member counts here as this node's does elsewhere.
		made.hear('other', { kind: 'ref', body: refusal.body }, NOW + 1);
		made.hear('other', { kind: 'ref', body: newer.body }, NOW + 1);
		const theirs = made.state.works.get(id)?.refusals.get(made.id('other'));
		assert.deepEqual([...(theirs?.envelope.body.sectors ?? [])], left);
	}
	assert.deepEqual(refusals(), []);
});
