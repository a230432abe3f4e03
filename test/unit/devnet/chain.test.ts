/** Tipsets, null rounds, reorgs, repetition from the seed, and where a message is found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tipSetAt } from '../../../src/devnet/chain/tipset.ts';
import type { HeadEvent } from '../../../src/devnet/full-node.ts';
import { type Lookup, searchMessage } from '../../../src/devnet/pool/lookup.ts';
import { attoFil, type CidText } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { Bench } from '../../support/devnet-bench.ts';

function search(bench: Bench, cid: CidText, limit = -1, allowReplaced = true): Lookup | undefined {
	const known = bench.node.pool.known(cid);
	assert.ok(known);
	return searchMessage(bench.node.chain.head, known, cid, { limit, allowReplaced });
}

test('equal seeds and equal messages give equal chains, another seed gives another', async () => {
	const grow = async (seed: string): Promise<string> => {
		const bench = new Bench({ seed });
		await bench.openDeadline(0);
		await bench.node.mine(2);
		await bench.push(bench.submission(0, [0]));
		await bench.mineTo(40);
		return bench.node.chain.head.cid;
	};
	assert.equal(await grow('one'), await grow('one'));
	assert.notEqual(await grow('one'), await grow('two'));
});

test('null rounds leave heights out; the block after them carries their beacon entries', async () => {
	const bench = new Bench();
	await bench.mineTo(3);
	const before = bench.node.chain.head;
	await bench.node.mine(3);
	const { head } = bench.node.chain;
	assert.equal(head.height, 7);
	assert.deepEqual(head.header.parents, before.key);
	assert.deepEqual(
		head.header.beaconEntries.map(({ round }) => round),
		[104, 105, 106, 107],
	);
	assert.equal(tipSetAt(head, 5, 'before'), before);
	assert.equal(tipSetAt(head, 5, 'after'), head);
	assert.equal(tipSetAt(head, 3, 'after'), before);
});

test('the effect of a message shows in the state of the tipset after the including one', async () => {
	const bench = new Bench();
	await bench.mineTo(1);
	await bench.send(bench.declaration('faults', 1, 0, [4]));
	const { head } = bench.node.chain;
	const faults = (world: typeof head.before) => [...world.miners.values()][0]?.deadlines[1]?.partitions[0]?.faults.size;
	assert.equal(faults(head.before), 0);
	await bench.node.mine();
	assert.equal(faults(bench.node.chain.head.before), 1);
});

test('a message is found in the tipset after the including one, not while it is pending, not beyond the limit', async () => {
	const bench = new Bench();
	await bench.mineTo(1);
	const cid = await bench.push(bench.declaration('faults', 1, 0, [4]));
	assert.equal(search(bench, cid), undefined);
	await bench.node.mine();
	assert.equal(search(bench, cid), undefined, 'nothing was built on it yet');
	await bench.node.mine();
	const found = search(bench, cid);
	assert.equal(found?.tipSet, bench.node.chain.head);
	assert.equal(found?.receipt.exitCode, 0);
	await bench.node.mine();
	assert.equal(search(bench, cid, 0), undefined);
	assert.equal(search(bench, cid, 1), undefined);
	assert.equal(search(bench, cid, 2)?.cid, cid);
});

test('a replaced message is found under the CID of its replacement, if that is allowed', async () => {
	const bench = new Bench();
	await bench.mineTo(1);
	const message = bench.declaration('faults', 1, 0, [4]);
	const original = await bench.push(message);
	const replacement = await bench.push({ ...message, gasPremium: attoFil(125_001n) });
	await bench.mineTo(3);
	assert.equal(search(bench, original)?.cid, replacement);
	assert.equal(search(bench, original, -1, false), undefined);
	assert.equal(search(bench, replacement)?.cid, replacement);
});

test('a reorg takes back what happened, the messages are pending again and land once more', async () => {
	const bench = new Bench();
	await bench.openDeadline(0);
	await bench.node.mine();
	const submission = bench.submission(0, [0]);
	const before = bench.commitRandomness(16);
	const landed = await bench.send(submission);
	await bench.node.mine();
	assert.ok(search(bench, landed.cid));
	const events: (readonly HeadEvent[])[] = [];
	bench.node.onHeads((changes) => events.push(changes));
	const old = bench.node.chain.head;
	await bench.node.reorg(2, 2);
	assert.equal(events.length, 1, 'one head change');
	assert.deepEqual(
		events[0]?.map(({ type, node }) => [type, node.height]),
		[
			['revert', old.height],
			['revert', old.height - 1],
			['apply', old.height - 1],
			['apply', old.height],
		],
	);
	assert.notEqual(bench.node.chain.head.cid, old.cid);
	assert.deepEqual([...bench.deadline(0).posted], []);
	assert.equal(search(bench, landed.cid), undefined);
	assert.deepEqual(
		bench.node.pool.pending().map(({ cid }) => cid),
		[landed.cid],
	);
	assert.deepEqual(bench.node.statistics.report(bench.node.chain.head).partitions, []);
	assert.equal(bench.commitRandomness(16), before, 'the challenge lies before the reorg');
	await bench.node.mine();
	assert.deepEqual([...bench.deadline(0).posted], [0]);
});

test('a reorg behind the challenge changes the commit randomness, not the challenge', async () => {
	const bench = new Bench();
	await bench.openDeadline(0);
	await bench.node.mine();
	const submission = bench.submission(0, [0]);
	const before = bench.commitRandomness(16);
	await bench.node.reorg(6, 6);
	assert.notEqual(bench.commitRandomness(16), before);
	assert.match(await bench.refusal(submission), /post commit randomness mismatched/);
	assert.deepEqual(bench.submission(0, [0]).params.length, submission.params.length);
	assert.equal((await bench.send(bench.submission(0, [0]))).receipt.exitCode, 0);
});

test('a reorg reaches back to genesis at most', async () => {
	const bench = new Bench();
	await bench.mineTo(3);
	await bench.node.reorg(100, 0);
	assert.equal(bench.node.chain.head, bench.node.chain.genesis);
});

test('a partition that was paid for twice is counted, on the chain that counts', async () => {
	const bench = new Bench();
	await bench.openDeadline(0);
	await bench.node.mine();
	await bench.send(bench.submission(0, [0]));
	await bench.send(bench.submission(0, [0]));
	const report = () => bench.node.statistics.report(bench.node.chain.head);
	assert.equal(report().paidTwice, 1);
	assert.equal(report().acceptedPartitions, 1);
	assert.deepEqual(report().partitions, [
		{ miner: 'f01001', periodStart: 20, deadline: 0, partition: 0, messages: 2, accepted: 1, missed: false },
	]);
	await bench.node.reorg(1, 0);
	assert.equal(report().paidTwice, 0);
});

test('old tipsets are forgotten, their totals are not', async () => {
	const bench = new Bench();
	await bench.openDeadline(0);
	await bench.node.mine();
	await bench.send(bench.submission(0, [0]));
	const first = bench.node.chain.head;
	for (let i = 0; i < limits.devnetTipSets; i++) await bench.node.mine();
	const { chain } = bench.node;
	assert.equal(chain.byCid(first.cid), undefined);
	assert.ok(chain.byCid(chain.genesis.cid));
	const report = bench.node.statistics.report(chain.head);
	assert.equal(report.acceptedPartitions, 1);
	assert.ok(report.missedPartitions >= 3, 'partition 1 of deadline 0, those of 1 and 2');
});
