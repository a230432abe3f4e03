import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPosterError } from '../../../src/domain/errors.ts';
import { actorId, deadlineIndex } from '../../../src/domain/ids.ts';
import type { Roster } from '../../../src/domain/roster.ts';
import { ComputeRuns } from '../../../src/node/compute.ts';
import { StepTimes } from '../../../src/node/step-times.ts';
import { MemoryStreams } from '../../fakes/memory-streams.ts';
import { systemClock } from '../../support/system-clock.ts';
import { self, view } from '../../support/views.ts';

const sender = 'f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq';

/** On a node without a chain, whose roster has these miners. */
function runsOf(...miners: readonly number[]): ComputeRuns {
	const roster: Roster = {
		network: 'testing',
		version: 1,
		miners: miners.map((miner) => ({ miner: actorId(miner), sender })),
		peers: [],
	};
	return new ComputeRuns(
		{ streams: new MemoryStreams(self, () => undefined), clock: systemClock },
		{
			view: () => view([]),
			results: () => [],
			roster: () => roster,
			times: new StepTimes(),
			announce: undefined,
			nonce: () => 1,
			enqueue: () => undefined,
		},
	);
}

test('a miner that the roster does not name is refused with those that it names, also without a chain', async () => {
	for (const submit of [false, true]) {
		const asked = { miner: actorId(9999), deadline: deadlineIndex(1), submit };
		await assert.rejects(runsOf(1000, 1001).start(asked), (error) => {
			assert.ok(isPosterError(error, 'compute-unknown-miner'), String(error));
			assert.match(error.message, /f09999/);
			return /f01000, f01001/.test(error.advice ?? '');
		});
	}
});

test('without a miner the only one is meant, and of several none', async () => {
	const asked = { deadline: deadlineIndex(1), submit: false };
	await assert.rejects(runsOf(1000).start(asked), (error) => isPosterError(error, 'compute-no-chain'));
	await assert.rejects(runsOf(1000, 1001).start(asked), (error) => isPosterError(error, 'compute-which-miner'));
});
