/**
 * Garbage, in every form, on every protocol that a whole node says it speaks and on its topic: each ends the stream or
 * its sender, with a counted reason, and the node goes on answering others. A protocol without a row here fails.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { makeMeshHomes } from '../../src/cli/demo/mesh-homes.ts';
import { encodeCbor } from '../../src/codec/cbor.ts';
import { limits } from '../../src/domain/limits.ts';
import type { Home } from '../../src/node/home.ts';
import { TIMES_PROTOCOL } from '../../src/node/step-times.ts';
import { HostilePeer } from '../fakes/hostile-peer.ts';
import { MINER } from '../support/devnet-bench.ts';
import { repeat } from '../support/flooding.ts';
import { gossipFrame, gossipMessage, topicsOf, varint } from '../support/protobuf.ts';
import { framed, prefixed, requestOf } from '../support/requests.ts';
import { type ServingNode, startServingNode } from '../support/serving-node.ts';
import { until } from '../support/until.ts';

const NETWORK = 'testing';
const SENDER = 'f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq';
const MESHSUB = '/meshsub/1.2.0';
/** Each protocol has a hostile member of its own, and one more for each that was banned at once. */
const HOSTILE = 40;
const MIB = 1024 * 1024;

/**
 * How a protocol reads. `cbor` and `plain`: ours, u32 lengths before CBOR or before bytes. `prefixed`: libp2p's, varint
 * lengths before protobuf. `echo`: takes any byte, and so many of them. `told`: reads nothing.
 */
type Framed = 'cbor' | 'plain' | 'prefixed';
type Form = Framed | 'echo' | 'told';

const FORMS: Readonly<Record<string, Form>> = {
	'/poster/sync/1': 'cbor',
	'/poster/pull/1': 'cbor',
	'/poster/manifest/1': 'plain',
	'/poster/probe/1': 'plain',
	'/poster/times/1': 'cbor',
	'/poster/dry-run/1': 'cbor',
	'/poster/vanilla/1': 'cbor',
	'/poster/params/1': 'cbor',
	'/poster/winning/1': 'cbor',
	'/poster/peers/1': 'plain',
	'/poster/instance/1': 'plain',
	'/poster/kad/1.0.0': 'prefixed',
	'/ipfs/id/1.0.0': 'told',
	'/ipfs/id/push/1.0.0': 'prefixed',
	'/ipfs/ping/1.0.0': 'echo',
	'/meshsub/1.0.0': 'prefixed',
	'/meshsub/1.1.0': 'prefixed',
	'/meshsub/1.2.0': 'prefixed',
};

/** The same in every run. */
function noise(bytes: number): Buffer {
	const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, i) => createHash('sha256').update(`${i}`).digest());
	return Buffer.concat(blocks).subarray(0, bytes);
}

const deep = (bytes: number): Buffer => Buffer.concat([Buffer.alloc(bytes - 1, 0x81), Buffer.of(0x80)]);

interface Garbage {
	readonly name: string;
	readonly bytes: Uint8Array;
	readonly stayOpen?: boolean;
}

function garbageOf(form: Framed, request: Uint8Array): readonly Garbage[] {
	const enclose = form === 'prefixed' ? prefixed : framed;
	const endless = form === 'prefixed' ? varint(0xffff_ffff) : Buffer.alloc(4, 0xff);
	const rows: Garbage[] = [
		{ name: 'half a request', bytes: request.subarray(0, Math.ceil(request.length / 2)) },
		{ name: 'a length of 4 GiB', bytes: Buffer.concat([endless, noise(1000)]), stayOpen: true },
		{ name: 'random bytes', bytes: Buffer.concat([Buffer.alloc(8, 0xff), noise(4096)]) },
		{ name: 'an empty stream', bytes: new Uint8Array(0) },
		{ name: 'a good frame of something else', bytes: enclose(form === 'prefixed' ? noise(20) : encodeCbor([0, 255])) },
		{ name: 'two MiB', bytes: enclose(Buffer.alloc(2 * MIB)), stayOpen: true },
	];
	// Groups in groups, which protobuf readers may skip recursively; bytes alone have no depth.
	if (form === 'prefixed') rows.push({ name: 'deep nesting', bytes: enclose(Buffer.alloc(60_000, 0x0b)) });
	if (form === 'cbor') rows.push({ name: 'deep nesting', bytes: enclose(deep(request.length - 4)) });
	return rows;
}

async function counted(victim: ServingNode): Promise<number> {
	const names = ['poster_mesh_garbage_total', 'poster_stream_failures_total'];
	let sum = 0;
	for (const name of names) {
		for (const { labels, value } of (await victim.metrics.registry.getSingleMetric(name)?.get())?.values ?? []) {
			assert.notEqual(labels['reason'], 'handler-failed', 'garbage is no bug of the handler');
			if (labels['side'] !== 'client') sum += value;
		}
	}
	return sum;
}

interface Mesh {
	readonly victim: ServingNode;
	readonly friend: ServingNode;
	readonly homes: ReadonlyMap<string, Home>;
	/** A hostile member whom nobody has met yet. */
	readonly hostile: () => Promise<HostilePeer>;
	/** The victim serves others as before. */
	readonly answers: () => Promise<void>;
}

async function withMesh(work: (mesh: Mesh) => Promise<void>): Promise<void> {
	const root = await mkdtemp(join(tmpdir(), 'poster-garbage-'));
	const hostileNames = Array.from({ length: HOSTILE }, (_, i) => `hostile-${i}`);
	const homes = await makeMeshHomes({
		root,
		network: NETWORK,
		miners: [{ miner: MINER, sender: SENDER }],
		members: ['victim', 'friend', ...hostileNames].map((name) => ({
			name,
			example: 'bootstrap',
			roles: ['bootstrap'],
		})),
		config: { network: { listen: ['/ip4/127.0.0.1/tcp/0'] }, log_level: 'error' },
	});
	const homeOf = (name: string): Home => {
		const home = homes.get(name);
		assert.ok(home, `more hostile members than ${HOSTILE} are needed`);
		return home;
	};
	const nodes: ServingNode[] = [];
	const guests: HostilePeer[] = [];
	try {
		const victim = await startServingNode(homeOf('victim'));
		nodes.push(victim);
		const friend = await startServingNode(homeOf('friend'), victim.addresses);
		nodes.push(friend);
		await until('connected', () => friend.net.mesh.peers().includes(victim.id));
		const hostile = async (): Promise<HostilePeer> => {
			const { identity, meshKey } = homeOf(`hostile-${guests.length}`);
			const keys = { privateKey: identity.toProtobuf(), meshKey };
			let guest: HostilePeer | undefined;
			// On a busy machine a handshake may take longer than either side waits.
			await until('joined', async () => {
				guest = await HostilePeer.join(keys, victim.addresses[0] ?? '').catch(() => undefined);
				return guest !== undefined;
			});
			assert.ok(guest);
			guests.push(guest);
			return guest;
		};
		const answers = async (): Promise<void> => {
			const request = encodeCbor(new Uint8Array(32));
			await friend.net.streams.call(victim.id, TIMES_PROTOCOL, request, { timeoutMs: 60_000, maxResponseBytes: 256 });
		};
		await work({ victim, friend, homes, hostile, answers });
	} finally {
		await Promise.all(guests.map((guest) => guest.stop()));
		for (const node of nodes) node.stop();
		await Promise.all(nodes.map(({ ended }) => ended));
		await rm(root, { recursive: true, force: true });
	}
}

const gone = (hostile: HostilePeer, stream: Stream | undefined): boolean =>
	hostile.connection.status !== 'open' || stream === undefined || stream.status !== 'open';

/** Sends it and waits for both: the stream or its sender is gone, and a reason is counted. False: cut before it was sent. */
async function refused(
	victim: ServingNode,
	hostile: HostilePeer,
	protocol: string,
	garbage: Garbage,
): Promise<boolean> {
	const what = `${protocol}: ${garbage.name}`;
	const before = await counted(victim);
	let stream: Stream | undefined;
	try {
		stream = await hostile.send(protocol, garbage.bytes, garbage.stayOpen);
	} catch {
		// Only a connection that is being cut refuses to send.
		await until(`${what} cuts the connection`, () => hostile.connection.status !== 'open');
		if ((await counted(victim)) === before) return false;
	}
	await until(`${what} is counted`, async () => (await counted(victim)) > before);
	await until(`${what} ends the stream`, () => gone(hostile, stream));
	return true;
}

test('whatever is sent on whichever protocol costs its sender the stream, is counted, and hurts nobody else', async () => {
	await withMesh(async ({ victim, friend, hostile, answers }) => {
		const first = await hostile();
		const protocols = await first.protocols();
		assert.deepEqual(protocols.toSorted(), Object.keys(FORMS).toSorted(), 'every protocol has a row');
		for (const protocol of protocols) {
			const form = FORMS[protocol];
			let guest = await hostile();
			const request = requestOf(protocol, friend.id);
			if (form === 'cbor' || form === 'plain' || form === 'prefixed') {
				for (const garbage of garbageOf(form, request ?? new Uint8Array(0))) {
					if (guest.connection.status !== 'open') guest = await hostile();
					while (!(await refused(victim, guest, protocol, garbage))) guest = await hostile();
				}
			} else {
				// Nothing that comes can be wrong here, only too much.
				for (const bytes of [noise(4096), new Uint8Array(0)]) {
					const stream = await guest.send(protocol, bytes);
					await until('ended', () => gone(guest, stream));
				}
				const much = { name: 'two MiB', bytes: Buffer.alloc(2 * MIB), stayOpen: true };
				if (form === 'echo') assert.ok(await refused(victim, guest, protocol, much));
			}
			await answers();
		}
	});
});

test('bytes that come one by one and never end do not hold a stream', async () => {
	await withMesh(async ({ victim, friend, hostile, answers }) => {
		const guest = await hostile();
		const protocols = await guest.protocols();
		const before = await counted(victim);
		const streams = await Promise.all(
			protocols.map(async (protocol) => {
				// A short frame would be whole in time, and empty ones may follow: the prefix here is that of 1,000 bytes.
				const framed = FORMS[protocol] === 'prefixed' ? null : requestOf(protocol, friend.id);
				const request = framed ?? Buffer.of(0xe8, 0x07);
				const stream = await guest.send(protocol, request.subarray(0, 1), true);
				return { protocol, stream, rest: [...request.subarray(1, 5), ...Buffer.alloc(1000)] };
			}),
		);
		const open = (): string[] =>
			streams.filter(({ stream }) => stream.status === 'open').map(({ protocol }) => protocol);
		const drip = setInterval(() => {
			for (const { stream, rest } of streams) if (stream.status === 'open') stream.send(Buffer.of(rest.shift() ?? 0));
		}, 400);
		try {
			await until('all are given up', () => open().length === 0, 3 * limits.requestReadMs).catch(() => {
				assert.deepEqual(open(), [], 'these streams are still open');
			});
			// Who asks who this node is gets an answer whatever it sends: that stream ends in order.
			const late = streams.filter(({ protocol }) => FORMS[protocol] !== 'told');
			await until('all are counted', async () => (await counted(victim)) - before >= late.length);
			assert.equal(guest.connection.status, 'open', 'slowness is no breach');
			await answers();
		} finally {
			clearInterval(drip);
		}
	});
});

test('whatever is published on the topic is refused, counted, and ends its sender when it goes on', async () => {
	await withMesh(async ({ victim, hostile, answers }) => {
		const listener = await hostile();
		let heard = Buffer.alloc(0);
		await listener.listen(MESHSUB, (bytes) => {
			heard = Buffer.concat([heard, bytes]);
		});
		await until('the victim told its topics', () => topicsOf(heard).length > 0);
		assert.deepEqual(topicsOf(heard), [`poster/${NETWORK}/1`], 'every topic has a row');
		const [topic = ''] = topicsOf(heard);
		const endless = Buffer.concat([Buffer.of(0x82, 0x5b), Buffer.alloc(8, 0xff)]);
		const rows: Readonly<Record<string, Uint8Array>> = {
			'nothing at all': new Uint8Array(0),
			'half an envelope': encodeCbor([noise(200), noise(64)]).subarray(0, 150),
			'a byte string of 2^64 bytes': endless,
			'random bytes': noise(300),
			'an envelope of something else': encodeCbor([encodeCbor({ a: 1 }), new Uint8Array(64)]),
			'deep nesting': deep(limits.gossipBytes),
			'deep nesting within an envelope': encodeCbor([deep(60_000), new Uint8Array(64)]),
			'more than a message may have': noise(limits.gossipBytes + 1),
		};
		const guest = await hostile();
		for (const [name, data] of Object.entries(rows)) {
			const before = await counted(victim);
			await guest.send(MESHSUB, gossipFrame([gossipMessage(topic, data)]), true);
			await until(`${name} is counted`, async () => (await counted(victim)) > before);
		}
		await answers();
		let more = 0;
		await repeat(guest, () =>
			guest.send(MESHSUB, gossipFrame([gossipMessage(topic, Buffer.concat([Buffer.of(more++), noise(100)]))]), true),
		);
		assert.equal(victim.net.mesh.bans()[0]?.reason, 'garbage');
		await answers();
	});
});
