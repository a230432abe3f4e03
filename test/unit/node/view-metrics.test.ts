import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../../src/adapters/observe/metrics.ts';
import type { View } from '../../../src/core/api.ts';
import { openPosts, ViewMetrics } from '../../../src/node/view-metrics.ts';
import { holder, item, result, submission, view, viewOf } from '../../support/views.ts';

const whole = { p50Ms: 100, p95Ms: 2_500, p99Ms: 3_000, proofs: 9 };
const proofTimes = [{ slot: 'cpu-0', proof: 'window 2KiB', device: 'cpu', engine: null, whole, phases: {} }];
const facts = { chain: 'lost', storeStalledMs: 1_500, proofTimes } as const;

async function told(...views: readonly View[]): Promise<readonly string[]> {
	const metrics = createMetrics();
	const seen = new ViewMetrics(metrics);
	for (const one of views) seen.tell(viewOf(one)(openPosts), facts, 4);
	return (await metrics.text()).split('\n').filter((line) => line.startsWith('poster_'));
}

test('what is due is told by phase, and the time until the first close that lacks a proof', async () => {
	const lines = await told(
		view([
			item({ epochsLeft: 40, holders: [holder()] }),
			item({ epochsLeft: 20 }),
			item({ epochsLeft: 5, result }),
			item({ epochsLeft: 4, result, submission: submission('done') }),
			item({ epochsLeft: -1 }),
			item({ epochsLeft: 1, kind: 'dry' }),
		]),
	);
	for (const line of [
		'poster_partitions{phase="gather"} 1',
		'poster_partitions{phase="open"} 1',
		'poster_partitions{phase="proven"} 1',
		'poster_partitions{phase="done"} 1',
		'poster_unproven_left_seconds 600',
		'poster_slots{state="idle"} 1',
		'poster_slots{state="out"} 0',
		'poster_proof_usual_seconds{slot="cpu-0",proof="window 2KiB",percentile="95"} 2.5',
		'poster_members 1',
		'poster_roster_version 4',
		'poster_chain_following 0',
		'poster_store_stalled_seconds 1.5',
	]) {
		assert.ok(lines.includes(line), `${line} is not among\n${lines.join('\n')}`);
	}
	assert.ok(!lines.some((line) => /missed/.test(line)), 'a closed deadline is not due any more');
});

test('what is over is told as 0, not as what it was', async () => {
	const alarm = { code: 'infeasible', subject: 'capacity', facts: {} } as const;
	const lines = await told(view([item()], { alarms: [alarm] }), view([]));
	assert.ok(lines.includes('poster_partitions{phase="open"} 0'), lines.join('\n'));
	assert.ok(lines.includes('poster_alarms{code="infeasible"} 0'));
	assert.ok(lines.includes('poster_unproven_left_seconds +Inf'));
});
