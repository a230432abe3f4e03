import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LotusChain } from '../../../src/adapters/chain/lotus-chain.ts';
import { startDevnet } from '../../../src/devnet/devnet.ts';
import { type AttoFil, attoFil, epoch } from '../../../src/domain/ids.ts';
import { SenderCheck } from '../../../src/node/chain/sender-check.ts';
import type { Chain } from '../../../src/ports/chain.ts';
import { TagVerifier } from '../../fakes/tag-verifier.ts';
import { BENCH_MINER, MINER, SHORT_POLICY } from '../../support/devnet-bench.ts';
import { memoryMetrics } from '../../support/memory-metrics.ts';
import { silentLog as log } from '../../support/silent-log.ts';
import { systemClock as clock } from '../../support/system-clock.ts';

const ABSENT = 'f15ihq5ibzwki2b4ep2f46avlkrqzhpqgtga7pdrq';

/** A chain that stands still; what the check asks of the miner's addresses is counted. */
async function setup(t: { after(run: () => Promise<void>): void }) {
	const devnet = await startDevnet(
		{ miners: [BENCH_MINER], policy: SHORT_POLICY, running: false, networkName: 'bench' },
		{ clock, log, verifier: new TagVerifier() },
	);
	const endpoints = [{ url: devnet.url, token: devnet.tokens.read }];
	const real = new LotusChain({ clock, log, metrics: memoryMetrics() }, { endpoints });
	t.after(async () => {
		await real.close();
		await devnet.close();
	});
	let infos = 0;
	const chain = new Proxy<Chain>(real, {
		get: (target, name) => {
			if (name === 'minerInfo') infos++;
			const value: unknown = Reflect.get(target, name);
			return typeof value === 'function' ? value.bind(target) : value;
		},
	});
	const { key: at } = await chain.head();
	const worker = devnet.workers.get(MINER)?.address ?? '';
	const check = (maxFee?: AttoFil) => new SenderCheck(chain, () => maxFee);
	const ask = (sender: string, periodStart = 0) => ({ miner: MINER, sender, periodStart: epoch(periodStart), at });
	return {
		worker,
		faucet: devnet.faucet,
		check,
		ask,
		infos: () => infos,
		balance: (await chain.actor(worker, at)).balance,
	};
}

test("the miner's own address may send, and is asked for once in a proving period", async (t) => {
	const { worker, check, ask, infos } = await setup(t);
	const senders = check();
	for (const period of [0, 0, 60, 60]) {
		assert.deepEqual(await senders.read(ask(worker, period)), { nonce: 0, fault: null });
	}
	assert.equal(infos(), 2);
});

test('an address that is none of the miner is a fault, looked at again at each head', async (t) => {
	const { faucet, worker, check, ask, infos } = await setup(t);
	const senders = check();
	for (let head = 1; head <= 2; head++) {
		const { fault } = await senders.read(ask(faucet));
		assert.match(fault?.reason ?? '', /is neither owner, worker nor control address of f01001/);
		assert.match(fault?.advice ?? '', /roster miner sender/);
		assert.equal(infos(), head);
	}
	assert.equal((await senders.read(ask(worker))).fault, null, 'the roster names another one');
});

test('an address that the chain does not know hides nothing of the miner', async (t) => {
	const { check, ask } = await setup(t);
	const { nonce, fault } = await check().read(ask(ABSENT));
	assert.equal(nonce, 0);
	assert.match(fault?.reason ?? '', /does not exist on the chain/);
	assert.match(fault?.advice ?? '', /Send funds/);
});

test('a node that signs wants the funds for one message; others do not care', async (t) => {
	const { worker, balance, check, ask } = await setup(t);
	assert.equal((await check(balance).read(ask(worker))).fault, null);
	const { fault } = await check(attoFil(balance + 5n * 10n ** 17n)).read(ask(worker));
	assert.match(fault?.reason ?? '', /has \d+ FIL, one message may cost \d+\.5$/);
	assert.match(fault?.advice ?? '', /max_fee_fil/);
});
