/**
 * The embedded chain really judges proofs: real sectors, the real prover, the real verifier. An honest proof survives
 * its dispute; a tampered one is accepted and loses; with recovering sectors the honest one restores power at once and
 * the tampered one is refused at estimation.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { NativeChecker } from '../../src/adapters/native/checker.ts';
import { NativeProverSlot } from '../../src/adapters/native/prover.ts';
import { NativeVanillaSource } from '../../src/adapters/native/vanilla-source.ts';
import { NativeVerifier } from '../../src/adapters/native/verifier.ts';
import { exitCode } from '../../src/devnet/actor/abort.ts';
import { postChallenge } from '../../src/devnet/chain/randomness.ts';
import { deadlineInfo } from '../../src/devnet/deadlines.ts';
import { BENCH_MINER, Bench, flipped } from '../support/devnet-bench.ts';
import { ensureParams, ensureSectors, nativeChild } from '../support/native-fixtures.ts';
import { systemClock } from '../support/system-clock.ts';

const SEALED_MINER = 1000;
const never = new AbortController().signal;

describe('disputes with the real verifier', () => {
	let folder: string;
	let bench: Bench;
	let workers: {
		source: NativeVanillaSource;
		checker: NativeChecker;
		slot: NativeProverSlot;
		verifier: NativeVerifier;
	};
	let spools = 0;

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), 'poster-dispute-'));
		const params = await ensureParams();
		const sealed = await ensureSectors(SEALED_MINER, 4);
		const child = (mode: 'prove' | 'verify') => nativeChild(mode, '--params', params, '--test-params');
		workers = {
			source: new NativeVanillaSource(await nativeChild('vanilla', '--storage', sealed.dir), systemClock),
			checker: new NativeChecker(await nativeChild('check'), systemClock),
			slot: new NativeProverSlot('cpu-0', await child('prove'), systemClock),
			verifier: new NativeVerifier(await child('verify')),
		};
		const sectors = sealed.sectors.map(({ number, commR }) => ({ number, commR, sealProof: 5, deadline: 0 }));
		const miner = { ...BENCH_MINER, id: SEALED_MINER, sectors };
		bench = new Bench({ miners: [miner], judge: workers.verifier });
	});
	after(async () => {
		await Promise.all([workers.source.close(), workers.checker.close(), workers.slot.close()]);
		await workers.verifier.close();
		await rm(folder, { recursive: true });
	});

	/** A real proof of a partition's good and recovering sectors for the deadline that is open. */
	async function prove(partition: number): Promise<Uint8Array> {
		const { policy, seed } = bench.node.chain;
		const { challenge } = deadlineInfo(policy, bench.miner.periodStart, 0, bench.height);
		const state = bench.deadline(0).partitions[partition];
		assert.ok(state);
		const numbers = state.sectors.subtract(state.faults).union(state.recoveries);
		const sectors = [...bench.miner.sectors.values()].filter(({ number }) => numbers.has(number));
		const request = {
			proofType: 10,
			miner: bench.miner.id,
			randomness: postChallenge(seed, bench.miner.id, challenge),
			sectors,
		};
		const session = await workers.checker.begin(request, join(folder, `spool-${spools++}`));
		for await (const opened of workers.source.open(request, never)) {
			assert.ok('proof' in opened);
			assert.deepEqual(await session.check(opened.sector, opened.proof), { ok: true });
		}
		await session.finish();
		const made = await workers.slot.prove({ statement: request, spool: session.spool }, () => undefined, never);
		await session.drop();
		return made.proof;
	}

	const submit = (partitions: readonly number[], proof: Uint8Array) =>
		bench.submission(0, partitions, { tamper: () => proof });
	const openDeadline = async (): Promise<void> => {
		await bench.openDeadline(0);
		await bench.node.mine();
	};
	const closeDeadline = async (): Promise<void> => {
		await bench.closeDeadline();
		await bench.node.mine();
	};
	const faulty = (partition: number): number[] => [...(bench.deadline(0).partitions[partition]?.faults ?? [])];

	test('an honest proof survives, a tampered one is accepted and loses', async () => {
		await openDeadline();
		assert.equal((await bench.send(submit([0], await prove(0)))).receipt.exitCode, exitCode.ok);
		assert.equal((await bench.send(submit([1], flipped(await prove(1))))).receipt.exitCode, exitCode.ok);
		await closeDeadline();
		assert.match(await bench.refusal(bench.dispute(0, 0)), /failed to dispute valid post \(16\)/);
		assert.equal((await bench.send(bench.dispute(0, 0))).receipt.exitCode, exitCode.illegalArgument);
		assert.equal((await bench.send(bench.dispute(0, 1))).receipt.exitCode, exitCode.ok);
		assert.deepEqual([faulty(0), faulty(1)], [[], [2, 3]]);
	});

	test('with recovering sectors the tampered proof is refused at estimation, the honest one restores the power', async () => {
		await bench.send(bench.declaration('recoveries', 0, 1, [2, 3]));
		await openDeadline();
		const honest = await prove(1);
		assert.match(await bench.refusal(submit([1], flipped(honest))), /invalid post was submitted \(16\)/);
		assert.deepEqual(faulty(1), [2, 3]);
		assert.equal((await bench.send(submit([1], honest))).receipt.exitCode, exitCode.ok);
		assert.deepEqual(faulty(1), []);
		await bench.send(submit([0], await prove(0)));
		await closeDeadline();
		assert.match(await bench.refusal(bench.dispute(0, 1)), /proof 1 not found/);
	});

	test('one message over two partitions survives', async () => {
		await openDeadline();
		const both = Buffer.concat([await prove(0), await prove(1)]);
		assert.equal((await bench.send(submit([0, 1], both))).receipt.exitCode, exitCode.ok);
		await closeDeadline();
		assert.match(await bench.refusal(bench.dispute(0, 0)), /failed to dispute valid post \(16\)/);
	});
});
