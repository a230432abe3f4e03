/** The message pool: what it takes, what it replaces, what a tipset takes from it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCode } from '../../../src/devnet/actor/abort.ts';
import { estimateGas } from '../../../src/devnet/pool/estimate.ts';
import { attoFil } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { Message } from '../../../src/domain/message.ts';
import { Bench } from '../../support/devnet-bench.ts';

async function started(): Promise<Bench> {
	const bench = new Bench();
	await bench.mineTo(1);
	return bench;
}

/** A plain send to the faucet. */
const plain = (bench: Bench, over: Partial<Message> = {}): Message =>
	bench.message(0, new Uint8Array(), { to: bench.faucet, value: attoFil(1n), gasLimit: 2_000_000, ...over });

const pendingNonces = (bench: Bench): number[] => bench.node.pool.pending().map(({ signed }) => signed.message.nonce);

test('messages wait by nonce, a gap waits for what fills it', async () => {
	const bench = await started();
	for (const nonce of [0, 1, 3]) await bench.push(plain(bench, { nonce }));
	await bench.node.mine();
	assert.deepEqual(pendingNonces(bench), [3]);
	assert.equal(bench.nonce(bench.worker), 2);
	await bench.push(plain(bench, { nonce: 2 }));
	assert.equal(bench.nonce(bench.worker), 4);
	await bench.node.mine();
	assert.deepEqual(pendingNonces(bench), []);
	assert.equal(bench.node.chain.head.executed.length, 2);
});

test('a nonce 1000 ahead is taken', async () => {
	const bench = await started();
	await bench.push(plain(bench, { nonce: 1000 }));
	assert.deepEqual(pendingNonces(bench), [1000]);
});

test('a used nonce is refused', async () => {
	const bench = await started();
	await bench.send(plain(bench));
	await assert.rejects(bench.push(plain(bench, { nonce: 0 })), {
		message: 'minimum expected nonce is 1, got 0: message nonce too low',
	});
});

test('the very same message is refused, and so is a replacement that pays too little', async () => {
	const bench = await started();
	const first = plain(bench, { gasPremium: attoFil(100_409n) });
	await bench.push(first);
	const where = `failed to add locked: message from ${bench.worker} with nonce 0 already in mpool`;
	await assert.rejects(bench.push(first), { message: `${where}: message with nonce already exists` });
	for (const premium of [1n, 110_449n]) {
		await assert.rejects(bench.push({ ...first, gasPremium: attoFil(premium) }), {
			message: `${where}, increase GasPremium to 110450 from ${premium} to trigger replace by fee: replace by fee has too low GasPremium`,
		});
	}
	const replaced = await bench.push({ ...first, gasPremium: attoFil(110_450n) });
	assert.deepEqual(
		bench.node.pool.pending().map(({ cid }) => cid),
		[replaced],
	);
});

test('a message whose signature does not hold is refused', async () => {
	const bench = await started();
	const signed = bench.node.sign(bench.worker, plain(bench));
	await assert.rejects(bench.node.push({ ...signed, message: { ...signed.message, gasLimit: 2_000_001 } }), {
		message:
			/^signature verification failed: failed to validate signature: invalid signature for message bafy2bz\w+ \(type 1\): /,
	});
	await assert.rejects(bench.node.push({ ...signed, signatureType: 2 }), /signature verification failed/);
	assert.deepEqual(pendingNonces(bench), []);
});

for (const [rule, over, text] of [
	['a fee cap below the least base fee', { gasFeeCap: attoFil(99n), gasPremium: attoFil(1n) }, /^gas fee cap too low$/],
	['a premium above the fee cap', { gasPremium: attoFil(200_001n) }, /'GasFeeCap' less than 'GasPremium'/],
	['a gas limit below the cost of storage', { gasLimit: 1000 }, /cannot be less than the cost of storing/],
	['a gas limit above that of a block', { gasLimit: 10_000_000_001 }, /cannot be greater than a block's gas limit/],
	[
		'too many bytes',
		{ params: new Uint8Array(64 * 1024 + 1), gasLimit: 400_000_000 },
		/^mpool message too large \(65537B\): message too big$/,
	],
	['more than there is', { value: attoFil(2n * 10n ** 27n + 1n) }, /^message value too high$/],
	['more than the sender has', { value: attoFil(10n ** 25n) }, /not enough funds/],
] as const) {
	test(`refused: ${rule}`, async () => {
		const bench = await started();
		await assert.rejects(bench.push(plain(bench, over)), { message: text });
	});
}

test('a sender may have so many pending messages and no more', async () => {
	const bench = await started();
	const signed = bench.node.sign(bench.worker, plain(bench));
	const world = bench.node.chain.head.after;
	for (let nonce = 0; nonce < limits.devnetPendingPerSender; nonce++) {
		bench.node.pool.add({ ...signed, message: { ...signed.message, nonce } }, world);
	}
	const next = { ...signed, message: { ...signed.message, nonce: limits.devnetPendingPerSender } };
	assert.throws(() => bench.node.pool.add(next, world), {
		message: 'failed to add locked: too many pending messages for actor',
	});
});

test('a message whose fee cap is below the base fee waits until the base fee falls', async () => {
	const bench = await started();
	bench.node.chain.pinBaseFee(300_000n);
	await bench.node.mine();
	await bench.push(plain(bench));
	await bench.node.mine();
	assert.deepEqual(pendingNonces(bench), [0]);
	bench.node.chain.pinBaseFee(undefined);
	while (bench.node.chain.head.executed.length === 0) await bench.node.mine();
	assert.ok(bench.node.chain.head.header.parentBaseFee <= 200_000n);
});

test('the highest premium goes first, each sender in order of nonce', async () => {
	const bench = await started();
	const cheap = { gasPremium: attoFil(10n) };
	const order = [
		await bench.push(plain(bench, { from: bench.faucet, nonce: 0, gasPremium: attoFil(50n) })),
		await bench.push(plain(bench, { nonce: 0, ...cheap })),
		await bench.push(plain(bench, { nonce: 1, gasPremium: attoFil(200n) })),
	];
	await bench.node.mine();
	assert.deepEqual(
		bench.node.chain.head.executed.map(({ cid }) => cid),
		order,
	);
});

test('a tipset takes no more gas than a block holds, the rest waits', async () => {
	const bench = await started();
	for (const nonce of [0, 1, 2]) await bench.push(plain(bench, { nonce, gasLimit: 4_000_000_000 }));
	await bench.node.mine();
	assert.deepEqual(pendingNonces(bench), [2]);
});

test('a dropped message is gone', async () => {
	const bench = await started();
	const cid = await bench.push(plain(bench));
	assert.equal(bench.node.pool.drop(cid), true);
	assert.equal(bench.node.pool.drop(cid), false);
	await bench.node.mine();
	assert.deepEqual(bench.node.chain.head.executed, []);
});

test('the sender pays value, base fee of the gas used and premium of the gas limit', async () => {
	const bench = await started();
	const [before, received] = [bench.balance(bench.worker), bench.balance(bench.faucet)];
	const { receipt } = await bench.send(plain(bench, { value: attoFil(77n) }));
	assert.equal(receipt.exitCode, exitCode.ok);
	assert.equal(bench.balance(bench.faucet), received + 77n);
	assert.equal(before - bench.balance(bench.worker), 77n + 100n * BigInt(receipt.gasUsed) + 100_000n * 2_000_000n);
});

test('sending more than one has fails with exit code 6 in the words of the chain', async () => {
	const bench = await started();
	const text =
		/exit=\[SysErrInsufficientFunds\(6\)\], vm error=\[message failed with backtrace:\n--> caused by: send::send -- sender does not have funds to transfer \(balance 10000\.0, transfer 1000000\.5\) \(5: insufficient funds\)\n \(RetCode=6\)\]\)$/;
	assert.match(await bench.refusal(plain(bench, { value: attoFil(10n ** 24n + 5n * 10n ** 17n) })), text);
});

test('a send to a key that nobody used before opens its account', async () => {
	const bench = await started();
	const fresh = 'f1abjxfbp274xpdqcpuaykwkfb43omjotacm2p3za';
	assert.equal((await bench.send(plain(bench, { to: fresh, value: attoFil(9n) }))).receipt.exitCode, exitCode.ok);
	assert.equal(bench.balance(fresh), 9n);
});

test('an estimation fills in what is missing, scales the gas and keeps to the most that may be paid', async () => {
	const bench = await started();
	const asked = { ...plain(bench), gasLimit: 0, gasFeeCap: attoFil(0n), gasPremium: attoFil(0n) };
	const filled = await estimateGas(bench.node, asked, 0n, bench.node.chain.head);
	const { receipt } = await bench.send({ ...plain(bench), ...filled, nonce: 0 });
	assert.equal(filled.gasLimit, Math.floor(receipt.gasUsed * 1.25));
	assert.ok(filled.gasFeeCap > filled.gasPremium + 1000n && filled.gasFeeCap < filled.gasPremium + 1100n);
	const capped = await estimateGas(bench.node, asked, 10n ** 9n, bench.node.chain.head);
	assert.ok(capped.gasFeeCap * BigInt(capped.gasLimit) <= 10n ** 9n);
	assert.ok(capped.gasPremium <= capped.gasFeeCap);
});

test('an estimation for a sender that the chain does not know is refused', async () => {
	const bench = await started();
	const from = 'f1abjxfbp274xpdqcpuaykwkfb43omjotacm2p3za';
	assert.equal(
		await bench.refusal(plain(bench, { from, nonce: 0 })),
		`gas estimation failed: CallWithGas failed: sender ${from} not found on chain: sender validation failed`,
	);
});
