import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { Role } from '../../src/domain/roster.ts';
import type { Fault } from './faults.ts';
import { extend, intersect, lasting, spans, subtract, union } from './intervals.ts';
import { excuseFor, excuseForSkip } from './oracle.ts';
import type { Plan } from './plan.ts';

const CHAIN = 0;
const STORE = 1;
const PROVER = 2;
const START = 0;
const CLOSE = 330_000;
const ALWAYS = { at: START, until: CLOSE };

/** One machine for each duty; `spare`: roles of a fourth one. */
function plan(faults: readonly Fault[], spare: readonly Role[] = []): Plan {
	const roles: readonly (readonly Role[])[] = [['chain', 'submitter'], ['storage'], ['prover'], spare];
	const all = Bitfield.of([0, 1, 2, 3]);
	return {
		seed: 1,
		epochMs: 3_750,
		firstChallenge: 8,
		endMs: 400_000,
		miners: 1,
		deadlines: 1,
		partitions: 1,
		sectors: 4,
		proveMs: 10_000,
		delayMs: 150,
		machines: roles.map((of, i) => ({ name: `m${i}`, roles: of, slots: of.includes('prover') ? 1 : 0 })),
		holdings: [Bitfield.empty, all, Bitfield.empty, spare.includes('storage') ? all : Bitfield.empty],
		faults,
		calmMs: CLOSE,
	};
}

function excuse(faults: readonly Fault[], spare: readonly Role[] = []) {
	return excuseFor(plan(faults, spare), 0, 0, 0);
}

test('without faults nothing is excused', () => {
	assert.equal(excuse([]), null);
});

test('a prover that is down all the time excuses, unless another one is up', () => {
	const down: Fault = { kind: 'crash', node: PROVER, at: START, until: null };
	assert.equal(excuse([down]), 'crash');
	assert.equal(excuse([down], ['prover']), null);
});

test('time enough before or after an outage is no excuse', () => {
	assert.equal(excuse([{ kind: 'pause', node: PROVER, at: 200_000, until: CLOSE }]), null, 'proven before it');
	assert.equal(excuse([{ kind: 'pause', node: PROVER, at: START, until: 120_000 }]), null, 'proven after it');
	assert.equal(excuse([{ kind: 'pause', node: PROVER, at: START, until: 300_000 }]), 'pause');
});

test('sectors must be had from somebody who is in order and heard by the prover', () => {
	for (const kind of ['storage-offline', 'storage-refuse', 'storage-lie', 'storage-slow'] as const) {
		const faults: readonly Fault[] = [{ kind, node: STORE, ...ALWAYS }];
		assert.equal(excuse(faults), 'storage');
		assert.equal(excuse(faults, ['storage']), null);
	}
	const cut: Fault = { kind: 'cut', from: [STORE], to: [PROVER], ...ALWAYS };
	assert.equal(excuse([cut]), 'split');
	assert.equal(excuse([cut], ['storage']), null);
	assert.equal(excuse([cut], ['prover']), null);
});

test('somebody must have a chain that takes messages', () => {
	const faults: readonly Fault[] = [{ kind: 'outage', node: CHAIN, at: 100_000, until: CLOSE }];
	assert.equal(excuse(faults), 'chain');
	assert.equal(excuse(faults, ['chain', 'submitter']), null);
	assert.equal(excuse([{ kind: 'base-fee', factor: 50, at: 100_000, until: 320_000 }]), 'pool');
	assert.equal(excuse([{ kind: 'base-fee', factor: 50, at: 100_000, until: 140_000 }]), null);
});

test('a liar is none of those who could have done it', () => {
	const liar: Fault = { kind: 'byzantine', at: 0, node: PROVER, lie: 'hoarder' };
	assert.equal(excuse([liar]), 'byzantine');
	assert.equal(excuse([liar], ['prover']), null);
});

test('a split excuses only where no side has all that it takes', () => {
	const apart: Fault = { kind: 'split', side: [CHAIN, STORE, PROVER], ...ALWAYS };
	assert.equal(excuse([apart], ['prover']), null);
	assert.equal(excuse([{ ...apart, side: [CHAIN, STORE] }], ['prover']), 'split');
});

test('two reasons of which each is enough', () => {
	const faults: readonly Fault[] = [
		{ kind: 'crash', node: PROVER, at: START, until: null },
		{ kind: 'storage-offline', node: STORE, ...ALWAYS },
	];
	assert.equal(excuse(faults), 'several');
});

test('a skip is needless where a holder was there all the time', () => {
	assert.equal(excuseForSkip(plan([]), 0, 0, 0), null);
	assert.equal(excuseForSkip(plan([{ kind: 'pause', node: STORE, at: 200_000, until: 210_000 }]), 0, 0, 0), 'several');
	assert.equal(
		excuseForSkip(plan([{ kind: 'pause', node: STORE, at: 200_000, until: 210_000 }], ['storage']), 0, 0, 0),
		null,
	);
});

test('sets of times', () => {
	assert.deepEqual(spans([5, 9], [1, 3], [3, 4], [7, 7]), [
		[1, 4],
		[5, 9],
	]);
	assert.deepEqual(union([[0, 2]], [[1, 5]]), [[0, 5]]);
	assert.deepEqual(intersect([[0, 5]], [[3, 9]]), [[3, 5]]);
	assert.deepEqual(subtract([[0, 10]], [[2, 4]]), [
		[0, 2],
		[4, 10],
	]);
	assert.deepEqual(extend([[0, 2]], 3), [[0, 5]]);
	assert.deepEqual(
		lasting(
			[
				[0, 2],
				[5, 9],
			],
			3,
		),
		[[5, 9]],
	);
});
