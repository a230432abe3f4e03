import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareContenders, progressBucket } from '../../../src/core/leases.ts';
import { nodeId, workIdOf } from '../../../src/domain/ids.ts';
import type { Lease } from '../../../src/domain/lease.ts';
import { leaseOf } from '../../support/claim-bench.ts';

const lease = (change: Partial<Lease>): Lease => leaseOf({ id: workIdOf('00'.repeat(32)) }, change);
const contender = fc
	.record({
		node: fc.constantFrom('a', 'b', 'c', 'd').map(nodeId),
		rank: fc.constantFrom(0, 1),
		term: fc.integer({ min: 1, max: 9 }),
		permille: fc.constantFrom(0, 200, 999),
		workSeconds: fc.constantFrom(0, 4, 5, 60),
	})
	.map(({ node, rank, ...change }) => ({ node, rank, lease: lease(change) }));

test('the order of two live leases is total: antisymmetric and transitive', () => {
	fc.assert(
		fc.property(contender, contender, contender, fc.integer({ min: 1, max: 4 }), (a, b, c, lowest) => {
			const compare = (x: typeof a, y: typeof a): number => Math.sign(compareContenders(x, y, lowest));
			assert.equal(compare(a, b) + compare(b, a), 0);
			if (compare(a, b) <= 0 && compare(b, c) <= 0) assert.ok(compare(a, c) <= 0);
		}),
	);
});

test('progress goes before term, term before rank, rank before id', () => {
	const base = { node: nodeId('m'), rank: 5, lease: lease({ term: 2 }) };
	const wins = (other: typeof base): boolean => compareContenders(other, base, 1) < 0;
	assert.ok(wins({ ...base, node: nodeId('z'), rank: 9, lease: lease({ term: 1, workSeconds: 5 }) }));
	assert.ok(wins({ ...base, node: nodeId('z'), rank: 9, lease: lease({ term: 3 }) }));
	assert.ok(wins({ ...base, node: nodeId('z'), rank: 4 }));
	assert.ok(wins({ ...base, node: nodeId('a') }));
	assert.ok(!wins({ ...base, node: nodeId('z') }));
});

test('a term far above the lowest live one wins nothing', () => {
	const honest = { node: nodeId('a'), rank: 1, lease: lease({ term: 1 }) };
	const liar = { node: nodeId('b'), rank: 9, lease: lease({ term: 1_000 }) };
	assert.ok(compareContenders(honest, liar, 1) < 0);
});

test('under five seconds of work every lease is as good as the next', () => {
	assert.equal(progressBucket(lease({ permille: 900, workSeconds: 4 })), 0);
	assert.equal(progressBucket(lease({ permille: 0, workSeconds: 5 })), 1);
	assert.equal(progressBucket(lease({ permille: 124, workSeconds: 5 })), 1);
	assert.equal(progressBucket(lease({ permille: 125, workSeconds: 5 })), 2);
	assert.equal(progressBucket(lease({ permille: 1_000, workSeconds: 5 })), 8);
});
