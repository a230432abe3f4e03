import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamSlots } from '../../../../src/adapters/libp2p/stream-slots.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import { nodeId } from '../../../../src/domain/ids.ts';

const a = nodeId('a');
const b = nodeId('b');
const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a slot that comes free goes to the peer with the fewest running streams', async () => {
	const slots = new StreamSlots({ slots: 2, slotsPerPeer: 2, queue: 10, queuePerPeer: 10 });
	const releases = [await slots.acquire(a, never), await slots.acquire(a, never)];
	const order: string[] = [];
	for (const [peer, name] of [
		[a, 'a1'],
		[a, 'a2'],
		[b, 'b1'],
		[b, 'b2'],
	] as const) {
		void slots.acquire(peer, never).then((release) => {
			order.push(name);
			releases.push(release);
		});
	}
	await turn();
	assert.deepEqual(order, []);
	for (let round = 0; round < 4; round += 1) {
		releases.shift()?.();
		await turn();
	}
	assert.deepEqual(order, ['b1', 'a1', 'b2', 'a2']);
});

test('a newcomer does not take the slot that was just given to a waiter', async () => {
	const slots = new StreamSlots({ slots: 1, slotsPerPeer: 1, queue: 10, queuePerPeer: 10 });
	const first = await slots.acquire(a, never);
	const order: string[] = [];
	void slots.acquire(a, never).then(() => order.push('waiter'));
	first();
	void slots.acquire(b, never).then(() => order.push('newcomer'));
	await turn();
	assert.deepEqual(order, ['waiter']);
});

test('the line is bounded, and whoever gives up leaves it', async () => {
	const slots = new StreamSlots({ slots: 1, slotsPerPeer: 1, queue: 1, queuePerPeer: 1 });
	const release = await slots.acquire(a, never);
	const abort = new AbortController();
	const waiting = slots.acquire(b, abort.signal);
	await assert.rejects(slots.acquire(b, never), (error) => isPosterError(error, 'stream-busy'));
	abort.abort(new Error('gone'));
	await assert.rejects(waiting, /gone/);
	assert.equal(slots.waiting, 0);
	const next = slots.acquire(b, never);
	release();
	await next;
});

test('a peer that keeps its slots and its place in the line keeps nobody else out', async () => {
	const slots = new StreamSlots({ slots: 3, slotsPerPeer: 2, queue: 3, queuePerPeer: 1 });
	await slots.acquire(a, never);
	await slots.acquire(a, never);
	void slots.acquire(a, never);
	await assert.rejects(slots.acquire(a, never), (error) => isPosterError(error, 'stream-busy'));
	const release = await slots.acquire(b, never);
	const waiting = slots.acquire(b, never);
	release();
	await waiting;
	assert.equal(slots.waiting, 1, 'the third stream of a still waits');
});
