import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerId } from '@libp2p/interface';
import type { KadDHT } from '@libp2p/kad-dht';
import type { CID } from 'multiformats/cid';
import { DhtDirectory, holdingsKey } from '../../../../src/adapters/libp2p/directory.ts';
import { actorId } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { systemClock } from '../../../support/system-clock.ts';
import { until } from '../../../support/until.ts';

const miner = actorId(1000);

/** A DHT in which records of these blocks are taken by one peer, others by nobody; the pauses take no time. */
function setup(taken: ReadonlySet<number>) {
	const blocks = new Map([0, 1, 2].map((block) => [holdingsKey(miner, block).toString(), block]));
	const provided: (number | undefined)[] = [];
	const pauses: number[] = [];
	const dht = {
		async *provide(cid: CID) {
			const block = blocks.get(cid.toString());
			provided.push(block);
			if (block !== undefined && taken.has(block)) yield { name: 'PEER_RESPONSE', messageName: 'ADD_PROVIDER' };
		},
		cancelReprovide: () => Promise.resolve(),
	} as unknown as KadDHT;
	const clock: Clock = {
		...systemClock,
		after(ms, run) {
			pauses.push(ms);
			return systemClock.after(0, run);
		},
	};
	const self = { toString: () => 'self' } as PeerId;
	const directory = new DhtDirectory({ dht, self, clock, log: memoryLog(), metrics: memoryMetrics() });
	return { directory, provided, pauses };
}

test('a key that nobody takes holds up no other', async (t) => {
	const { directory, provided } = setup(new Set([1, 2]));
	t.after(() => directory.stop());
	directory.provide(miner, [0, 1, 2]);
	await until('all had their turn', () => provided.length >= 5);
	assert.deepEqual(provided.slice(0, 5), [0, 1, 2, 0, 0]);
});

test('while nobody takes anything the tries come ever more slowly, and quickly again once somebody does', async (t) => {
	const taken = new Set<number>();
	const { directory, provided, pauses } = setup(taken);
	t.after(() => directory.stop());
	directory.provide(miner, [0, 1]);
	await until('the pause has grown', () => pauses.includes(limits.provideRetryMaxMs));
	assert.deepEqual(
		pauses.slice(0, 5),
		[1, 2, 4, 8, 16].map((times) => times * limits.provideIntervalMs),
	);
	const before = pauses.length;
	for (const block of [0, 1]) taken.add(block);
	await until('it is quick again', () => pauses.slice(before).includes(limits.provideIntervalMs));
	assert.ok(provided.length > 0);
});
