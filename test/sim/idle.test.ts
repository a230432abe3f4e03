import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT_CLASSES, type FaultClass } from './faults.ts';
import { drawPlan } from './plan.ts';
import { World } from './world.ts';

function runOf(seed: number, classes: readonly FaultClass[], restless: boolean) {
	const world = new World(drawPlan({ seed, nodes: null, kind: 'short', classes }), { trace: true, restless });
	world.run();
	return { trace: world.trace.lines, violations: world.watch.violations };
}

for (const [name, classes] of [
	['none', []] as const,
	...FAULT_CLASSES.map((one) => [one, [one]] as const),
	['all', FAULT_CLASSES] as const,
]) {
	test(`ticks at which the core does not look at its rules would decide nothing, faults: ${name}`, () => {
		const seed = 40;
		assert.deepEqual(runOf(seed, classes, true), runOf(seed, classes, false));
	});
}
