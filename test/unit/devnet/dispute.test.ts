/** DisputeWindowedPoSt: honest proofs survive, wrong ones lose, and only once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCode } from '../../../src/devnet/actor/abort.ts';
import { powerSectors } from '../../../src/devnet/actor/state.ts';
import { PosterError } from '../../../src/domain/errors.ts';
import { Bench, FIRST_OPEN, flipped, type PostChoice, SHORT_POLICY } from '../../support/devnet-bench.ts';
import { recording } from '../../vectors/lotus-rpc.ts';

/** A chain on which these submissions for deadline 0 landed and the deadline closed. */
async function closed(
	...posts: readonly (readonly [partitions: readonly number[], choice: PostChoice])[]
): Promise<Bench> {
	const bench = new Bench();
	await bench.openDeadline(0);
	await bench.node.mine();
	for (const [partitions, choice] of posts) {
		const landed = await bench.send(bench.submission(0, partitions, choice));
		assert.equal(landed.receipt.exitCode, exitCode.ok);
	}
	await bench.closeDeadline();
	// Estimations run at the head's epoch: one past close.
	await bench.node.mine();
	return bench;
}

const faulty = (bench: Bench, partition: number): number[] => [
	...(bench.deadline(0).partitions[partition]?.faults ?? []),
];

test('an honest proof survives its dispute', async () => {
	const bench = await closed([[0], {}], [[1], { skipped: [3] }]);
	for (const index of [0, 1]) {
		assert.match(await bench.refusal(bench.dispute(0, index)), /failed to dispute valid post \(16\)/);
		assert.equal((await bench.send(bench.dispute(0, index))).receipt.exitCode, exitCode.illegalArgument);
	}
	assert.equal(powerSectors(bench.miner), 7);
	assert.deepEqual(bench.node.statistics.report(bench.node.chain.head).disputes, { lost: 0, survived: 2, refused: 0 });
});

for (const [kind, choice] of [
	['a flipped bit', { tamper: flipped }],
	['garbage', { tamper: () => new Uint8Array(192) }],
	['a proof that is too short', { tamper: (proof: Uint8Array) => proof.subarray(1) }],
	['a proof over other sectors', { provenSectors: [2, 3] }],
	['a skip with a proof over all sectors', { skipped: [1], provenSectors: [0, 1] }],
] as const) {
	test(`${kind} loses its dispute: the sectors are faulty, the power is gone, the miner pays`, async () => {
		const bench = await closed([[0], choice], [[1], {}]);
		const before = bench.miner.balance;
		const rewarded = bench.balance(bench.faucet);
		assert.equal((await bench.send(bench.dispute(0, 0))).receipt.exitCode, exitCode.ok);
		assert.deepEqual(faulty(bench, 0), [0, 1]);
		assert.deepEqual(faulty(bench, 1), []);
		assert.equal(powerSectors(bench.miner), 6);
		const active = 'skipped' in choice ? 1n : 2n;
		const fee = (SHORT_POLICY.dayRewardPerSector * 551n * active) / 100n + SHORT_POLICY.disputePenalty;
		assert.equal(before - bench.miner.balance, fee + SHORT_POLICY.disputeReward);
		assert.ok(bench.balance(bench.faucet) > rewarded, 'the reward is more than the gas');
		assert.deepEqual(bench.node.statistics.report(bench.node.chain.head).disputes, {
			lost: 1,
			survived: 0,
			refused: 0,
		});
	});
}

test('a proof that lost cannot be disputed again, nor one that never was', async () => {
	const bench = await closed([[0], { tamper: flipped }]);
	await bench.send(bench.dispute(0, 0));
	for (const index of [0, 1]) {
		const text = `failed to load proof for dispute: proof ${index} not found (16)`;
		assert.ok((await bench.refusal(bench.dispute(0, index))).includes(text));
		assert.equal((await bench.send(bench.dispute(0, index))).receipt.exitCode, exitCode.illegalArgument);
	}
	// With the same exit code as a valid proof, which it does not count as.
	assert.deepEqual(bench.node.statistics.report(bench.node.chain.head).disputes, { lost: 1, survived: 0, refused: 2 });
});

test('a valid proof and a missing one are refused in the words of the real actor', async () => {
	const bench = await closed([[0], {}]);
	for (const [index, recorded] of [
		[0, '244'],
		[0, '254'],
		[1, '253'],
	] as const) {
		const { error } = recording(recorded)['control_reply'] as { error: string };
		const words = /-- (.*?) \(16\)/.exec(error)?.[1]?.replace('proof 0', `proof ${index}`);
		assert.ok(
			words !== undefined && (await bench.refusal(bench.dispute(0, index))).includes(`-- ${words} (16)`),
			words,
		);
	}
});

test('a dispute over two partitions in one proof is about both', async () => {
	const bench = await closed([[0, 1], {}]);
	assert.match(await bench.refusal(bench.dispute(0, 0)), /failed to dispute valid post/);
	const wrong = await closed([[0, 1], { tamper: flipped }]);
	await wrong.send(wrong.dispute(0, 0));
	assert.equal(powerSectors(wrong.miner), 4);
});

test('a dispute is possible from close to the end of the window alone', async () => {
	const bench = new Bench();
	await bench.openDeadline(0);
	await bench.node.mine();
	await bench.send(bench.submission(0, [0]));
	const text = `can only dispute window posts during the dispute window (${SHORT_POLICY.disputeWindow} epochs after the challenge window closes) (18)`;
	assert.ok((await bench.refusal(bench.dispute(0, 0))).includes(text), 'still open');
	const close = FIRST_OPEN + SHORT_POLICY.challengeWindow;
	await bench.mineTo(close + SHORT_POLICY.disputeWindow - 1);
	assert.match(await bench.refusal(bench.dispute(0, 0)), /failed to dispute valid post/);
	await bench.node.mine();
	assert.ok((await bench.refusal(bench.dispute(0, 0))).includes(text), 'over');
});

test('a deadline that does not exist cannot be disputed', async () => {
	const bench = await closed();
	assert.match(await bench.refusal(bench.dispute(6, 0)), /invalid deadline 6 of 6/);
});

test('faults declared since then are not in the way of a dispute', async () => {
	const bench = await closed([[0], { tamper: flipped }]);
	await bench.send(bench.declaration('faults', 0, 0, [0]));
	await bench.send(bench.dispute(0, 0));
	assert.deepEqual(faulty(bench, 0), [0, 1]);
});

test('without a verdict a dispute condemns nobody: it fails at estimation and waits in the pool', async () => {
	const bench = await closed([[0], {}]);
	bench.verifier.outage = new PosterError('verifier-unavailable', 'the verifier gave no verdict');
	assert.equal(await bench.refusal(bench.dispute(0, 0)), 'the verifier gave no verdict');
	const cid = await pushDespite(bench);
	await bench.node.mine();
	assert.equal(bench.node.chain.head.executed.length, 0);
	assert.ok(bench.log.entries.some(({ level }) => level === 'error'));
	bench.verifier.outage = undefined;
	await bench.node.mine();
	assert.equal(bench.node.chain.head.executed[0]?.cid, cid);
});

/** The signature check needs the verifier too. */
async function pushDespite(bench: Bench) {
	const { outage } = bench.verifier;
	bench.verifier.outage = undefined;
	const cid = await bench.push(bench.dispute(0, 0));
	bench.verifier.outage = outage;
	return cid;
}
