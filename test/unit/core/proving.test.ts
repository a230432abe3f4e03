/** One slot and one child: whose answer counts, and when a proof that stands still is given up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect, EffectOf } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { limits } from '../../../src/domain/limits.ts';
import { ClaimBench, decided, itemOf } from '../../support/claim-bench.ts';

const item = itemOf(0);
const all = Bitfield.of([0, 1, 2, 3]);
const P95_MS = 60_000;

function proofs(effects: readonly Effect[]): readonly EffectOf<'prove'>[] {
	return effects.flatMap((effect) => (effect.type === 'prove' ? [effect] : []));
}

/** Lets the node claim the item and gather all of it; what it decided meanwhile. */
function begin(bench: ClaimBench): EffectOf<'prove'> {
	for (let i = 0; i < 600; i++) {
		const effects = [
			...bench.second(),
			...bench.give({ type: 'gathered', work: item.id, peer: bench.id('self'), ok: all, failed: [] }),
			...bench.second(),
		];
		const [proof] = proofs(effects);
		if (proof !== undefined) return proof;
	}
	throw new Error('no proof was begun');
}

function seconds(bench: ClaimBench, count: number): readonly Effect[] {
	return Array.from({ length: count }, () => bench.second()).flat();
}

function measured(bench: ClaimBench): void {
	bench.give({ type: 'measured', proofType: item.proofType, sectors: 4, ms: P95_MS });
}

test('the answer of a proof that was given up neither ends the next one of its item nor frees its slot', () => {
	const bench = new ClaimBench({ slots: 2 });
	bench.announce(item);
	const first = begin(bench);
	bench.give({ type: 'gather-lost', work: item.id, code: 'spool-full' });
	const second = begin(bench);
	assert.notEqual(second.slot, first.slot, 'the child of the first still runs');
	const late: readonly Effect[] = [
		...bench.give({ type: 'prove-progress', work: item.id, slot: first.slot, phase: 'groth16', permille: 900 }),
		...bench.give({ type: 'proved', work: item.id, slot: first.slot, proof: new Uint8Array(192), proveMs: 1 }),
		...bench.give({ type: 'prove-failed', work: item.id, slot: first.slot, code: 'prover-cancelled' }),
	];
	assert.deepEqual(decided(late, 'release'), []);
	assert.equal(bench.state.jobs.get(item.id)?.phase, 'prove');
	assert.equal(bench.state.jobs.get(item.id)?.permille, 0);
	assert.deepEqual([...bench.state.slots.busy], [[second.slot, item.id]]);
	bench.give({ type: 'prove-failed', work: item.id, slot: second.slot, code: 'prover-failed' });
	assert.equal(bench.state.slots.busy.size, 0);
	assert.equal(bench.state.jobs.has(item.id), false);
});

test('a proof that stands still for twice its usual time is given up, the next attempt is given twice as long', () => {
	const bench = new ClaimBench();
	measured(bench);
	bench.announce(item);
	let limitMs = 2 * P95_MS;
	for (let attempt = 0; attempt < 3; attempt++, limitMs *= 2) {
		const { slot } = begin(bench);
		assert.deepEqual(decided(seconds(bench, limitMs / 1_000 - 5), 'release'), []);
		// Any sign of progress begins the wait anew.
		bench.give({ type: 'prove-progress', work: item.id, slot, phase: 'groth16', permille: 500 });
		assert.deepEqual(decided(seconds(bench, limitMs / 1_000 - 5), 'release'), []);
		const effects = seconds(bench, 10);
		assert.equal(decided(effects, 'release')[0]?.reason, 'prover-hung', `attempt ${attempt}`);
		assert.equal(decided(effects, 'release')[0]?.facts?.['reason'], 'failed');
		assert.ok(effects.some((effect) => effect.type === 'prove-cancel' && effect.slot === slot));
		bench.give({ type: 'prove-failed', work: item.id, slot, code: 'prover-cancelled' });
	}
});

test('from the point of no return on a proof that stands still is left to run: another one would come too late', () => {
	const bench = new ClaimBench();
	measured(bench);
	bench.announce(item);
	const { slot, spareMs } = begin(bench);
	assert.ok(spareMs > 0, 'there is time for another attempt');
	for (const end = bench.now + spareMs; bench.now < end; ) {
		bench.give({ type: 'prove-progress', work: item.id, slot, phase: 'groth16', permille: 500 });
		assert.deepEqual(decided(seconds(bench, P95_MS / 1_000), 'release'), []);
	}
	assert.deepEqual(decided(seconds(bench, (4 * P95_MS) / 1_000), 'release'), []);
	assert.equal(bench.state.jobs.get(item.id)?.phase, 'prove');
});

test('before any proof of this node has ended nobody knows how long one takes: none is given up', () => {
	const bench = new ClaimBench({ others: 1 });
	bench.beacon('p', [], { estimates: [{ proofType: item.proofType, p95Ms: 1, p99Ms: 1 }] });
	bench.announce(item);
	begin(bench);
	assert.deepEqual(decided(seconds(bench, (10 * limits.hedgeLeastMs) / 1_000), 'release'), []);
});

test('a proof that the library begins anew after our own prover failed is not given up: nobody knows what it takes', () => {
	const bench = new ClaimBench();
	measured(bench);
	bench.announce(item);
	const { slot } = begin(bench);
	bench.give({ type: 'prove-progress', work: item.id, slot, phase: 'params', permille: 0, anew: true });
	assert.deepEqual(decided(seconds(bench, (4 * P95_MS) / 1_000), 'release'), []);
	bench.give({ type: 'prove-failed', work: item.id, slot, code: 'prover-failed' });
	begin(bench);
	assert.equal(decided(seconds(bench, (5 * P95_MS) / 1_000), 'release')[0]?.reason, 'prover-hung', 'the next one is');
});

test('the first proof of the library makes the times of our own prover forgotten', () => {
	const bench = new ClaimBench();
	measured(bench);
	bench.announce(item);
	const { slot } = begin(bench);
	const proof = new Uint8Array(192);
	bench.give({ type: 'proved', work: item.id, slot, proof, proveMs: 3 * P95_MS, anew: true });
	const known = bench.state.durations.get(item.proofType)?.known ?? [];
	assert.equal(known.length, 1);
	assert.ok((known[0] ?? 0) >= 3 * P95_MS);
});
