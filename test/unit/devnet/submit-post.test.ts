/** SubmitWindowedPoSt: what the actor refuses, what it takes, and that it takes garbage. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSubmitWindowedPoSt } from '../../../src/codec/miner-params.ts';
import { exitCode } from '../../../src/devnet/actor/abort.ts';
import { powerSectors } from '../../../src/devnet/actor/state.ts';
import { submitWindowedPost } from '../../../src/devnet/actor/submit-post.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { deadlineIndex, epoch, partitionIndex } from '../../../src/domain/ids.ts';
import { BENCH_MINER, Bench, flipped, type PostChoice, SHORT_POLICY } from '../../support/devnet-bench.ts';

/** A chain whose next message runs in the first epoch of deadline 0, the head inside it. */
async function opened(): Promise<Bench> {
	const bench = new Bench();
	await bench.openDeadline(0);
	await bench.node.mine();
	return bench;
}

/** The VM's frame of a refusal. */
const frame = (code: number, text: string): string => `00: f01001 (method 5) -- ${text} (${code})\n`;

const refusals: readonly (readonly [rule: string, code: number, text: string, choice: PostChoice])[] = [
	[
		'more than one proof',
		16,
		'expected exactly one proof, got 2',
		{ change: { proofs: [10, 10].map((type) => ({ type, bytes: new Uint8Array(192) })) } },
	],
	['no proof', 16, 'expected exactly one proof, got 0', { change: { proofs: [] } }],
	[
		'a proof type of old',
		16,
		'proof type Invalid(5) not allowed',
		{ change: { proofs: [{ type: 5, bytes: new Uint8Array(192) }] } },
	],
	[
		'a proof type of another sector size',
		16,
		'expected proof of type 10, got 11',
		{ change: { proofs: [{ type: 11, bytes: new Uint8Array(192) }] } },
	],
	[
		'a proof that is too long',
		16,
		'expected proof to be smaller than 192 bytes',
		{ tamper: (proof) => Buffer.concat([proof, proof]) },
	],
	['a deadline that does not exist', 16, 'invalid deadline 6 of 6', { change: { deadline: deadlineIndex(6) } }],
	[
		'a deadline that is not open',
		16,
		'invalid deadline 1 at epoch 20, expected 0',
		{ change: { deadline: deadlineIndex(1) } },
	],
	[
		'a commit epoch before the challenge',
		16,
		'expected chain commit epoch 15 to be after 16',
		{ change: { commitEpoch: epoch(15) } },
	],
	[
		'a commit epoch that has not passed',
		16,
		'chain commit epoch 20 must be less than the current epoch 20',
		{ change: { commitEpoch: epoch(20) } },
	],
	[
		'other commit randomness',
		16,
		'post commit randomness mismatched',
		{ change: { commitRandomness: '11'.repeat(32) } },
	],
	[
		'commit randomness that is too short',
		16,
		'post commit randomness mismatched',
		{ change: { commitRandomness: '11'.repeat(31) } },
	],
	[
		'commit randomness that is too long',
		16,
		'expected at most 32 bytes of randomness, got 33',
		{ change: { commitRandomness: '11'.repeat(33) } },
	],
	[
		'a partition that does not exist',
		17,
		'failed to process post submission for deadline 0: no such partition 7',
		{ change: { partitions: [{ index: partitionIndex(7), skipped: Bitfield.empty }] } },
	],
	[
		'a skip outside the partition',
		16,
		'failed to process post submission for deadline 0: failed to add skipped faults to partition 0: skipped faults contains sectors outside partition',
		{ change: { partitions: [{ index: partitionIndex(0), skipped: Bitfield.of([7]) }] } },
	],
	[
		'a partition named twice',
		16,
		'failed to process post submission for deadline 0: duplicate partitions proven',
		{ change: { partitions: [0, 0].map((index) => ({ index: partitionIndex(index), skipped: Bitfield.empty })) } },
	],
	[
		'nothing left to prove',
		16,
		'cannot prove partitions with no active sectors',
		{ skipped: [0, 1], provenSectors: [0] },
	],
];

for (const [rule, code, text, choice] of refusals) {
	test(`refused: ${rule}`, async () => {
		const bench = await opened();
		assert.ok((await bench.refusal(bench.submission(0, [0], choice))).includes(frame(code, text)));
	});
}

test('refused: more partitions than one message may prove', async () => {
	const bench = await opened();
	const partitions = [0, 1, 2, 3].map((index) => ({ index: partitionIndex(index), skipped: Bitfield.empty }));
	const refusal = await bench.refusal(bench.submission(0, [0], { change: { partitions } }));
	assert.ok(refusal.includes(frame(16, 'too many partitions 4, limit 3')));
});

test('refused: more partitions than 25,000 sectors fill', async () => {
	const bench = new Bench({ miners: [{ ...BENCH_MINER, partitionSectors: 10_000 }] });
	await bench.openDeadline(0);
	await bench.node.mine();
	const partitions = [0, 1, 2].map((index) => ({ index: partitionIndex(index), skipped: Bitfield.empty }));
	const refusal = await bench.refusal(bench.submission(0, [0], { change: { partitions } }));
	assert.ok(refusal.includes(frame(16, 'too many partitions 3, limit 2')));
});

test('refused: a proof before the current deadline is open', async () => {
	const bench = new Bench();
	const { miner } = bench;
	const params = decodeSubmitWindowedPoSt(bench.submission(miner.currentDeadline, []).params);
	const context = {
		...{ policy: SHORT_POLICY, caller: miner.worker, epoch: epoch(miner.periodStart - 1) },
		verify: () => assert.fail('nothing is verified'),
		commitRandomness: () => assert.fail('no randomness is drawn'),
		postChallenge: () => assert.fail('no challenge is drawn'),
	};
	await assert.rejects(submitWindowedPost(context, { ...miner, currentDeadline: 0 }, params), {
		message: `proving period ${miner.periodStart} not yet open at ${miner.periodStart - 1}`,
		exitCode: exitCode.illegalState,
	});
});

test('refused: a caller who is neither owner, worker nor control address', async () => {
	const bench = await opened();
	const refusal = await bench.refusal({ ...bench.submission(0, [0]), from: bench.faucet });
	assert.ok(refusal.includes(frame(18, 'caller f0100 is not one of supported')));
});

test('refused: parameters that are not CBOR of that form', async () => {
	const bench = await opened();
	const refusal = await bench.refusal({ ...bench.submission(0, [0]), params: Uint8Array.of(0, 1, 2) });
	assert.match(refusal, /exit=\[ErrSerialization\(21\)\].*Serialization error for Cbor protocol/s);
});

test('a good proof is recorded without being verified, and marks its partition until the deadline closes', async () => {
	const bench = await opened();
	const landed = await bench.send(bench.submission(0, [0]));
	assert.equal(landed.receipt.exitCode, exitCode.ok);
	assert.equal(bench.verifier.verified, 0);
	assert.deepEqual([...bench.deadline(0).posted], [0]);
	await bench.closeDeadline();
	assert.deepEqual([...bench.deadline(0).posted], []);
	assert.equal(bench.deadline(0).closed.proofs.length, 1);
});

for (const [kind, tamper] of [
	['garbage', () => new Uint8Array(192).fill(9)],
	['a flipped bit', flipped],
	['a proof that is too short', (proof: Uint8Array) => proof.subarray(1)],
] as const) {
	test(`${kind} is accepted: nobody verifies it`, async () => {
		const bench = await opened();
		assert.equal((await bench.send(bench.submission(0, [0], { tamper }))).receipt.exitCode, exitCode.ok);
		assert.equal(powerSectors(bench.miner), 8);
	});
}

test('two partitions go in one message with one proof of twice the length', async () => {
	const bench = await opened();
	assert.equal((await bench.send(bench.submission(0, [0, 1]))).receipt.exitCode, exitCode.ok);
	assert.deepEqual([...bench.deadline(0).posted], [0, 1]);
});

test('one partition that is proven already fails the whole message', async () => {
	const bench = await opened();
	await bench.send(bench.submission(0, [0]));
	const both = bench.submission(0, [0, 1]);
	const refusal = await bench.refusal(both);
	const text = 'partition already proven: BitField { ranges: [0..1], set: {}, unset: {} }';
	assert.ok(refusal.includes(frame(16, `failed to process post submission for deadline 0: ${text}`)));
	assert.equal((await bench.send(both)).receipt.exitCode, exitCode.illegalArgument);
	assert.deepEqual([...bench.deadline(0).posted], [0]);
});

test('the estimation sees what the same sender has pending', async () => {
	const bench = await opened();
	const first = bench.submission(0, [0]);
	await bench.push(first);
	assert.match(await bench.refusal(bench.submission(0, [0])), /partition already proven/);
});

test('the estimation runs at the epoch of the head: one epoch before open a good proof is refused', async () => {
	const bench = new Bench();
	await bench.openDeadline(0);
	assert.match(await bench.refusal(bench.submission(0, [0])), /invalid deadline 0 at epoch 19, expected 5/);
	assert.equal((await bench.send(bench.submission(0, [0]))).receipt.exitCode, exitCode.ok);
});

test('skipped sectors are faulty at once, the others are proven', async () => {
	const bench = await opened();
	await bench.send(bench.submission(0, [0], { skipped: [1] }));
	assert.deepEqual([...(bench.deadline(0).partitions[0]?.faults ?? [])], [1]);
	assert.equal(powerSectors(bench.miner), 7);
	assert.equal(bench.verifier.verified, 0);
});

async function recovering(): Promise<Bench> {
	const bench = new Bench();
	await bench.mineTo(1);
	await bench.send(bench.declaration('faults', 0, 0, [0, 1]));
	await bench.send(bench.declaration('recoveries', 0, 0, [0]));
	await bench.openDeadline(0);
	await bench.node.mine();
	return bench;
}

test('a proof over a recovering sector is verified, restores its power at once and is not kept for disputes', async () => {
	const bench = await recovering();
	assert.equal(powerSectors(bench.miner), 6);
	const landed = await bench.send(bench.submission(0, [0]));
	assert.equal(landed.receipt.exitCode, exitCode.ok);
	assert.ok(landed.receipt.gasUsed > 100_000_000);
	assert.equal(powerSectors(bench.miner), 7);
	assert.ok(bench.verifier.verified > 0);
	await bench.closeDeadline();
	assert.equal(bench.deadline(0).closed.proofs.length, 0);
});

for (const [kind, tamper, causedBy] of [
	['a changed proof', flipped, '--> caused by: crypto::verify_post -- not on curve (1: illegal argument)\n'],
	[
		'a proof that is too short',
		(proof: Uint8Array) => proof.subarray(1),
		'--> caused by: crypto::verify_post -- expected exactly 192 bytes but got 191 (1: illegal argument)\n',
	],
] as const) {
	test(`with a recovering sector ${kind} is refused, at estimation and on the chain`, async () => {
		const bench = await recovering();
		const wrong = bench.submission(0, [0], { tamper });
		assert.ok((await bench.refusal(wrong)).includes(`${frame(16, 'invalid post was submitted')}${causedBy}`));
		assert.equal((await bench.send(wrong)).receipt.exitCode, exitCode.illegalArgument);
		assert.equal(powerSectors(bench.miner), 6);
		assert.deepEqual([...bench.deadline(0).posted], []);
	});
}

test('a skip takes back a recovery, and without recovery nothing is verified', async () => {
	const bench = await recovering();
	const message = bench.submission(0, [0, 1], { skipped: [0] });
	assert.equal((await bench.send(message)).receipt.exitCode, exitCode.ok);
	assert.deepEqual([...(bench.deadline(0).partitions[0]?.recoveries ?? [])], []);
	assert.equal(bench.verifier.verified, 0);
});

test('too little gas: exit code 7, all of it is paid, nothing is proven', async () => {
	const bench = await opened();
	const landed = await bench.send({ ...bench.submission(0, [0]), gasLimit: 3_000_000 });
	assert.deepEqual(landed.receipt, { exitCode: exitCode.outOfGas, gasUsed: 3_000_000 });
	assert.deepEqual([...bench.deadline(0).posted], []);
});
