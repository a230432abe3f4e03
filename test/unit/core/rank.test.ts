import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jitter, preference, score } from '../../../src/core/rank.ts';
import { nodeId } from '../../../src/domain/ids.ts';

const members = fc
	.uniqueArray(fc.nat({ max: 500 }), { minLength: 1, maxLength: 12 })
	.chain((ids) =>
		fc.tuple(
			fc.constant(ids),
			fc.array(fc.integer({ min: 1, max: 8 }), { minLength: ids.length, maxLength: ids.length }),
		),
	)
	.map(([ids, weights]) => ids.map((id, i) => ({ id: nodeId(`n${id}`), weight: weights[i] ?? 1 })));

test('every order of the roster gives the same preference', () => {
	fc.assert(
		fc.property(members, fc.string(), (nodes, key) => {
			assert.deepEqual(preference(key, [...nodes].reverse()), preference(key, nodes));
		}),
	);
});

test('a member that leaves moves only its own share', () => {
	fc.assert(
		fc.property(members, fc.nat(), fc.string(), (nodes, index, key) => {
			const gone = nodes[index % nodes.length]?.id;
			const left = preference(
				key,
				nodes.filter(({ id }) => id !== gone),
			);
			assert.deepEqual(
				left,
				preference(key, nodes).filter(({ id }) => id !== gone),
			);
		}),
	);
});

test('a member that joins, or whose weight grows, takes items and moves none between the others', () => {
	fc.assert(
		fc.property(members, fc.nat(), fc.integer({ min: 0, max: 8 }), fc.string(), (nodes, index, more, key) => {
			const grown = nodes[index % nodes.length]?.id;
			const before = preference(key, more === 0 ? nodes.filter(({ id }) => id !== grown) : nodes);
			const after = preference(
				key,
				nodes.map(({ id, weight }) => ({ id, weight: id === grown ? weight + more : weight })),
			);
			const others = ({ id }: { readonly id: string }) => id !== grown;
			assert.deepEqual(
				after.filter(others).map(({ id }) => id),
				before.filter(others).map(({ id }) => id),
			);
			const place = (order: readonly { readonly id: string }[]) => order.findIndex(({ id }) => id === grown);
			assert.ok(place(before) === -1 || place(after) <= place(before), 'nothing of it goes to another');
		}),
	);
});

test('shares follow the weights within three sigma', () => {
	const nodes = [1, 2, 5].map((weight) => ({ id: nodeId(`w${weight}`), weight }));
	const items = 4_000;
	const wins = new Map<string, number>();
	for (let i = 0; i < items; i++) {
		const winner = preference(`item ${i}`, nodes)[0]?.id ?? '';
		wins.set(winner, (wins.get(winner) ?? 0) + 1);
	}
	for (const { id, weight } of nodes) {
		const share = weight / 8;
		const sigma = Math.sqrt(items * share * (1 - share));
		const won = wins.get(id) ?? 0;
		assert.ok(Math.abs(won - items * share) <= 3 * sigma, `${id} won ${won} of ${items}`);
	}
});

test('a higher weight never lowers a score, and weight 1 is one hash', () => {
	fc.assert(
		fc.property(fc.string(), fc.integer({ min: 1, max: 20 }), (key, weight) => {
			const id = nodeId('n');
			assert.ok(score(key, { id, weight: weight + 1 }) >= score(key, { id, weight }));
		}),
	);
});

test('jitter stays below its bound and is the same in every replay', () => {
	fc.assert(
		fc.property(fc.string(), fc.nat(), fc.integer({ min: 1, max: 10_000 }), (key, attempt, below) => {
			const value = jitter(nodeId('n'), key, attempt, below);
			assert.ok(Number.isInteger(value) && value >= 0 && value < below);
			assert.equal(jitter(nodeId('n'), key, attempt, below), value);
		}),
	);
});
