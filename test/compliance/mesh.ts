/** What every Mesh does, over whichever implementation `open` gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPosterError } from '../../src/domain/errors.ts';
import type { NodeId } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { DisconnectCause, GossipVerdict, Mesh } from '../../src/ports/mesh.ts';
import { until } from '../support/until.ts';

export interface MeshSubject {
	readonly mesh: Mesh;
}

export interface MeshNetwork {
	/** Nodes that can reach each other, not started, without members. */
	readonly nodes: readonly MeshSubject[];
	close(): Promise<void>;
}

/** A started node and what its handlers were told. */
interface Witness {
	readonly mesh: Mesh;
	readonly heard: { readonly relay: NodeId; readonly text: string }[];
	readonly connected: NodeId[];
	readonly disconnected: { readonly peer: NodeId; readonly cause: DisconnectCause }[];
	verdict: GossipVerdict;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function started({ mesh }: MeshSubject): Promise<Witness> {
	const witness: Witness = { mesh, heard: [], connected: [], disconnected: [], verdict: 'accept' };
	await mesh.start({
		gossip: (relay, data) => {
			witness.heard.push({ relay, text: Buffer.from(data).toString() });
			return witness.verdict;
		},
		connected: (peer) => void witness.connected.push(peer),
		disconnected: (peer, cause) => void witness.disconnected.push({ peer, cause }),
	});
	return witness;
}

function members(nodes: readonly Witness[]): { id: NodeId; addresses: readonly string[] }[] {
	return nodes.map(({ mesh }) => ({ id: mesh.self, addresses: mesh.addresses() }));
}

async function fullMesh(nodes: readonly Witness[]): Promise<void> {
	for (const { mesh } of nodes) mesh.setMembers(members(nodes));
	await until('full mesh', () => nodes.every(({ mesh }) => mesh.peers().length === nodes.length - 1));
}

/** Publishes fresh texts until everybody else has heard one: gossip to a peer that has just connected may be lost. */
async function gossipWorks(from: Witness, to: readonly Witness[], prefix: string): Promise<void> {
	let round = 0;
	await until(`gossip ${prefix}`, async () => {
		round += 1;
		await from.mesh.publish(bytes(`${prefix}-${round}`));
		return to.every(({ heard }) => heard.some(({ text }) => text.startsWith(prefix)));
	});
}

export function meshCompliance(name: string, open: (count: number) => Promise<MeshNetwork>): void {
	const rule = (
		title: string,
		count: number,
		run: (nodes: readonly [Witness, Witness, Witness], all: readonly Witness[]) => Promise<void>,
	): void => {
		test(`${name}: ${title}`, async () => {
			const network = await open(count);
			try {
				const nodes = await Promise.all(network.nodes.map(started));
				// Rules for fewer nodes ignore the surplus names.
				await run(nodes as unknown as readonly [Witness, Witness, Witness], nodes);
			} finally {
				await network.close();
			}
		});
	};

	test(`${name}: what is published before the start or after the end goes nowhere`, async () => {
		const network = await open(1);
		try {
			const [{ mesh } = assert.fail('no node')] = network.nodes;
			await mesh.publish(bytes('early'));
			await started({ mesh });
			await mesh.stop();
			await mesh.publish(bytes('late'));
		} finally {
			await network.close();
		}
	});

	rule('members connect, and each hears of each once', 3, async (_, all) => {
		await fullMesh(all);
		for (const { mesh, connected } of all) {
			const others = all.map((other) => other.mesh.self).filter((id) => id !== mesh.self);
			assert.deepEqual([...mesh.peers()].sort(), others.sort());
			assert.deepEqual([...connected].sort(), others.sort(), 'connected once each');
		}
	});

	rule('a message reaches every other member once and never its author', 3, async ([a, b, c], all) => {
		await fullMesh(all);
		await gossipWorks(a, [b, c], 'warm-up');
		await a.mesh.publish(bytes('once'));
		await gossipWorks(a, [b, c], 'after');
		for (const { heard } of [b, c]) assert.equal(heard.filter(({ text }) => text === 'once').length, 1);
		assert.equal(a.heard.length, 0, 'nothing of its own comes back');
		await a.mesh.publish(bytes('once'));
		await gossipWorks(a, [b, c], 'again');
		for (const { heard } of [b, c]) assert.equal(heard.filter(({ text }) => text === 'once').length, 1, 'same bytes');
	});

	rule('a node alone publishes without error', 1, async ([a]) => {
		await a.mesh.publish(bytes('hello'));
	});

	rule('the longest message arrives, a longer one is refused at once', 2, async ([a, b], all) => {
		await fullMesh(all);
		await gossipWorks(a, [b], 'warm-up');
		await a.mesh.publish(new Uint8Array(limits.gossipBytes).fill(65));
		await until('longest message', () => b.heard.some(({ text }) => text.length === limits.gossipBytes));
		await assert.rejects(a.mesh.publish(new Uint8Array(limits.gossipBytes + 1)), (error) =>
			isPosterError(error, 'mesh-too-long'),
		);
	});

	rule('who is no member is not connected', 3, async ([a, b, c]) => {
		for (const { mesh } of [a, b]) mesh.setMembers(members([a, b]));
		c.mesh.setMembers(members([a, b, c]));
		await until('a and b', () => a.mesh.peers().length === 1 && b.mesh.peers().length === 1);
		assert.deepEqual(a.mesh.peers(), [b.mesh.self]);
		// Whoever dials learns a moment later than it connects that it is refused.
		await until('c is alone', () => c.mesh.peers().length === 0);
		assert.ok(![...a.connected, ...b.connected].includes(c.mesh.self));
	});

	rule('a removed member is hung up, and connected again when it is listed again', 3, async ([a, b, c], all) => {
		await fullMesh(all);
		for (const { mesh } of [a, b]) mesh.setMembers(members([a, b]));
		await until('c is out', () => c.mesh.peers().length === 0);
		assert.deepEqual(a.mesh.peers(), [b.mesh.self]);
		await until('a was told', () => a.disconnected.length > 0);
		assert.deepEqual(
			a.disconnected.map(({ peer }) => peer),
			[c.mesh.self],
		);
		for (const { mesh } of [a, b]) mesh.setMembers(members(all));
		await until('c is back', () => c.mesh.peers().length === 2);
	});

	rule('an orderly stop is told as closed', 2, async ([a, b], all) => {
		await fullMesh(all);
		await b.mesh.stop();
		await until('a noticed', () => a.disconnected.length > 0);
		assert.deepEqual(a.disconnected[0], { peer: b.mesh.self, cause: 'closed' });
		assert.deepEqual(a.mesh.peers(), []);
		await b.mesh.stop();
	});

	rule('a hang-up is told as closed, and members find each other again', 2, async ([a, b], all) => {
		await fullMesh(all);
		await a.mesh.hangUp(b.mesh.self);
		await until('both noticed', () => a.disconnected.length > 0 && b.disconnected.length > 0);
		assert.equal(a.disconnected[0]?.cause, 'closed');
		assert.equal(b.disconnected[0]?.cause, 'closed');
		await until('again', () => a.mesh.peers().length === 1 && b.mesh.peers().length === 1);
		await gossipWorks(a, [b], 'after-hang-up');
		await gossipWorks(b, [a], 'after-hang-up');
	});

	rule('a probe is answered by connected peers only', 3, async ([a, b, c]) => {
		for (const { mesh } of [a, b]) mesh.setMembers(members([a, b]));
		await until('a and b', () => a.mesh.peers().length === 1 && b.mesh.peers().length === 1);
		assert.equal(await a.mesh.probe(b.mesh.self, 5_000), true);
		assert.equal(await a.mesh.probe(c.mesh.self, 5_000), false);
		await b.mesh.stop();
		assert.equal(await a.mesh.probe(b.mesh.self, 5_000), false);
	});
}
