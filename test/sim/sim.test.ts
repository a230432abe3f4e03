import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionsOf } from './main.ts';
import { World } from './world.ts';

const RUNS = [
	{ nodes: 7, faults: 'none', seeds: 6 },
	{ nodes: 7, faults: 'loss', seeds: 6 },
	{ nodes: 7, faults: 'crash', seeds: 8 },
	{ nodes: 7, faults: 'split', seeds: 5 },
	{ nodes: 12, faults: 'loss', seeds: 3 },
	{ nodes: 3, faults: 'crash', seeds: 4 },
	{ nodes: 1, faults: 'none', seeds: 2 },
] as const;

for (const { nodes, faults, seeds } of RUNS) {
	test(`${nodes} nodes, faults: ${faults}: nothing is missed, no statement goes back, all know the same in the end`, () => {
		for (let seed = 1; seed <= seeds; seed++) {
			const report = new World(optionsOf(seed, nodes, faults)).run();
			const repeat = `node test/sim/main.ts --seed ${seed} --nodes ${nodes} --faults ${faults} --verbose`;
			// A sector whose only holder is down at the latest start time is rightly left out.
			const problems = report.problems.filter((problem) => !problem.startsWith('skipped'));
			assert.deepEqual(problems, [], repeat);
			if (faults === 'none') assert.equal(report.wasted, 0, repeat);
		}
	});
}
