/** Bulk data, gossip sizes and long use of real connections. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { limits } from '../../src/domain/limits.ts';
import { HostilePeer } from '../fakes/hostile-peer.ts';
import { connectAll, idOf, withNodes } from '../support/libp2p-nodes.ts';
import type { LogEntry } from '../support/memory-log.ts';
import { gossipFrame, gossipMessage } from '../support/protobuf.ts';
import { until } from '../support/until.ts';

const BULK = '/poster/bulk/1';
/** 2,349 vanilla proofs of 32 GiB sectors: one partition, 58.6 MB. */
const PROOFS = 2_349;
const PROOF_BYTES = 24_947;
const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

test('a partition of vanilla proofs arrives unchanged while other exchanges go on', async () => {
	await withNodes(2, async (client, server) => {
		assert.ok(client && server);
		await connectAll([client, server]);
		const sent = createHash('sha256');
		server.streams.onPull(BULK, 10, async (_, __, writer) => {
			for (let index = 0; index < PROOFS; index += 1) {
				const proof = Buffer.alloc(PROOF_BYTES, `proof ${index}`);
				sent.update(proof);
				await writer.write(proof);
			}
		});
		server.streams.onCall('/poster/echo/1', 10, async (_, request) => request);
		const reader = await client.streams.pull(server.id, BULK, Uint8Array.of(1), {
			timeoutMs: 60_000,
			maxResponseBytes: PROOFS * PROOF_BYTES,
		});
		const received = createHash('sha256');
		let frames = 0;
		for (let frame = await reader.read(); frame !== undefined; frame = await reader.read()) {
			received.update(frame);
			frames += 1;
			if (frames % 500 === 0) {
				const answer = await client.streams.call(server.id, '/poster/echo/1', Uint8Array.of(3), {
					timeoutMs: 60_000,
					maxResponseBytes: 1,
				});
				assert.deepEqual([...answer], [3]);
			}
		}
		assert.equal(frames, PROOFS);
		assert.equal(received.digest('hex'), sent.digest('hex'));
	});
});

test('a connection cut in the middle of a pull ends both sides with an error', async () => {
	await withNodes(2, async (client, server) => {
		assert.ok(client && server);
		await connectAll([client, server]);
		const failed = Promise.withResolvers<unknown>();
		server.streams.onPull(BULK, 10, async (_, __, writer) => {
			try {
				for (;;) await writer.write(new Uint8Array(PROOF_BYTES));
			} catch (error) {
				failed.resolve(error);
				throw error;
			}
		});
		const reader = await client.streams.pull(server.id, BULK, Uint8Array.of(1), {
			timeoutMs: 60_000,
			maxResponseBytes: 1e9,
		});
		await reader.read();
		await client.mesh.hangUp(server.id);
		await assert.rejects(async () => {
			while ((await reader.read()) !== undefined);
		});
		assert.ok((await failed.promise) instanceof Error);
	});
});

test('several full messages in one gossip frame are taken, an overlong message is not', async () => {
	await withNodes(1, async (node) => {
		assert.ok(node);
		await node.start();
		node.mesh.setMembers([{ id: await idOf(66), addresses: [] }]);
		const hostile = await HostilePeer.connect(66, node.mesh.addresses()[0] ?? '');
		try {
			// What gossipsub answers to IWANT: everything asked for in one frame.
			const messages = [1, 2, 3].map((fill) => gossipMessage('poster/test/1', Buffer.alloc(limits.gossipBytes, fill)));
			await hostile.send('/meshsub/1.2.0', gossipFrame(messages), true);
			await until('all three heard', () => node.heard.length === 3);
			const tooLong = gossipMessage('poster/test/1', Buffer.alloc(limits.gossipBytes + 1, 4));
			await hostile.send('/meshsub/1.2.0', gossipFrame([tooLong]), true);
			await until('rejected', () => node.metrics.total('poster_gossip_received_total', { verdict: 'reject' }) === 1);
			assert.equal(node.heard.length, 3);
		} finally {
			await hostile.stop();
		}
	});
});

test('500 connections and 200 MB over one of them leave nothing behind', async () => {
	await withNodes(2, async (node, other) => {
		assert.ok(node && other);
		await node.start();
		// Each stays below what one member may connect.
		const seeds = Array.from({ length: 20 }, (_, index) => 60 + index);
		const visitors = await Promise.all(seeds.map(async (seed) => ({ id: await idOf(seed), addresses: [] })));
		node.mesh.setMembers(visitors);
		const before = await settledHeap();
		const [address = ''] = node.mesh.addresses();
		for (const seed of seeds) {
			const visitor = await HostilePeer.connect(seed, address);
			for (let round = 1; round < 25; round += 1) {
				const seen = node.connected.length;
				await visitor.reconnect(address);
				await until('seen', () => node.connected.length > seen);
			}
			await visitor.stop();
		}
		await until('gone', () => node.mesh.peers().length === 0 && node.disconnected.length === node.connected.length);
		await other.start();
		for (const { mesh } of [node, other]) {
			mesh.setMembers([node, other].map((each) => ({ id: each.id, addresses: each.mesh.addresses() })));
		}
		await until('connected', () => other.mesh.peers().length === 1);
		node.streams.onPull(BULK, 10, async (_, __, writer) => {
			const frame = new Uint8Array(MIB / 32);
			for (let sent = 0; sent < 200 * MIB; sent += frame.byteLength) await writer.write(frame);
		});
		const reader = await other.streams.pull(node.id, BULK, Uint8Array.of(1), {
			timeoutMs: 60_000,
			maxResponseBytes: 200 * MIB,
		});
		let received = 0;
		for (let frame = await reader.read(); frame !== undefined; frame = await reader.read()) received += frame.length;
		assert.equal(received, 200 * MIB);
		// What the test itself keeps: errors hold on to the connections that they tell of.
		(node.log.entries as LogEntry[]).length = 0;
		// 40 KiB for each connection are held by libp2p's timers for 10 s; leaked for good they would be 20 MiB.
		await until('memory is free again', async () => (await settledHeap()) - before < 10 * MIB);
	});
});

/** Bytes in use after garbage collection. */
async function settledHeap(): Promise<number> {
	await new Promise((resolve) => setTimeout(resolve, 200));
	collectGarbage();
	const { heapUsed, external, arrayBuffers } = process.memoryUsage();
	return heapUsed + external + arrayBuffers;
}
