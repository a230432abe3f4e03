import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bitfield } from '../../../src/domain/bitfield.ts';

const numbers = fc.array(fc.nat({ max: 200 }), { maxLength: 60 });
const sorted = (set: Set<number>): number[] => [...set].sort((a, b) => a - b);

test('set operations on runs agree with sets of numbers', () => {
	fc.assert(
		fc.property(numbers, numbers, (left, right) => {
			const a = Bitfield.of(left);
			const b = Bitfield.of(right);
			const setA = new Set(left);
			const setB = new Set(right);
			assert.deepEqual([...a], sorted(setA));
			assert.equal(a.size, setA.size);
			assert.deepEqual([...a.union(b)], sorted(setA.union(setB)));
			assert.deepEqual([...a.intersect(b)], sorted(setA.intersection(setB)));
			assert.deepEqual([...a.subtract(b)], sorted(setA.difference(setB)));
			assert.equal(a.isSubsetOf(b), setA.isSubsetOf(setB));
			for (let value = 0; value <= 201; value++) assert.equal(a.has(value), setA.has(value), `has(${value})`);
			assert.ok(a.equals(Bitfield.of([...left, ...left])));
		}),
	);
});

test('runs are canonical: no two touch', () => {
	fc.assert(
		fc.property(numbers, numbers, (left, right) => {
			const { runs } = Bitfield.of(left).union(Bitfield.of(right));
			for (let i = 1; i < runs.length; i++) assert.ok((runs[i]?.start ?? 0) > (runs[i - 1]?.end ?? 0));
		}),
	);
});
