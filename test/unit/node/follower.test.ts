import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChainFollower } from '../../../src/node/chain/follower.ts';
import type { ViewReader } from '../../../src/node/chain/view-reader.ts';
import type { Chain } from '../../../src/ports/chain.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { memoryMetrics } from '../../support/memory-metrics.ts';
import { systemClock } from '../../support/system-clock.ts';

function following(heads: Chain['heads']): ChainFollower {
	return new ChainFollower(
		{ chain: { heads } as Chain, clock: systemClock, log: memoryLog(), metrics: memoryMetrics() },
		{ views: {} as ViewReader, miners: () => [], readsPool: false, enqueue: () => undefined },
	);
}

test('a bug while heads are followed ends the node', async () => {
	const bug = new TypeError('a bug');
	const failed = Promise.withResolvers<unknown>();
	const follower = following(() => {
		throw bug;
	});
	follower.start(failed.resolve);
	assert.equal(await failed.promise, bug);
	await follower.stop();
});

test('what the stop itself breaks off is no failure', async () => {
	const failures: unknown[] = [];
	const follower = following(async function* (signal) {
		await systemClock.sleep(60_000, signal);
		yield [];
	});
	follower.start((error) => failures.push(error));
	await follower.stop();
	assert.deepEqual(failures, []);
});
