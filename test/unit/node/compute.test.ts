import assert from 'node:assert/strict';
import { test } from 'node:test';
import { challengeKey } from '../../../src/codec/work-id.ts';
import type { Event, View } from '../../../src/core/api.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { actorId, deadlineIndex, epoch, hex32, monoMs, partitionIndex } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { Roster } from '../../../src/domain/roster.ts';
import { type Challenge, challengeKeyOf } from '../../../src/domain/work.ts';
import type { DryRun } from '../../../src/node/chain/dry-run.ts';
import { serveDryRuns } from '../../../src/node/chain/dry-run-exchange.ts';
import { type ComputeOptions, type ComputePorts, ComputeRuns } from '../../../src/node/compute.ts';
import { StepTimes } from '../../../src/node/step-times.ts';
import { MemoryNetwork } from '../../fakes/memory-mesh.ts';
import { MemoryStreams } from '../../fakes/memory-streams.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { hurried, systemClock } from '../../support/system-clock.ts';
import { until } from '../../support/until.ts';
import { holder, item, other, result, self, submission, view, viewOf } from '../../support/views.ts';

const sender = 'f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq';

/** On a node without a chain, whose roster has these miners. */
function runsOf(...miners: readonly number[]): ComputeRuns {
	return runsWith(miners, {}, {});
}

function runsWith(
	miners: readonly number[],
	ports: Partial<ComputePorts>,
	options: Partial<ComputeOptions>,
): ComputeRuns {
	const roster: Roster = {
		network: 'testing',
		version: 1,
		miners: miners.map((miner) => ({ miner: actorId(miner), sender })),
		peers: [],
	};
	return new ComputeRuns(
		{ streams: new MemoryStreams(self, () => undefined), clock: systemClock, log: memoryLog(), ...ports },
		{
			view: () => view([]),
			results: () => [],
			roster: () => roster,
			times: new StepTimes(),
			announce: undefined,
			nonce: () => 1,
			enqueue: () => undefined,
			fatal: assert.ifError,
			...options,
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

const asked = { deadline: deadlineIndex(1), submit: false };
const challenge: Challenge = {
	kind: 'dry',
	nonce: 1,
	miner: actorId(1000),
	periodStart: epoch(0),
	deadline: asked.deadline,
	challenge: epoch(160),
	open: epoch(200),
	close: epoch(440),
	randomness: hex32('01'.repeat(32)),
	proofType: 10,
};
const due = [{ partition: partitionIndex(0), sectorCount: 2, sectorRoot: hex32('cc'.repeat(32)) }];

const announce = async (): Promise<DryRun> => ({ challenge, due });

/** On a chain node where nothing that is announced arrives. */
function announcing(options: Partial<ComputeOptions> = {}) {
	const events: Event[] = [];
	// A minute passes in each round.
	let minutes = 0;
	const clock = { ...hurried(1), now: () => monoMs(minutes++ * 60_000) };
	const runs = runsWith(
		[1000],
		{ clock },
		{
			announce,
			enqueue: (event) => events.push(event),
			...options,
		},
	);
	return { runs, events };
}

test('a run whose announcement never arrives here ends as failed, says so, and is taken back', async () => {
	const { runs, events } = announcing();
	const id = await runs.start(asked);
	await until('it ended', () => runs.state(id)?.state !== 'running');
	assert.equal(runs.state(id)?.state, 'failed');
	assert.equal(runs.state(id)?.error, 'the announced partitions never arrived here');
	await until('it was taken back', () => events.length > 0);
	assert.equal(events[0]?.type, 'dry-run-cancel');
});

test('a run that is cancelled is told as cancelled, and what ends it later does not change that', async () => {
	const { runs, events } = announcing();
	const id = await runs.start(asked);
	assert.equal(runs.cancel(id), true);
	await until('it was taken back', () => events.length > 0);
	assert.equal(runs.cancel(id), true);
	assert.deepEqual([runs.state(id)?.state, runs.state(id)?.error], ['cancelled', null]);
	assert.equal(runs.cancel('none'), false);
});

test('more runs than are remembered are possible, since none goes on for ever', async () => {
	const { runs } = announcing({ nonce: nonces() });
	for (let started = 0; started <= limits.computeRuns; started++) {
		const id = await runs.start(asked);
		await until('it ended', () => runs.state(id)?.state === 'failed');
	}
});

test('a run that nobody in the mesh could take ends, says so, and is taken back', async () => {
	const [me, prover] = view([]).peers;
	assert.ok(me !== undefined && prover !== undefined);
	const key = challengeKey('testing', challenge);
	const waiting = item({ key, kind: 'dry', epochsLeft: 40 });
	const held = { ...waiting, holders: [holder()] };
	/** Whether the mesh is found unable to prove. */
	const isGivenUp = async (change: Partial<View>): Promise<boolean> => {
		let rounds = 0;
		const shown = viewOf(view([waiting], change));
		const { runs, events } = announcing({ view: (shows) => (rounds++ < 10 ? shown(shows) : view([])) });
		const id = await runs.start(asked);
		await until('it was taken back', () => events.length > 0);
		return /no prover of the mesh has a slot in service/.test(runs.state(id)?.error ?? '');
	};
	const idle = { slots: [], peers: [me, { ...prover, slots: 0 }] };
	assert.equal(await isGivenUp(idle), true);
	const away = { ...prover, connected: false };
	assert.equal(await isGivenUp({ ...idle, peers: [me, away] }), false, 'one that only others reach');
	const gone = { ...away, silentMs: limits.rankMs + 1 };
	assert.equal(await isGivenUp({ ...idle, peers: [me, gone] }), true, 'one that is gone');
	assert.equal(await isGivenUp({ ...idle, peers: [me, { ...away, silentMs: null }] }), true, 'one never heard');
	assert.equal(
		await isGivenUp({ ...idle, peers: [me, { ...prover, roles: ['storage'] }] }),
		true,
		'one without the role',
	);
	assert.equal(await isGivenUp({ ...idle, peers: [me, prover] }), false, 'another one has a slot');
	assert.equal(await isGivenUp({ ...idle, slots: [{ name: 'cpu-0', work: null }] }), false, 'this one has');
	assert.equal(await isGivenUp({ ...idle, items: [held] }), false, 'somebody is at work');
	assert.equal(await isGivenUp({ ...idle, items: [{ ...waiting, result }] }), false, 'it is proven');
});

test('a bug while a run is followed ends the node', async () => {
	const failed = Promise.withResolvers<unknown>();
	const bug = new TypeError('a bug');
	const { runs } = announcing({
		view: () => {
			throw bug;
		},
		fatal: failed.resolve,
	});
	await runs.start(asked);
	assert.equal(await failed.promise, bug);
});

test('what is to be sent is the deadline that is due, not the same one of the day before, which is known still', async () => {
	const yesterday = item({ epochsLeft: -2_840, result, submission: submission('done') });
	const due = item({ key: challengeKeyOf('77'.repeat(16)), epochsLeft: 40 });
	const runs = runsWith(
		[1000],
		{ clock: hurried(1) },
		{ announce, view: viewOf(view([yesterday, due])), fatal: (error) => assert.fail(String(error)) },
	);
	const id = await runs.start({ deadline: yesterday.deadline, submit: true });
	await until('it follows the partition', () => runs.state(id)?.partitions.length === 1);
	assert.deepEqual([runs.state(id)?.state, runs.state(id)?.partitions[0]?.phase], ['running', 'open']);
	runs.stop();
	const over = runsWith([1000], {}, { announce, view: viewOf(view([yesterday])) });
	await assert.rejects(over.start({ deadline: yesterday.deadline, submit: true }), (error) =>
		isPosterError(error, 'compute-not-due'),
	);
});

test('a node without a chain would never see that a proof is on it: what is to be sent is followed elsewhere', async () => {
	const runs = runsWith([1000], {}, { view: viewOf(view([item({ epochsLeft: 40 })])) });
	await assert.rejects(runs.start({ deadline: item({}).deadline, submit: true }), (error) =>
		isPosterError(error, 'compute-no-chain'),
	);
});

test('a run without a chain is taken back by the chain node that announced it', async () => {
	const network = new MemoryNetwork();
	const [here, there] = [network.node(self), network.node(other)];
	for (const node of [here, there]) {
		node.mesh.setMembers([here, there].filter((each) => each !== node).map(({ id }) => ({ id, addresses: [] })));
		await node.mesh.start({ gossip: () => 'accept', connected: () => undefined, disconnected: () => undefined });
	}
	await until('both are connected', () => here.peers.size === 1);
	const taken: Challenge[] = [];
	serveDryRuns(there.streams, {
		start: async () => ({ challenge, due }),
		takeBack: (run) => taken.push(run),
	});
	const plain = view([]);
	const chainNode = plain.peers.map((peer) => ({ ...peer, roles: peer.node === other ? (['chain'] as const) : [] }));
	const events: Event[] = [];
	const runs = runsWith(
		[1000],
		{ streams: here.streams, clock: hurried(1) },
		{ view: () => ({ ...plain, peers: chainNode }), enqueue: (event) => events.push(event) },
	);
	runs.cancel(await runs.start(asked));
	await until('it was taken back', () => taken.length > 0);
	assert.deepEqual([taken, events], [[challenge], []]);
});

function nonces(): () => number {
	let last = 0;
	return () => ++last;
}
