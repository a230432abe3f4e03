/** A member of the roster that sends as much as it can: cut off and banned, for a reason that is counted, and nobody else suffers. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { limits } from '../../src/domain/limits.ts';
import type { HostilePeer } from '../fakes/hostile-peer.ts';
import { immediately, isOpen, many, pour, pourBelow, repeat, yamuxFrame } from '../support/flooding.ts';
import type { TestNode } from '../support/libp2p-nodes.ts';
import { field, gossipFrame, gossipMessage, varint } from '../support/protobuf.ts';
import { framed } from '../support/requests.ts';
import { ECHO, underAttack } from '../support/under-attack.ts';
import { until } from '../support/until.ts';

const MESHSUB = '/meshsub/1.2.0';
const KAD = '/poster/kad/1.0.0';
const COSTLY = '/poster/costly/1';
const LARGE = '/poster/large/1';
const TOPIC = 'poster/test/1';
const TRIES = 3;

/** Requests of so many bytes, the next one when the one before is answered. */
function repeatLarge(hostile: HostilePeer, bytes: number): Promise<void> {
	const request = framed(Buffer.alloc(bytes));
	return repeat(hostile, async () => {
		const stream = await hostile.send(LARGE, request);
		await until('answered', () => stream.status !== 'open' || !isOpen(hostile));
	});
}

const floods: readonly {
	name: string;
	reason: string;
	attack: (hostile: HostilePeer, victim: TestNode) => Promise<void>;
}[] = [
	{
		name: 'empty gossip frames',
		reason: 'flood-gossip-entries',
		attack: (hostile) => pour(hostile, MESHSUB, () => Buffer.alloc(2000, Buffer.of(1, 0))),
	},
	{
		name: 'gossip frames full of the smallest messages',
		reason: 'flood-gossip-entries',
		attack: (hostile) =>
			pour(hostile, MESHSUB, () =>
				gossipFrame(Array.from({ length: 512 }, () => gossipMessage(TOPIC, randomBytes(4)))),
			),
	},
	{
		name: 'gossip frames full of grafts',
		reason: 'flood-gossip-entries',
		attack: (hostile) => {
			const control = field(
				3,
				many(512, () => field(3, field(1, Buffer.from(TOPIC)))),
			);
			return pour(hostile, MESHSUB, () => Buffer.concat([varint(control.length), control]));
		},
	},
	{
		name: 'the largest gossip messages, all different',
		reason: 'flood-gossip-bytes',
		attack: (hostile) =>
			pour(hostile, MESHSUB, () => gossipFrame([gossipMessage(TOPIC, randomBytes(limits.gossipBytes))])),
	},
	{
		name: 'the same gossip message again and again',
		reason: 'flood-gossip-bytes',
		attack: (hostile) => {
			const frame = gossipFrame([gossipMessage(TOPIC, randomBytes(limits.gossipBytes))]);
			return pour(hostile, MESHSUB, () => frame);
		},
	},
	{
		name: 'messages that nobody signed',
		reason: 'garbage',
		attack: (hostile, victim) => {
			victim.verdict = 'reject';
			return pour(hostile, MESHSUB, () => gossipFrame([gossipMessage(TOPIC, randomBytes(100))]));
		},
	},
	{
		name: 'more statements of its own than it may make',
		reason: 'flood-statements',
		attack: (hostile, victim) => {
			victim.verdict = 'flood';
			return pour(hostile, MESHSUB, () => gossipFrame([gossipMessage(TOPIC, randomBytes(100))]));
		},
	},
	{
		name: 'streams of a protocol that nobody serves',
		reason: 'flood-streams',
		attack: (hostile) => repeat(hostile, () => hostile.connection.newStream('/poster/none/1')),
	},
	{
		name: 'good requests',
		reason: 'flood-streams',
		attack: (hostile) =>
			repeat(hostile, () => hostile.send(ECHO, Buffer.concat([Buffer.of(0, 0, 0, 1), Buffer.of(7)]))),
	},
	{
		name: 'requests whose answers cost much',
		reason: 'flood-costly',
		attack: (hostile, victim) => {
			victim.streams.onCall(COSTLY, 10, async () => new Uint8Array(1), 'costly');
			return repeat(hostile, () => hostile.send(COSTLY, Buffer.concat([Buffer.of(0, 0, 0, 1), Buffer.of(7)])));
		},
	},
	{
		name: 'requests that are few and large',
		reason: 'flood-request-bytes',
		attack: (hostile, victim) => {
			victim.streams.onCall(LARGE, limits.pullBytes, async () => new Uint8Array(1));
			return repeatLarge(hostile, limits.pullBytes);
		},
	},
	{
		name: 'pulls of whole partitions that are not to be had',
		reason: 'flood-pull-bytes',
		attack: (hostile, victim) => {
			victim.streams.onPull(LARGE, limits.vanillaRequestBytes, async () => undefined);
			return repeatLarge(hostile, limits.vanillaRequestBytes);
		},
	},
	{
		name: 'streams that are opened below the negotiation and reset at once',
		reason: 'flood-streams',
		attack: (hostile) => {
			let next = 100_001;
			return repeat(hostile, async () => {
				const from = next;
				next += 100;
				hostile.sendBelowStreams(many(50, (index) => yamuxFrame(1, 1 | 8, from + 2 * index, 0)));
				await immediately();
			});
		},
	},
	{
		name: 'yamux pings',
		reason: 'flood-mux-pings',
		attack: (hostile) =>
			pourBelow(
				hostile,
				many(200, (index) => yamuxFrame(2, 1, 0, index)),
			),
	},
	{
		name: 'window updates',
		reason: 'flood-mux-frames',
		attack: (hostile) =>
			pourBelow(
				hostile,
				many(2000, () => yamuxFrame(1, 0, 99_999, 1)),
			),
	},
	{
		name: 'data of streams that are not open',
		reason: 'flood-mux-stray-bytes',
		attack: (hostile) => pourBelow(hostile, Buffer.concat([yamuxFrame(0, 0, 99_999, 60_000), Buffer.alloc(60_000)])),
	},
	{
		name: 'bytes to be echoed',
		reason: 'flood-ping-bytes',
		attack: (hostile) => pour(hostile, '/ipfs/ping/1.0.0', () => randomBytes(8192)),
	},
	{
		name: 'questions to the DHT on one stream',
		reason: 'flood-service-frames',
		attack: (hostile) => {
			// Message {type = 1: FIND_NODE, key = 2}
			const question = Buffer.concat([Buffer.of(0x08, 4), field(2, randomBytes(34))]);
			return pour(hostile, KAD, () => many(50, () => Buffer.concat([varint(question.length), question])));
		},
	},
	{
		name: 'connections, one after the other',
		reason: 'flood-connections',
		attack: async (hostile, victim) => {
			const [address = ''] = victim.mesh.addresses();
			while (victim.mesh.bans().length === 0) await hostile.reconnect(address).catch(immediately);
		},
	},
];

for (const { name, reason, attack } of floods) {
	test(`a flood of ${name} is banned`, async () => {
		await underAttack(async (victim, hostile) => {
			for (let tries = 1; ; tries++) {
				const cut = await attack(hostile, victim).catch((error: unknown) => error);
				await until('hung up', () => !victim.mesh.peers().includes(hostile.id));
				if (victim.mesh.bans().length > 0) break;
				// On a machine that has no time for it a ping may end the connection before.
				assert.ok(tries < TRIES, `cut without a ban: ${String(cut)}`);
				await hostile.comeBack(victim.mesh.addresses()[0] ?? '');
			}
			assert.deepEqual(
				victim.mesh.bans().map(({ peer, reason: told, times }) => ({ peer, told, times })),
				[{ peer: hostile.id, told: reason, times: 1 }],
			);
			assert.equal(victim.metrics.total('poster_mesh_bans_total', { reason }), 1);
			assert.ok(victim.metrics.total('poster_mesh_garbage_total') > 0);
		});
	});
}

/** As a member that ignores that it is banned: true when the victim took the connection. */
async function comesBack(victim: TestNode, hostile: HostilePeer, address: string): Promise<boolean> {
	const isTaken = (): boolean => victim.mesh.peers().includes(hostile.id);
	try {
		const connection = await hostile.dial(address);
		await until('cut or taken', () => connection.status !== 'open' || isTaken());
	} catch (error) {
		if (error instanceof assert.AssertionError) throw error;
	}
	return isTaken();
}

test('a banned member is refused however often it comes back, soon without a handshake, until the ban is lifted', async () => {
	await underAttack(async (victim, hostile) => {
		const [address = ''] = victim.mesh.addresses();
		await pourBelow(
			hostile,
			many(200, (index) => yamuxFrame(2, 1, 0, index)),
		);
		await until('banned', () => victim.mesh.bans().length === 1);
		const refused = (why: string): number => victim.metrics.total('poster_mesh_refused_total', { reason: why });
		while (refused('host') === 0) assert.equal(await comesBack(victim, hostile, address), false);
		assert.ok(refused('banned') >= 1);
		assert.deepEqual(victim.connected.filter((peer) => peer === hostile.id).length, 1);

		assert.equal(victim.mesh.pardon(hostile.id), true);
		assert.equal(victim.mesh.pardon(hostile.id), false);
		assert.deepEqual(victim.mesh.bans(), []);
		await until('taken back', () => comesBack(victim, hostile, address));
	});
});

test('a member has so many connections at a time, and a further one costs it nothing but that', async () => {
	await underAttack(async (victim, hostile) => {
		const [address = ''] = victim.mesh.addresses();
		for (let more = 1; more < limits.connectionsPerPeer; more += 1) await hostile.dial(address);
		await hostile.dial(address).catch(() => undefined);
		await until('refused', () => victim.metrics.total('poster_mesh_refused_total', { reason: 'connections' }) === 1);
		assert.ok(isOpen(hostile));
		assert.deepEqual(victim.mesh.bans(), []);
	});
});

test('a member that opens streams and says nothing keeps no one out, and they end', async () => {
	await underAttack(async (victim, hostile) => {
		// The header of a frame that never comes.
		const opened = await Promise.all(
			Array.from({ length: limits.streamsPerProtocol / 2 }, () => hostile.send(ECHO, Buffer.of(0, 0, 0, 9), true)),
		);
		await until('all given up', () => opened.every(({ status }) => status !== 'open'));
		assert.equal(
			victim.metrics.total('poster_stream_failures_total', { side: 'server', reason: 'stream-timeout' }),
			opened.length,
		);
	});
});
