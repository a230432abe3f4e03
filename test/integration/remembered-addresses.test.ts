/** A node finds its mesh again after a restart although nobody answers any more at the addresses it was given. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { limits } from '../../src/domain/limits.ts';
import { addressFile } from '../../src/node/address-file.ts';
import type { MeshMember } from '../../src/ports/mesh.ts';
import type { TestNode } from '../support/libp2p-nodes.ts';
import { createNode, idOf, stopAll } from '../support/libp2p-nodes.ts';
import { hurriedClock } from '../support/system-clock.ts';
import { until } from '../support/until.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-addresses-'));
after(() => rm(root, { recursive: true, force: true }));

const unlisted = (...nodes: readonly { readonly id: TestNode['id'] }[]): MeshMember[] =>
	nodes.map(({ id }) => ({ id, addresses: [] }));

test('after a restart a node finds members by their remembered addresses when every bootstrap node is dead', async () => {
	const path = join(root, 'known.txt');
	const hub = await createNode(1, { dht: false });
	await hub.start();
	const bootstrap = [...hub.mesh.addresses()];
	const friend = await createNode(2, { dht: false, bootstrap });
	const forgetful = { dht: false, bootstrap };
	const node = await createNode(3, { ...forgetful, addressFile: addressFile(path) }, hurriedClock);
	const living = [hub, friend, node];
	try {
		await Promise.all([friend.start(), node.start()]);
		for (const { mesh } of living) mesh.setMembers(unlisted(...living));
		await until('full mesh', () => living.every(({ mesh }) => mesh.peers().length === 2));
		const remembered = async (): Promise<string> =>
			(await stat(path).catch(() => undefined)) ? readFile(path, 'utf8') : '';
		await until('taken down', async () => (await remembered()).includes(friend.id));
		await stopAll([hub, node]);

		const restarted = await createNode(3, { ...forgetful, addressFile: addressFile(path) });
		living.push(restarted);
		// The friend must not be the one that dials: it has no way to know where the node listens now.
		friend.mesh.setMembers(unlisted(friend, restarted));
		await restarted.start();
		restarted.mesh.setMembers(unlisted(hub, friend, restarted));
		await until('found', () => restarted.mesh.peers().includes(friend.id));
	} finally {
		await stopAll(living);
	}
});

test('only connected members are remembered, so many addresses of each, and who left the roster is forgotten', async () => {
	const path = join(root, 'bounded.txt');
	const gone = await idOf(9);
	await writeFile(path, `/ip4/192.0.2.9/tcp/1/p2p/${gone}\nno address at all\n`);
	const announce = Array.from({ length: 10 }, (_, i) => `/ip4/127.0.0.1/tcp/${20_000 + i}`);
	const [node, other] = [
		await createNode(1, { addressFile: addressFile(path) }, hurriedClock),
		await createNode(2, { announce }),
	];
	try {
		await Promise.all([node.start(), other.start()]);
		node.mesh.setMembers(unlisted(node, other, { id: await idOf(8) }));
		other.mesh.setMembers([{ id: node.id, addresses: node.mesh.addresses() }]);
		const lines = async (): Promise<string[]> => (await readFile(path, 'utf8')).trim().split('\n');
		await until('taken down', async () => (await lines()).every((line) => line.endsWith(other.id)));
		assert.equal((await lines()).length, limits.rememberedAddresses);
	} finally {
		await stopAll([node, other]);
	}
});

test('a file that cannot be read or written stops no node', async () => {
	const node = await createNode(1, { addressFile: addressFile(root) });
	try {
		await node.start();
		node.mesh.setMembers(unlisted(node));
	} finally {
		await node.stop();
	}
	assert.ok(node.log.entries.some(({ message }) => /cannot be read/.test(message)));
});
