/** DeclareFaults and DeclareFaultsRecovered, and what a deadline's close does with them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeDeclarations, minerMethod } from '../../../src/codec/miner-params.ts';
import { exitCode } from '../../../src/devnet/actor/abort.ts';
import { powerSectors } from '../../../src/devnet/actor/state.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { attoFil, deadlineIndex, partitionIndex } from '../../../src/domain/ids.ts';
import { BENCH_MINER, Bench, FIRST_OPEN, flipped, MINER, SHORT_POLICY } from '../../support/devnet-bench.ts';

const sectorsOf = (field: Bitfield | undefined): number[] => [...(field ?? [])];

test('declared faults lose their power at once, declaring them again changes nothing', async () => {
	const bench = new Bench();
	await bench.mineTo(1);
	for (let i = 0; i < 2; i++) {
		const landed = await bench.send(bench.declaration('faults', 1, 0, [4]));
		assert.equal(landed.receipt.exitCode, exitCode.ok);
		assert.deepEqual(sectorsOf(bench.deadline(1).partitions[0]?.faults), [4]);
		assert.equal(powerSectors(bench.miner), 7);
	}
});

test('recoveries are marked among the faulty sectors alone, power comes back only with the proof', async () => {
	const bench = new Bench();
	await bench.mineTo(1);
	await bench.send(bench.declaration('faults', 1, 0, [4]));
	assert.equal((await bench.send(bench.declaration('recoveries', 1, 0, [4, 5]))).receipt.exitCode, exitCode.ok);
	assert.deepEqual(sectorsOf(bench.deadline(1).partitions[0]?.recoveries), [4]);
	assert.equal(powerSectors(bench.miner), 7);
	await bench.openDeadline(1);
	const before = powerSectors(bench.miner);
	await bench.send(bench.submission(1, [0]));
	assert.deepEqual(sectorsOf(bench.deadline(1).partitions[0]?.faults), []);
	assert.equal(powerSectors(bench.miner), before + 1);
});

const refusals = [
	['faults', 1, 9, [4], 'failed to declare faults for deadline 1: no such partition 9 (17)'],
	['faults', 6, 0, [4], 'failed to process deadline 6, partition 0: invalid deadline 6 (16)'],
	[
		'faults',
		1,
		0,
		[0],
		'failed to declare faults for deadline 1: failed to declare faults in partition 0: failed fault declaration: not all sectors are assigned to the partition (16)',
	],
	[
		'recoveries',
		1,
		0,
		[0],
		'failed to declare recoveries for deadline 1: failed to add recoveries: failed fault declaration: not all sectors are assigned to the partition (16)',
	],
] as const;

for (const [kind, deadline, partition, sectors, text] of refusals) {
	test(`refused: ${kind}: ${text}`, async () => {
		const bench = new Bench();
		await bench.mineTo(1);
		assert.ok((await bench.refusal(bench.declaration(kind, deadline, partition, sectors))).includes(text));
	});
}

for (const kind of ['faults', 'recoveries'] as const) {
	test(`${kind} can be declared until the cutoff of the deadline, not after it`, async () => {
		const bench = new Bench();
		const cutoff = FIRST_OPEN - SHORT_POLICY.faultDeclarationCutoff;
		await bench.mineTo(cutoff - 2);
		const message = () => bench.declaration(kind, 0, 0, [0]);
		assert.equal((await bench.send(message())).receipt.exitCode, exitCode.ok, `at ${bench.height}`);
		assert.equal(bench.height, cutoff - 1);
		const text = `at deadline 0: late fault or recovery declaration (16)`;
		await bench.node.mine();
		assert.ok((await bench.refusal(message())).includes(text));
		await bench.mineTo(FIRST_OPEN + SHORT_POLICY.challengeWindow - 1);
		assert.ok((await bench.refusal(message())).includes(text), 'while it is open');
		await bench.node.mine();
		assert.equal((await bench.send(message())).receipt.exitCode, exitCode.ok, 'for the next period');
	});
}

test('declarations of a stranger are refused', async () => {
	const bench = new Bench();
	await bench.mineTo(1);
	for (const kind of ['faults', 'recoveries'] as const) {
		const refusal = await bench.refusal({ ...bench.declaration(kind, 1, 0, [4]), from: bench.faucet });
		assert.ok(refusal.includes('caller f0100 is not one of supported (18)'));
	}
});

test('too many declarations in one message are refused', async () => {
	const bench = new Bench({ policy: { ...SHORT_POLICY, declarationsMax: 1 } });
	await bench.mineTo(1);
	const declarations = [4, 5].map((sector) => ({
		deadline: deadlineIndex(1),
		partition: partitionIndex(0),
		sectors: Bitfield.of([sector]),
	}));
	const message = bench.message(minerMethod.declareFaults, encodeDeclarations(declarations));
	assert.match(await bench.refusal(message), /too many fault declarations for a single message: 2 > 1/);
});

test('a partition that nobody proved is faulty from close on, and its recoveries did not happen', async () => {
	const bench = new Bench();
	await bench.mineTo(1);
	await bench.send(bench.declaration('faults', 1, 0, [4]));
	await bench.send(bench.declaration('recoveries', 1, 0, [4]));
	await bench.openDeadline(0);
	await bench.node.mine();
	await bench.send(bench.submission(0, [1]));
	await bench.closeDeadline();
	assert.deepEqual(sectorsOf(bench.deadline(0).partitions[0]?.faults), [0, 1]);
	assert.deepEqual(sectorsOf(bench.deadline(0).partitions[1]?.faults), []);
	await bench.closeDeadline();
	assert.deepEqual(sectorsOf(bench.deadline(1).partitions[0]?.faults), [4, 5]);
	assert.deepEqual(sectorsOf(bench.deadline(1).partitions[0]?.recoveries), []);
	const { missedPartitions, partitions } = bench.node.statistics.report(bench.node.chain.head);
	assert.equal(missedPartitions, 2);
	assert.deepEqual(
		partitions.filter(({ missed }) => missed).map(({ deadline, partition }) => [deadline, partition]),
		[
			[0, 0],
			[1, 0],
		],
	);
});

test('a close counts as many null rounds as there are', async () => {
	const bench = new Bench();
	await bench.openDeadline(0);
	await bench.node.mine(25);
	assert.equal(bench.miner.currentDeadline, 2, 'deadlines 0 and 1 closed in the null rounds');
	assert.deepEqual(sectorsOf(bench.deadline(0).partitions[1]?.faults), [2, 3]);
	assert.deepEqual(sectorsOf(bench.deadline(1).partitions[0]?.faults), [4, 5]);
});

test('a first miss costs nothing, sectors that stay faulty cost their fee in every period', async () => {
	const bench = new Bench();
	const before = bench.miner.balance;
	await bench.openDeadline(0);
	await bench.closeDeadline();
	assert.equal(bench.miner.balance, before);
	await bench.openDeadline(0);
	await bench.closeDeadline();
	const fee = (SHORT_POLICY.dayRewardPerSector * 351n * 4n) / 100n;
	// Deadlines 1 and 2 were missed once in between, their second miss is yet to come.
	assert.equal(bench.miner.balance, before - fee);
	assert.ok(bench.node.chain.head.after.burnt >= fee);
});

test('a miner in debt cannot declare recoveries until a plain send to it covers the debt', async () => {
	const bench = new Bench({ miners: [{ ...BENCH_MINER, balance: 1n }] });
	await bench.openDeadline(0);
	await bench.node.mine();
	await bench.send(bench.submission(0, [0], { tamper: flipped }));
	await bench.closeDeadline();
	assert.equal((await bench.send(bench.dispute(0, 0))).receipt.exitCode, exitCode.ok);
	assert.ok(bench.miner.feeDebt > 0n);
	const recover = () => bench.declaration('recoveries', 0, 0, [0, 1]);
	assert.match(
		await bench.refusal(recover()),
		/ErrInsufficientFunds\(19\).*unlocked balance can not repay fee debt \(0 < \d+\)/s,
	);
	assert.equal((await bench.send(recover())).receipt.exitCode, exitCode.actorInsufficientFunds);
	const debt = bench.miner.feeDebt;
	const send = bench.message(0, new Uint8Array(), { to: `f0${MINER}`, value: attoFil(debt + 5n) });
	assert.equal((await bench.send(send)).receipt.exitCode, exitCode.ok);
	assert.equal((await bench.send(recover())).receipt.exitCode, exitCode.ok);
	assert.equal(bench.miner.feeDebt, 0n);
	assert.equal(bench.miner.balance, 5n);
});
