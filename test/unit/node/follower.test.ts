import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../../src/core/api.ts';
import { PosterError } from '../../../src/domain/errors.ts';
import { monoMs } from '../../../src/domain/ids.ts';
import { ChainFollower } from '../../../src/node/chain/follower.ts';
import type { ViewReader } from '../../../src/node/chain/view-reader.ts';
import type { Chain } from '../../../src/ports/chain.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { memoryMetrics } from '../../support/memory-metrics.ts';
import { hurried, systemClock } from '../../support/system-clock.ts';
import { until } from '../../support/until.ts';

function following(heads: Chain['heads'], head?: Chain['head'], events: Event[] = []): ChainFollower {
	return new ChainFollower(
		{ chain: { heads, head } as Chain, clock: rushed, log: memoryLog(), metrics: memoryMetrics() },
		{ views: {} as ViewReader, miners: () => [], readsPool: false, enqueue: (event) => events.push(event) },
	);
}

/** Each look at the clock finds it a minute later, and waits take no time. */
let minutes = 0;
const rushed: Clock = { ...hurried(1), now: () => monoMs(minutes++ * 60_000) };
const silent: Chain['heads'] = async function* (signal) {
	await systemClock.sleep(60_000, signal);
	yield [];
};

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
	const follower = following(silent, () => new Promise(() => undefined));
	follower.start((error) => failures.push(error));
	await follower.stop();
	assert.deepEqual(failures, []);
});

for (const [code, lost] of [
	['chain-unreachable', true],
	['chain-network', true],
	['chain-rpc', false],
] as const) {
	test(`a full node that answers with ${code} is ${lost ? 'lost' : 'there'}`, async (t) => {
		const events: Event[] = [];
		let asked = 0;
		const head = (): Promise<never> => {
			asked++;
			return Promise.reject(new PosterError(code, 'no'));
		};
		const follower = following(silent, head, events);
		t.after(() => follower.stop());
		follower.start(assert.ifError);
		await until('it was asked twice', () => asked >= 2);
		assert.equal(events.length > 0, lost);
		assert.ok(events.every(({ type }) => type === 'chain-lost'));
	});
}
