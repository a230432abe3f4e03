import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT_CLASSES, type Fault, type FaultClass } from './faults.ts';
import { drawPlan } from './plan.ts';
import { simulate } from './simulate.ts';

/** Sizes and seeds of the sample; campaigns run through the command line. */
const SAMPLE: readonly { readonly nodes: number; readonly classes: readonly FaultClass[]; readonly seeds: number }[] = [
	{ nodes: 1, classes: [], seeds: 1 },
	{ nodes: 12, classes: [], seeds: 1 },
	...FAULT_CLASSES.map((name) => ({ nodes: 7, classes: [name], seeds: 2 })),
	{ nodes: 9, classes: FAULT_CLASSES, seeds: 6 },
];

for (const { nodes, classes, seeds } of SAMPLE) {
	const faults = classes.length === FAULT_CLASSES.length ? 'all' : classes.join() || 'none';
	test(`${nodes} nodes, faults: ${faults}: nothing is missed that could be proven, no rule is broken`, () => {
		for (let seed = 1; seed <= seeds; seed++) {
			const { missed, violations, paidTwice } = simulate(drawPlan({ seed, nodes, kind: 'short', classes })).outcome;
			const repeat = `npm run sim -- --seeds 1 --first-seed ${seed} --nodes ${nodes} --faults ${faults}`;
			assert.deepEqual({ missed, violations }, { missed: [], violations: [] }, repeat);
			if (classes.length === 0) assert.equal(paidTwice, 0, repeat);
		}
	});
}

test('a member that always shows something newer and never tells it keeps nobody from what a split hid', () => {
	for (const seed of [4, 5]) {
		const plan = drawPlan({ seed, nodes: 7, kind: 'short', classes: ['split'] });
		for (const [node, { roles }] of plan.machines.entries()) {
			if (roles.join() !== 'prover') continue;
			const staller: Fault = { kind: 'byzantine', at: 0, node, lie: 'staller' };
			const { missed, violations } = simulate({ ...plan, faults: [...plan.faults, staller] }).outcome;
			assert.deepEqual({ missed, violations }, { missed: [], violations: [] }, `seed ${seed}, machine ${node}`);
		}
	}
});
