import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Membership } from '../../../../src/adapters/libp2p/membership.ts';
import { Pace } from '../../../../src/adapters/libp2p/pace.ts';
import { TokenBucket } from '../../../../src/adapters/libp2p/token-bucket.ts';
import { monoMs, nodeId } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { systemClock } from '../../../support/system-clock.ts';

const peer = nodeId('a');
/** 2,349 sectors of 43 bytes and a head. */
const PARTITION = 101_100;

test('whoever wants a hundred partitions of one holder at once waits, and never asks for more than the holder allows', async () => {
	let now = 0;
	const clock = {
		...systemClock,
		now: () => monoMs(now),
		sleep: async (ms: number): Promise<void> => {
			assert.ok(ms >= 1, 'time passes');
			now += ms;
		},
	};
	const membership = new Membership(clock, memoryMetrics());
	membership.replace([peer]);
	const pace = new Pace(clock, membership, limits.pullBytesPace);
	const quota = new TokenBucket(clock, limits.quotas['pull-bytes']);
	for (let i = 0; i < 100; i++) {
		await pace.turn(peer, PARTITION, AbortSignal.abort());
		assert.ok(quota.take(PARTITION), `partition ${i} at ${now} ms`);
		if (i === 6) assert.equal(now, 0, 'the first ones do not wait');
	}
	assert.ok(now < 100 * 3_000, `${now} ms`);
});

test('a wait that is given up rejects with the reason', async () => {
	const membership = new Membership(systemClock, memoryMetrics());
	membership.replace([peer]);
	const pace = new Pace(systemClock, membership, limits.pullBytesPace);
	await pace.turn(peer, limits.pullBytesPace.burst, AbortSignal.abort());
	const reason = new Error('given up');
	await assert.rejects(pace.turn(peer, limits.pullBytesPace.burst, AbortSignal.abort(reason)), reason);
});
