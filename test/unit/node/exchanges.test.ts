import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ed25519Identity } from '../../../src/adapters/identity/ed25519.ts';
import { decodeEnvelope, sealEnvelope } from '../../../src/codec/envelope.ts';
import type { Event, EventOf } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import type { Envelope } from '../../../src/domain/envelope.ts';
import { PosterError } from '../../../src/domain/errors.ts';
import {
	actorId,
	deadlineIndex,
	epoch,
	hex32,
	type NodeId,
	partitionIndex,
	workIdOf,
} from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { Digest, Pull } from '../../../src/domain/sync.ts';
import type { Challenge } from '../../../src/domain/work.ts';
import type { DryRun, DryRunRequest } from '../../../src/node/chain/dry-run.ts';
import { askDryRun, serveDryRuns, takeBackDryRun } from '../../../src/node/chain/dry-run-exchange.ts';
import { Prober } from '../../../src/node/prober.ts';
import { askStepTimes, StepTimes } from '../../../src/node/step-times.ts';
import { PULL_PROTOCOL, SYNC_PROTOCOL, SyncExchange } from '../../../src/node/sync-exchange.ts';
import { MemoryNetwork, type MemoryNode } from '../../fakes/memory-mesh.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { systemClock } from '../../support/system-clock.ts';
import { until } from '../../support/until.ts';

const digest: Digest = {
	rosterVersion: 3,
	rosterHash: hex32('aa'.repeat(32)),
	records: [],
	holdings: hex32('bb'.repeat(32)),
	challenges: [],
};
const emptyPull: Pull = { roster: true, records: [], holdings: null, challenges: [] };

async function connected(...names: readonly string[]): Promise<MemoryNode[]> {
	const network = new MemoryNetwork();
	const nodes = names.map(() => network.node(Ed25519Identity.generate().id));
	for (const node of nodes) {
		node.mesh.setMembers(nodes.filter(({ id }) => id !== node.id).map(({ id }) => ({ id, addresses: [] })));
		await node.mesh.start({ gossip: () => 'accept', connected: () => undefined, disconnected: () => undefined });
	}
	await until('all are connected', () => nodes.every(({ peers }) => peers.size === nodes.length - 1));
	return nodes;
}

function exchange(node: MemoryNode, answer?: (event: Event, sync: SyncExchange) => void) {
	const events: Event[] = [];
	const taken: { relay: NodeId; raw: Uint8Array; ageMs: number }[] = [];
	const rosters: Uint8Array[] = [];
	const identity = Ed25519Identity.generate();
	const sync: SyncExchange = new SyncExchange(
		{ streams: node.streams, identity, log: memoryLog() },
		{
			enqueue: (event) => {
				events.push(event);
				answer?.(event, sync);
			},
			take: (relay, raw, ageMs) => taken.push({ relay, raw, ageMs }),
			roster: () => Uint8Array.of(1, 2, 3),
			offerRoster: async (bytes) => void rosters.push(bytes),
		},
	);
	sync.serve();
	return { sync, events, taken, rosters, identity };
}

function record(from: NodeId): Envelope {
	return {
		network: 'testing',
		from,
		incarnation: 1,
		sequence: 1,
		epoch: epoch(5),
		kind: 'hold',
		body: { miner: actorId(1000), sectors: Bitfield.of([4]) },
	};
}

test('a digest is answered by the digest that the other core gives', async () => {
	const [a, b] = (await connected('a', 'b')) as [MemoryNode, MemoryNode];
	const asking = exchange(a);
	exchange(b, (event, sync) => {
		if (event.type === 'sync-asked') {
			assert.deepEqual(event.digest, digest);
			sync.answer({ type: 'answer-sync', request: event.request, digest: { ...digest, rosterVersion: 4 } });
		}
	});
	await asking.sync.sync({ type: 'sync', peer: b.id, digest });
	const answered = asking.events[0] as EventOf<'sync-answered'>;
	assert.equal(answered.digest?.rosterVersion, 4);
});

test('a pull brings the statements, their age and the roster, then says that it is over', async () => {
	const [a, b] = (await connected('a', 'b')) as [MemoryNode, MemoryNode];
	const asking = exchange(a);
	const relayed = Uint8Array.of(9, 9);
	const serving = exchange(b, (event, sync) => {
		if (event.type !== 'pull-asked') return;
		const own = { envelope: record(serving.identity.id), raw: null };
		const foreign = { envelope: record(a.id), raw: relayed };
		sync.answer({
			type: 'answer-pull',
			request: event.request,
			roster: true,
			statements: [
				{ statement: own, ageMs: 0 },
				{ statement: foreign, ageMs: 1500 },
			],
			more: true,
		});
	});
	await asking.sync.pull({ type: 'pull', peer: b.id, pull: emptyPull });
	assert.deepEqual(
		asking.taken.map(({ ageMs }) => ageMs),
		[0, 1500],
	);
	const [own, foreign] = asking.taken;
	assert.ok(own && foreign);
	assert.deepEqual(foreign.raw, relayed);
	const { envelope, signingBytes, signature } = decodeEnvelope(own.raw);
	assert.ok(serving.identity.verify(envelope.from, signingBytes, signature), 'own statements are sealed anew');
	assert.deepEqual(
		own.raw,
		sealEnvelope(envelope, (bytes) => serving.identity.sign(bytes)),
	);
	assert.deepEqual(asking.rosters, [Uint8Array.of(1, 2, 3)]);
	assert.deepEqual(asking.events, [{ type: 'pulled', peer: b.id, ok: true, more: true }]);
});

test('an answer that is garbage, and a peer that is gone, are failed exchanges', async () => {
	const [a, b] = (await connected('a', 'b')) as [MemoryNode, MemoryNode];
	const asking = exchange(a);
	b.streams.onCall(SYNC_PROTOCOL, 1024, async () => Uint8Array.of(0xff));
	b.streams.onCall(PULL_PROTOCOL, 1024, async () => Uint8Array.of(0xff));
	await asking.sync.sync({ type: 'sync', peer: b.id, digest });
	await asking.sync.pull({ type: 'pull', peer: b.id, pull: emptyPull });
	b.kill();
	await asking.sync.sync({ type: 'sync', peer: b.id, digest });
	assert.deepEqual(asking.events, [
		{ type: 'sync-answered', peer: b.id, digest: null },
		{ type: 'pulled', peer: b.id, ok: false, more: false },
		{ type: 'sync-answered', peer: b.id, digest: null },
	]);
});

test('garbage as a question never reaches the core', async () => {
	const [a, b] = (await connected('a', 'b')) as [MemoryNode, MemoryNode];
	const serving = exchange(b);
	for (const protocol of [SYNC_PROTOCOL, PULL_PROTOCOL]) {
		const options = { timeoutMs: 60_000, maxResponseBytes: 100 };
		await assert.rejects(a.streams.call(b.id, protocol, Uint8Array.of(1, 2, 3), options), PosterError);
	}
	assert.deepEqual(serving.events, []);
});

test('a peer that only others reach is alive, one that nobody reaches is not', async () => {
	const network = new MemoryNetwork();
	const nodes = ['a', 'b', 'c'].map(() => network.node(Ed25519Identity.generate().id)) as [
		MemoryNode,
		MemoryNode,
		MemoryNode,
	];
	const [a, b, c] = nodes;
	for (const node of nodes) {
		node.mesh.setMembers(nodes.filter(({ id }) => id !== node.id).map(({ id }) => ({ id, addresses: [] })));
		await node.mesh.start({ gossip: () => 'accept', connected: () => undefined, disconnected: () => undefined });
		new Prober({ ...node, clock: systemClock }, () => undefined).serve();
	}
	await until('all are connected', () => nodes.every(({ peers }) => peers.size === 2));
	const events: Event[] = [];
	const prober = new Prober({ ...a, clock: systemClock }, (event) => events.push(event));
	network.setReachable(a.id, c.id, false);
	await prober.probe({ type: 'probe', peer: c.id, via: [b.id], timeoutMs: 60_000 });
	c.kill();
	await prober.probe({ type: 'probe', peer: c.id, via: [b.id], timeoutMs: 60_000 });
	assert.deepEqual(events, [
		{ type: 'probed', peer: c.id, alive: true },
		{ type: 'probed', peer: c.id, alive: false },
	]);
});

test('step times travel; a silent peer has none', async () => {
	const [a, b] = (await connected('a', 'b')) as [MemoryNode, MemoryNode];
	const work = workIdOf('ab'.repeat(32));
	const times = new StepTimes();
	times.set(work, 'find', 12.4);
	times.set(work, 'prove', 1200);
	times.serve(b.streams);
	assert.deepEqual(await askStepTimes(a.streams, b.id, work), { find: 12, prove: 1200 });
	b.kill();
	assert.deepEqual(await askStepTimes(a.streams, b.id, work), {});
});

test("a dry run is announced by a chain node in another's name, and its refusal keeps code and advice", async () => {
	const [a, b] = (await connected('a', 'b')) as [MemoryNode, MemoryNode];
	const challenge = {
		kind: 'dry',
		nonce: 7,
		miner: actorId(1000),
		periodStart: epoch(0),
		deadline: deadlineIndex(3),
		challenge: epoch(160),
		open: epoch(200),
		close: epoch(440),
		randomness: hex32('01'.repeat(32)),
		proofType: 10,
	} as const;
	const due = Array.from({ length: 300 }, (_, index) => ({
		partition: partitionIndex(index),
		sectorCount: 2,
		sectorRoot: hex32('cc'.repeat(32)),
	}));
	const start = async ({ deadline }: DryRunRequest): Promise<DryRun> => {
		if (deadline === 4) return { challenge, due: [] };
		if (deadline > 4) throw new PosterError('compute-no-deadline', 'no such deadline', { advice: 'Take another.' });
		return { challenge, due };
	};
	serveDryRuns(b.streams, { start, takeBack: () => assert.fail('nobody takes it back') });
	const request = { nonce: 7, miner: actorId(1000), deadline: deadlineIndex(3), partition: null };
	assert.deepEqual(await askDryRun(a.streams, b.id, request), { challenge, due });
	assert.equal(await askDryRun(a.streams, b.id, { ...request, deadline: deadlineIndex(4) }), null);
	await assert.rejects(askDryRun(a.streams, b.id, { ...request, deadline: deadlineIndex(48) }), {
		code: 'compute-no-deadline',
		message: 'no such deadline',
		advice: 'Take another.',
	});
});

test('a dry run is taken back by its announcer, for whoever asked for it and nobody else', async () => {
	const [a, b, c] = (await connected('a', 'b', 'c')) as [MemoryNode, MemoryNode, MemoryNode];
	const taken: number[] = [];
	serveDryRuns(b.streams, {
		start: async ({ nonce }) => ({ challenge: { nonce } as Challenge, due: [] }),
		takeBack: ({ nonce }) => taken.push(nonce),
	});
	const request = { nonce: 7, miner: actorId(1000), deadline: deadlineIndex(3), partition: null };
	await askDryRun(a.streams, b.id, request);
	await assert.rejects(takeBackDryRun(c.streams, b.id, 7), { code: 'compute-unknown' });
	await assert.rejects(takeBackDryRun(a.streams, b.id, 8), { code: 'compute-unknown' });
	await takeBackDryRun(a.streams, b.id, 7);
	assert.deepEqual(taken, [7]);
	for (let nonce = 100; nonce < 100 + limits.dryRunsAsked; nonce++)
		await askDryRun(a.streams, b.id, { ...request, nonce });
	await assert.rejects(takeBackDryRun(a.streams, b.id, 7), { code: 'compute-unknown' });
	await takeBackDryRun(a.streams, b.id, 100);
});
