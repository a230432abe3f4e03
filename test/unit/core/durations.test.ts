import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createState, step } from '../../../src/core/poster.ts';
import { estimate, ownEstimates } from '../../../src/core/timing.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { SimNode } from '../../sim/node.ts';
import { drawPlan } from '../../sim/plan.ts';
import { World } from '../../sim/world.ts';
import { ClaimBench } from '../../support/claim-bench.ts';

test('what a proof takes survives a restart, the newest durations of each type', () => {
	const [{ config }] = new World(drawPlan({ seed: 1, nodes: 1, kind: 'short', classes: [] })).nodes as [SimNode];
	const state = createState(config, []);
	const store = new Map<string, Uint8Array>();
	const measure = (proofType: number, ms: number): void => {
		for (const write of step(state, { type: 'measured', proofType, sectors: 2, ms }, 0).persist) {
			if (write.type === 'put') store.set(write.key, write.value);
		}
	};
	measure(13, 90_000);
	for (let ms = 1; ms <= limits.durations + 3; ms++) measure(10, ms);
	const restarted = createState(config, store);
	assert.deepEqual(ownEstimates(restarted), ownEstimates(state));
	assert.deepEqual(
		ownEstimates(restarted).map(({ proofType, p99Ms }) => [proofType, p99Ms]),
		[
			[10, limits.durations + 3],
			[13, 90_000],
		],
	);
});

test('before its own proofs a node believes the median of what members tell: one liar decides nothing', () => {
	const bench = new ClaimBench({ others: 5 });
	for (const [i, ms] of [0, 0, 60_000, 70_000, 80_000].entries()) {
		const estimates = [{ proofType: 10, p95Ms: ms, p99Ms: ms }];
		bench.beacon(bench.others[i] ?? '', [], { estimates });
	}
	assert.equal(estimate(bench.state, 10).p99Ms, 60_000);
	bench.give({ type: 'measured', proofType: 10, sectors: 4, ms: 90_000 });
	assert.equal(estimate(bench.state, 10).p99Ms, 90_000);
});
