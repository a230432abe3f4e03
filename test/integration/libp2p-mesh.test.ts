/** Membership, identity and connection of real nodes on loopback. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { encode } from '@ipld/dag-cbor';
import { PEERS_PROTOCOL } from '../../src/adapters/libp2p/peer-exchange.ts';
import { isPosterError } from '../../src/domain/errors.ts';
import type { NodeId } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { MeshMember } from '../../src/ports/mesh.ts';
import { HostilePeer } from '../fakes/hostile-peer.ts';
import { freePort } from '../support/free-port.ts';
import type { TestNode } from '../support/libp2p-nodes.ts';
import { connectAll, createNode, idOf, LOOPBACK, stopAll, withNodes } from '../support/libp2p-nodes.ts';
import { hurriedClock } from '../support/system-clock.ts';
import { until } from '../support/until.ts';

const listed = (...nodes: readonly TestNode[]): MeshMember[] =>
	nodes.map(({ id, mesh }) => ({ id, addresses: mesh.addresses() }));
const unlisted = (...nodes: readonly TestNode[]): MeshMember[] => nodes.map(({ id }) => ({ id, addresses: [] }));
const refused = (node: TestNode, reason: string): number => node.metrics.total('poster_mesh_refused_total', { reason });

function framed(bytes: Uint8Array): Uint8Array {
	const frame = Buffer.alloc(4 + bytes.length);
	frame.writeUInt32BE(bytes.length);
	frame.set(bytes, 4);
	return frame;
}

/** A node in a process of its own; killed in the end. */
async function withProcess(
	args: readonly string[],
	work: (addresses: readonly string[], signal: (name: NodeJS.Signals) => void) => Promise<void>,
): Promise<void> {
	const script = new URL('../fakes/libp2p-node.ts', import.meta.url).pathname;
	const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
	try {
		const [line] = (await once(child.stdout, 'data')) as [Buffer];
		await work(line.toString().trim().split(' '), (name) => child.kill(name));
	} finally {
		child.kill('SIGKILL');
		if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
	}
}

test('a stranger with another mesh key fails in the handshake', async () => {
	await withNodes(1, async (node) => {
		assert.ok(node);
		await node.start();
		const stranger = await createNode(2, { meshKey: new Uint8Array(32).fill(8) });
		try {
			await stranger.start();
			node.mesh.setMembers(unlisted(node, stranger));
			stranger.mesh.setMembers(listed(node, stranger));
			await until('refused', () => refused(node, 'handshake') >= 1 && refused(stranger, 'handshake') >= 1);
			assert.deepEqual([...node.connected, ...stranger.connected], []);
		} finally {
			await stranger.stop();
		}
	});
});

test('a node outside the roster is refused after it proved who it is, and dials ever more slowly', async () => {
	await withNodes(2, async (node, outsider) => {
		assert.ok(node && outsider);
		await Promise.all([node.start(), outsider.start()]);
		node.mesh.setMembers(unlisted(node));
		outsider.mesh.setMembers(listed(node, outsider));
		await until('refused three times', () => refused(node, 'not-member') >= 3);
		assert.deepEqual(node.connected, []);
		// 0.03 + 0.25 + 0.5 s pass before the fourth dial: a loop without pauses would have made dozens by then.
		assert.ok(refused(node, 'not-member') <= 4);
	});
});

test('a removed member is cut off and cannot gossip any more', async () => {
	await withNodes(2, async (a, b) => {
		assert.ok(a && b);
		await connectAll([a, b]);
		a.mesh.setMembers(unlisted(a));
		await until('hung up', () => b.mesh.peers().length === 0 && a.disconnected.length === 1);
		await b.mesh.publish(new TextEncoder().encode('still here?'));
		await until('refused', () => refused(a, 'not-member') >= 1);
		assert.deepEqual(a.heard, []);
	});
});

test('a process with the same identity is noticed when one dials the other', async () => {
	const first = await createNode(1, {}, hurriedClock);
	await first.start();
	const second = await createNode(1, { bootstrap: [...first.mesh.addresses()] }, hurriedClock);
	try {
		await second.start();
		await until('both noticed', () => first.cloned.length > 0 && second.cloned.length > 0);
		assert.ok(isPosterError(second.cloned[0], 'mesh-cloned'));
		assert.deepEqual([...first.connected, ...second.connected], []);
	} finally {
		await stopAll([first, second]);
	}
});

test('a node whose own address is among its bootstrap peers is not its own clone', async () => {
	const [own, hidden] = [`/ip4/127.0.0.1/tcp/${await freePort()}`, `/ip4/127.0.0.1/tcp/${await freePort()}`];
	const node = await createNode(1, { listen: [own], bootstrap: [own] });
	const renamed = await createNode(
		2,
		{
			listen: [hidden],
			announce: ['/ip4/192.0.2.1/tcp/1'],
			bootstrap: [hidden],
		},
		hurriedClock,
	);
	try {
		await Promise.all([node.start(), renamed.start()]);
		// The second cannot know that the address is its own: it meets itself from both sides.
		// Two rounds: the verdict on the first falls 300 ms (of the hurried clock) after it.
		await until('met itself', () => refused(renamed, 'own-identity') >= 6);
		assert.deepEqual([...node.cloned, ...renamed.cloned], []);
		assert.equal(refused(node, 'own-identity'), 0);
	} finally {
		await stopAll([node, renamed]);
	}
});

test('two processes with one identity are told of each other by a common peer', async () => {
	const hub = await createNode(1);
	// It asks again every few seconds: here every 300 ms.
	const original = await createNode(2, {}, hurriedClock);
	const nodes = [hub, original];
	try {
		await connectAll(nodes);
		const clone = await createNode(2, { bootstrap: [...hub.mesh.addresses()] });
		nodes.push(clone);
		await clone.start();
		clone.mesh.setMembers(unlisted(hub, original));
		await until('both noticed', () => clone.cloned.length > 0 && original.cloned.length > 0);
		assert.equal(clone.cloned[0]?.meta['seenBy'], hub.id);
	} finally {
		await stopAll(nodes);
	}
});

test('a member that says without proof that there is a clone is not believed', async () => {
	// It asks again every few seconds: here every 300 ms.
	const node = await createNode(1, {}, hurriedClock);
	let liar: HostilePeer | undefined;
	try {
		await node.start();
		node.mesh.setMembers([{ id: await idOf(2), addresses: [] }]);
		liar = await HostilePeer.connect(2, node.mesh.addresses()[0] ?? '');
		let asked = 0;
		await liar.serve(PEERS_PROTOCOL, framed(encode([new Uint8Array(64).fill(1), []])), () => asked++);
		await until('refused the lie', () => node.metrics.total('poster_mesh_garbage_total') >= 2);
		assert.ok(asked >= 2);
		assert.deepEqual(node.cloned, []);
	} finally {
		await stopAll([node]);
		await liar?.stop();
	}
});

test('a restarted node is not taken for a clone of itself', async () => {
	await withNodes(1, async (hub) => {
		assert.ok(hub);
		await hub.start();
		hub.mesh.setMembers([{ id: await idOf(2), addresses: [] }]);
		for (let round = 0; round < 3; round += 1) {
			const node = await createNode(2, { bootstrap: [...hub.mesh.addresses()] });
			await node.start();
			node.mesh.setMembers(unlisted(hub));
			await until('connected', () => hub.mesh.peers().length === 1);
			await node.stop();
			assert.deepEqual(node.cloned, []);
		}
	});
});

test('nodes that know only the bootstrap address form a full mesh, also without DHT', async () => {
	const hub = await createNode(1, { dht: false });
	await hub.start();
	const others = await Promise.all(
		[2, 3, 4].map((seed) => createNode(seed, { dht: false, bootstrap: [...hub.mesh.addresses()] })),
	);
	const all = [hub, ...others];
	try {
		await Promise.all(others.map((node) => node.start()));
		for (const { mesh } of all) mesh.setMembers(unlisted(...all));
		await until('full mesh', () => all.every(({ mesh }) => mesh.peers().length === 3));
	} finally {
		await stopAll(all);
	}
});

test('a killed process is told as a reset at once, and found again at the same address', async () => {
	await withNodes(1, async (node) => {
		assert.ok(node);
		await node.start();
		const id: NodeId = await idOf(2);
		let address = '';
		const join = async (): Promise<void> => {
			await until('connected', () => node.mesh.peers().includes(id));
		};
		await withProcess(['2', LOOPBACK, node.id], async ([first], signal) => {
			address = first ?? '';
			node.mesh.setMembers([{ id, addresses: [address] }]);
			await join();
			signal('SIGKILL');
			// Quicker than the timeout of any ping.
			await until('noticed', () => node.disconnected.length === 1, limits.pingTimeoutMs);
			assert.equal(node.disconnected[0]?.cause, 'reset');
			assert.equal(await node.mesh.probe(id, 1_000), false);
		});
		const port = address.split('/')[4];
		await withProcess(['2', `/ip4/127.0.0.1/tcp/${port}`, node.id], async () => {
			await join();
		});
	});
});

test('a process that is slow for 2 s keeps its connections, a hung one is dropped by the ping', async () => {
	await withNodes(1, async (node) => {
		assert.ok(node);
		await node.start();
		const id = await idOf(2);
		await withProcess(['2', LOOPBACK, node.id], async (addresses, signal) => {
			node.mesh.setMembers([{ id, addresses }]);
			await until('connected', () => node.mesh.peers().includes(id));
			signal('SIGSTOP');
			assert.equal(await node.mesh.probe(id, 2_000), false);
			signal('SIGCONT');
			await until('answers again', () => node.mesh.probe(id, 2_000));
			assert.deepEqual(node.disconnected, []);
			signal('SIGSTOP');
			await until('dropped', () => node.disconnected.length === 1);
			assert.deepEqual(node.disconnected, [{ peer: id, cause: 'reset' }]);
		});
	});
});

test('a port in use is a clear error', async () => {
	await withNodes(1, async (node) => {
		assert.ok(node);
		await node.start();
		const port = node.mesh.addresses()[0]?.split('/')[4];
		const second = await createNode(2, { listen: [`/ip4/127.0.0.1/tcp/${port}`] });
		await assert.rejects(second.start(), (error) => isPosterError(error, 'mesh-listen'));
		await second.stop();
	});
});

test('bad keys and addresses are refused before anything starts', async () => {
	await assert.rejects(createNode(1, { meshKey: new Uint8Array(31) }), (error) => isPosterError(error, 'mesh-bad-key'));
	await assert.rejects(createNode(1, { privateKey: new Uint8Array(3) }), (error) =>
		isPosterError(error, 'mesh-bad-key'),
	);
	await assert.rejects(createNode(1, { bootstrap: ['bootstrap.example:4001'] }), (error) =>
		isPosterError(error, 'mesh-bad-address'),
	);
});
