import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ChainView, Event } from '../../../src/core/api.ts';
import type { TipSet } from '../../../src/domain/chain.ts';
import { PosterError } from '../../../src/domain/errors.ts';
import { actorId, attoFil, cidText, epoch, monoMs } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
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

/** A follower of these miners, with heads that the test gives; `read` answers for the full node. */
function watching(t: TestContext, miners: readonly number[], read: (miner: number, height: number) => Promise<void>) {
	const lost: number[] = [];
	const heads: TipSet[] = [];
	let told = Promise.withResolvers<void>();
	const chain: Partial<Chain> = {
		async *heads(signal) {
			for (let next = 0; !signal.aborted; next++) {
				while (heads[next] === undefined) await told.promise;
				yield [{ type: 'apply', tipSet: heads[next] as TipSet }];
			}
		},
	};
	const views: string[] = [];
	const reader: Partial<ViewReader> = {
		read: async ({ miner, head }) => {
			await read(miner, head.height);
			return { miner, epoch: head.height } as ChainView;
		},
	};
	const follower = new ChainFollower(
		{
			chain: chain as Chain,
			clock: { ...hurried(5), now: systemClock.now },
			log: memoryLog(),
			metrics: memoryMetrics(),
		},
		{
			views: reader as ViewReader,
			miners: () => miners.map((id) => ({ miner: actorId(id), sender: `t0${id}` })),
			readsPool: false,
			enqueue: (event) => {
				if (event.type === 'chain-view') views.push(`${event.view.miner}@${event.view.epoch}`);
				if (event.type === 'chain-lost') lost.push(views.length);
			},
		},
	);
	const tell = (height: number): void => {
		heads.push({
			key: [cidText(`${height}`)],
			height: epoch(height),
			parents: [],
			parentBaseFee: attoFil(0n),
			timestamp: 0,
		});
		told.resolve();
		told = Promise.withResolvers();
	};
	follower.start(assert.ifError);
	t.after(() => follower.stop());
	return { views, lost, tell };
}

test('a miner whose view takes long keeps no other waiting, and then has the newest head', async (t) => {
	const large = Promise.withResolvers<void>();
	const { views, tell } = watching(t, [1001, 1002], (miner) => (miner === 1001 ? large.promise : Promise.resolve()));
	for (const height of [7, 8, 9]) {
		tell(height);
		await until('the other one is read', () => views.includes(`1002@${height}`));
	}
	large.resolve();
	await until('both are read', () => views.includes('1001@9'));
	assert.deepEqual(views, ['1002@7', '1002@8', '1002@9', '1001@7', '1001@9']);
});

test('miners that cannot be read, as many as are read side by side, keep no other from its turn', async (t) => {
	const broken = Array.from({ length: limits.chainMinersAtOnce }, (_, index) => 1001 + index);
	const { views, tell } = watching(t, [...broken, 2000], (miner) =>
		miner === 2000 ? Promise.resolve() : Promise.reject(new PosterError('chain-rpc', 'no')),
	);
	for (const height of [7, 8, 9]) {
		tell(height);
		await until('it is read', () => views.includes(`2000@${height}`));
	}
	assert.deepEqual(views, ['2000@7', '2000@8', '2000@9'], 'once for each head');
});

test('what was read before the full node was lost is read again at the same head', async (t) => {
	const large = Promise.withResolvers<void>();
	const { views, lost, tell } = watching(t, [1001, 1002], (miner) =>
		miner === 1001 ? large.promise : Promise.resolve(),
	);
	tell(7);
	await until('one is read', () => views.includes('1002@7'));
	large.reject(new PosterError('chain-timeout', 'no'));
	await until('it is read again', () => views.length >= 2);
	assert.deepEqual([views.slice(0, 2), lost[0]], [['1002@7', '1002@7'], 1]);
});

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
