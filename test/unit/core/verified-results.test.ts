/** Results count once they were verified here; of two the better one; the lease ends with the result, not before it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { resultHash } from '../../../src/codec/work-id.ts';
import type { Effect } from '../../../src/core/api.ts';
import { buildDigest } from '../../../src/core/digest.ts';
import { compareResults } from '../../../src/core/results.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { hex32, type WorkId } from '../../../src/domain/ids.ts';
import { ClaimBench, decided, itemOf } from '../../support/claim-bench.ts';
import { MINER, published } from '../../support/core.ts';
import { runs } from '../../support/runs.ts';

const four = Bitfield.of([0, 1, 2, 3]);
const resultOf = (work: WorkId, byte: number, skipped: Bitfield = Bitfield.empty) => ({
	work,
	proof: new Uint8Array(192).fill(byte),
	skipped,
	refusals: [],
	proveMs: 1,
});

test('the order of results is total: fewest skips, then the lower hash', () => {
	const ranked = fc.record({ skips: fc.nat({ max: 3 }), byte: fc.nat({ max: 5 }) }).map(({ skips, byte }) => {
		const result = resultOf('00'.repeat(32) as WorkId, byte, Bitfield.of(Array.from({ length: skips }, (_, i) => i)));
		return { result, hash: hex32(`0${byte}`.repeat(32)) };
	});
	fc.assert(
		fc.property(ranked, ranked, ranked, (a, b, c) => {
			const sign = (x: typeof a, y: typeof a): number => Math.sign(compareResults(x, y));
			assert.equal(sign(a, b) + sign(b, a), 0);
			assert.equal(sign(a, b) === 0, a.hash === b.hash && a.result.skipped.size === b.result.skipped.size);
			if (sign(a, b) <= 0 && sign(b, c) <= 0) assert.ok(sign(a, c) <= 0);
			if (a.result.skipped.size < b.result.skipped.size) assert.equal(sign(a, b), -1);
		}),
		{ numRuns: runs(200) },
	);
});

test('what is not verified yet is neither stored nor counted nor served; what does not verify silences its author', () => {
	const bench = new ClaimBench({ others: 2 });
	const item = itemOf(0);
	bench.give({ type: 'slots', slots: [] });
	bench.announce(item);
	const before = buildDigest(bench.state);
	const lie = resultOf(item.id, 1);
	const asked = bench.hear('p', { kind: 'res', body: lie }, 165);
	assert.equal(asked.filter(({ type }) => type === 'verify').length, 1);
	assert.deepEqual(buildDigest(bench.state), before);
	assert.ok(!bench.disk.has(`r/${item.id}`));
	const hash = resultHash(lie.proof, lie.skipped);
	assert.equal(
		decided(bench.give({ type: 'verified', work: item.id, hash, verdict: 'bad' }), 'result-refused').length,
		1,
	);
	assert.ok(!bench.disk.has(`r/${item.id}`));
	assert.deepEqual(
		bench.hear('p', { kind: 'res', body: resultOf(item.id, 2) }, 165).filter(({ type }) => type === 'verify'),
		[],
	);
	// Another member's word is judged by itself.
	bench.hear('q', { kind: 'res', body: resultOf(item.id, 3) }, 165);
	const good = resultHash(new Uint8Array(192).fill(3), Bitfield.empty);
	const effects = bench.give({ type: 'verified', work: item.id, hash: good, verdict: 'good' });
	assert.equal(decided(effects, 'result-stored').length, 1);
	assert.ok(bench.disk.has(`r/${item.id}`));
});

test('a better result takes the place of a worse one, never the other way round', () => {
	const bench = new ClaimBench({ others: 2 });
	const item = itemOf(0);
	bench.give({ type: 'slots', slots: [] });
	bench.announce(item);
	const hear = (byte: number, skipped: Bitfield): readonly Effect[] => {
		const body = resultOf(item.id, byte, skipped);
		const heard = bench.hear('p', { kind: 'res', body }, 165);
		const hash = resultHash(body.proof, skipped);
		return [...heard, ...bench.give({ type: 'verified', work: item.id, hash, verdict: 'good' })];
	};
	assert.equal(decided(hear(1, Bitfield.of([0, 1])), 'result-stored')[0]?.reason, 'first');
	assert.equal(decided(hear(2, Bitfield.of([0])), 'result-stored')[0]?.reason, 'better');
	assert.deepEqual(decided(hear(3, Bitfield.of([0, 1, 2])), 'result-stored'), []);
	assert.equal(bench.state.works.get(item.id)?.results.best?.result.skipped.size, 1);
});

test('until a proof was verified here its lease stands; then the lease ends in the step in which the result leaves', () => {
	const bench = new ClaimBench({ others: 1, roles: ['storage'] });
	const item = bench.itemOfRank(0);
	bench.give({ type: 'holdings', miner: MINER, sectors: four });
	bench.announce(item);
	const { id } = item;
	bench.give({ type: 'gathered', work: id, peer: bench.id('self'), ok: four, failed: [] });
	bench.give({ type: 'gather-ended', work: id, peer: bench.id('self'), code: null });
	bench.second();
	bench.give({ type: 'prove-progress', work: id, slot: 'slot0', phase: 'groth16', permille: 500 });
	const leased = (effects: readonly Effect[]): readonly boolean[] =>
		published(effects, 'rec').map(({ kind, body }) => kind === 'rec' && body.leases.some(({ work }) => work === id));
	const { proof } = resultOf(id, 7);
	const proved = [...bench.give({ type: 'proved', work: id, slot: 'slot0', proof, proveMs: 1_000 }), ...bench.second()];
	assert.ok(leased(proved).length > 0 && leased(proved).every(Boolean), 'the lease stands while the proof is verified');
	assert.deepEqual(published(proved, 'res'), []);
	const hash = resultHash(proof, Bitfield.empty);
	bench.now += 60;
	const verified = bench.give({ type: 'verified', work: id, hash, verdict: 'good' });
	assert.equal(published(verified, 'res').length, 1);
	assert.deepEqual([...new Set(leased([...verified, ...bench.second()]))], [false]);
	assert.ok(bench.disk.has(`r/${id}`));
});
