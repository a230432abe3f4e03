/** What peers may send: whatever it is, it costs them a stream or the connection, is counted, and hurts nobody else. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { limits } from '../../src/domain/limits.ts';
import type { TestNode } from '../support/libp2p-nodes.ts';
import { withNodes } from '../support/libp2p-nodes.ts';
import { requestOf } from '../support/requests.ts';
import { ECHO, MAX_REQUEST, underAttack } from '../support/under-attack.ts';
import { until } from '../support/until.ts';

function frameHeader(length: number): Uint8Array {
	const header = new Uint8Array(4);
	new DataView(header.buffer).setUint32(0, length);
	return header;
}

const garbage = (node: TestNode, labels: Readonly<Record<string, string>> = {}): number =>
	node.metrics.total('poster_mesh_garbage_total', labels);

for (const { name, bytes, reason } of [
	{ name: 'a frame cut short', bytes: Buffer.concat([frameHeader(10), randomBytes(5)]), reason: 'stream-truncated' },
	{ name: 'half a frame header', bytes: Buffer.of(0, 0), reason: 'stream-truncated' },
	{ name: 'no frame at all', bytes: Buffer.alloc(0), reason: 'stream-truncated' },
	{ name: 'a length prefix of 4 GiB', bytes: Buffer.from(frameHeader(0xffffffff)), reason: 'stream-too-long' },
	{ name: 'one byte too many', bytes: Buffer.from(frameHeader(MAX_REQUEST + 1)), reason: 'stream-too-long' },
]) {
	test(`${name} resets the stream and is counted as ${reason}`, async () => {
		await underAttack(async (victim, hostile) => {
			for (const protocol of [ECHO, '/poster/peers/1']) {
				const stream = await hostile.send(protocol, bytes);
				await until('counted', () => garbage(victim, { protocol, reason }) === 1);
				await until('reset', () => stream.status === 'reset');
			}
			assert.equal(hostile.connection.status, 'open', 'a little garbage is forgiven');
		});
	});
}

for (const protocol of ['/poster/kad/1.0.0', '/ipfs/id/push/1.0.0', '/poster/peers/1', ECHO, '/meshsub/1.2.0']) {
	test(`random bytes on ${protocol}, again and again, end the connection`, async () => {
		await underAttack(async (victim, hostile) => {
			// 0xff: as a varint, a length without end; as a 32-bit prefix, 4 GiB.
			const bytes = Buffer.concat([Buffer.alloc(8, 0xff), randomBytes(4096)]);
			while (hostile.connection.status === 'open') {
				const sent = garbage(victim);
				try {
					await hostile.send(protocol, bytes, true);
				} catch {
					// Only a connection that is being cut refuses to send.
					await until('cut', () => hostile.connection.status !== 'open');
				}
				await until('counted or cut', () => garbage(victim) > sent || hostile.connection.status !== 'open');
			}
			assert.ok(garbage(victim) > 0);
			assert.equal(victim.metrics.total('poster_mesh_bans_total'), 1);
			assert.ok(!victim.mesh.peers().includes(hostile.id));
		});
	});
}

test('a push of addresses that is whole and does not end holds no stream', async () => {
	await underAttack(async (victim, hostile) => {
		const protocol = '/ipfs/id/push/1.0.0';
		const push = requestOf(protocol, hostile.id);
		assert.ok(push);
		// Nothing more; empty frames; the same again.
		const drips = [null, Buffer.of(0), push];
		const streams = await Promise.all(drips.map(() => hostile.send(protocol, push, true)));
		const isOpen = (stream: Stream): boolean => stream.status === 'open';
		const drip = setInterval(() => {
			for (const [i, bytes] of drips.entries()) {
				const stream = streams[i];
				if (bytes !== null && stream !== undefined && isOpen(stream)) stream.send(bytes);
			}
		}, 400);
		try {
			await until('all are given up', () => !streams.some(isOpen), 3 * limits.requestReadMs).catch(() => {
				assert.deepEqual(streams.map(isOpen), [false, false, false], 'these streams are still open');
			});
			const reason = 'stream-timeout';
			assert.equal(victim.metrics.total('poster_stream_failures_total', { side: 'server', reason }), 3);
			assert.equal(hostile.connection.status, 'open', 'slowness is no breach');
		} finally {
			clearInterval(drip);
		}
	});
});

test('random bytes to the ping protocol and to the identify protocol hurt nobody', async () => {
	await underAttack(async (_, hostile) => {
		for (const protocol of ['/ipfs/ping/1.0.0', '/ipfs/id/1.0.0']) await hostile.send(protocol, randomBytes(4096));
	});
});

test('a yamux frame that claims 4 GiB ends the connection before they are stored', async () => {
	await underAttack(async (victim, hostile) => {
		const header = Buffer.alloc(12);
		header.writeUInt32BE(1, 4);
		header.writeUInt32BE(0xffffffff, 8);
		hostile.sendBelowStreams(header);
		let sent = 0;
		while (hostile.connection.status === 'open' && sent < 64 << 20) {
			hostile.sendBelowStreams(Buffer.alloc(64 << 10));
			sent += 64 << 10;
			await new Promise((resolve) => setImmediate(resolve));
		}
		await until('counted', () => garbage(victim, { protocol: 'yamux' }) === 1);
	});
});

test('what is no libp2p at all is counted and closed', async () => {
	await underAttack(async (victim) => {
		const port = Number(victim.mesh.addresses()[0]?.split('/')[4]);
		// Long enough for the length that libp2p reads from its first byte; less would be waited for until the time-out.
		for (const bytes of [Buffer.alloc(2000, 32), Buffer.from(`GET /${'x'.repeat(100)} HTTP/1.1\r\n\r\n`)]) {
			const socket = connect(port, '127.0.0.1');
			socket.on('error', () => undefined);
			socket.write(bytes);
			await new Promise((resolve) => socket.once('close', resolve));
		}
		await until('counted', () => victim.metrics.total('poster_mesh_refused_total') >= 2);
	});
});

test('silent strangers do not keep members out', async () => {
	await withNodes(2, async (node, friend) => {
		assert.ok(node && friend);
		await node.start();
		const port = Number(node.mesh.addresses()[0]?.split('/')[4]);
		const sockets = Array.from({ length: limits.pendingConnections / 2 }, () => connect(port, '127.0.0.1'));
		try {
			await Promise.all(sockets.map((socket) => once(socket, 'connect')));
			await friend.start();
			for (const { mesh } of [node, friend]) {
				mesh.setMembers([node, friend].map((each) => ({ id: each.id, addresses: each.mesh.addresses() })));
			}
			await until('connected', () => node.mesh.peers().length === 1);
		} finally {
			for (const socket of sockets) socket.destroy();
		}
	});
});
