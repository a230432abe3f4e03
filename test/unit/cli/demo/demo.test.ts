import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { type ExampleName, exampleConfig } from '../../../../src/cli/demo/example-config.ts';
import { parseGenesis } from '../../../../src/cli/demo/genesis-file.ts';
import { type Evidence, judge } from '../../../../src/cli/demo/judge.ts';
import { Observer } from '../../../../src/cli/demo/observer.ts';
import { progressText } from '../../../../src/cli/demo/progress-text.ts';
import { median } from '../../../../src/cli/demo/summary.ts';
import type { PartitionStatistics } from '../../../../src/devnet/statistics.ts';
import { parseConfig } from '../../../../src/node/config.ts';

const EXAMPLES: readonly ExampleName[] = ['bootstrap', 'storage', 'prover', 'chain-submitter', 'all-in-one'];

test('every example of bootstrap/ is a valid config, changed or not', async () => {
	for (const name of EXAMPLES) {
		parseConfig(await exampleConfig(name), `${name}.toml`);
		const changed = parseConfig(await exampleConfig(name, { control: { address: '127.0.0.1:4150' } }), 'x');
		assert.equal(changed.control.address, '127.0.0.1:4150');
	}
});

test('changes merge tables, replace values, and null removes', async () => {
	const text = await exampleConfig('prover', { prover: { slots: 2 }, spool: null }, { network: { dht: false } });
	const { prover, spool, network } = parse(text) as Record<string, Record<string, unknown>>;
	assert.equal(prover?.['slots'], 2);
	assert.equal(spool, undefined);
	assert.deepEqual({ ...network }, { listen: ['/ip4/0.0.0.0/tcp/4101'], bootstrap: [], dht: false });
});

test('a genesis names what is wrong with it', () => {
	const sector = { number: 0, commR: '0'.repeat(64), sealProof: 5 };
	const miner = { id: 1000, proofType: 10, sectors: [sector] };
	assert.deepEqual(parseGenesis({ miners: [miner] }, 'x'), {
		miners: [{ ...miner, workerKey: { type: 'secp256k1' } }],
		policy: {},
	});
	for (const [content, complaint] of [
		[{}, /miners/],
		[{ miners: [{ ...miner, proofType: 5 }] }, /proofType/],
		[{ miners: [{ ...miner, sectors: [{ ...sector, commR: 'ff' }] }] }, /64 hex digits/],
		[{ miners: [miner], polcy: {} }, /polcy/],
	] as const) {
		assert.throws(
			() => parseGenesis(content, 'x'),
			(error: Error & { code?: string }) => {
				assert.equal(error.code, 'devnet-genesis');
				assert.match(error.message, complaint);
				return true;
			},
		);
	}
});

test('the median of nothing is unknown', () => {
	assert.equal(median([]), null);
	assert.equal(median([7]), 7);
	assert.equal(median([9, 1, 4]), 4);
	assert.equal(median([1, 2, 4, 100]), 3);
});

test('progress says how far and how long only where that is known', () => {
	const what = 'sectors';
	assert.equal(progressText({ what, share: undefined, leftMs: undefined }), 'Making the sectors: starting');
	assert.equal(progressText({ what, share: 0.5, leftMs: undefined }), 'Making the sectors: 50 %');
	assert.equal(progressText({ what, share: undefined, leftMs: 9000 }), 'Making the sectors: about 9.0s left');
	assert.equal(progressText({ what, share: 0.25, leftMs: 65_000 }), 'Making the sectors: 25 %, about 1m05s left');
});

const EXIT = { ok: 0, illegalArgument: 16 };

function row(miner: string, partition: number, over: Partial<PartitionStatistics> = {}): PartitionStatistics {
	return { miner, periodStart: 2880, deadline: 1, partition, messages: 1, accepted: 1, missed: false, ...over };
}

function evidence(over: Partial<Evidence> = {}, rows?: readonly PartitionStatistics[]): Evidence {
	const partitions = rows ?? [...[0, 1, 2, 3].map((index) => row('f01000', index)), row('f01001', 0)];
	const abandoned = [10, 20].map((ms, partition) => ({
		work: `work-${partition}`,
		partition,
		wallMs: 1000,
		claim: { work: `work-${partition}`, node: 'prover-2', wallMs: 1000 + ms, partition },
	}));
	return {
		stats: {
			acceptedPartitions: 5,
			missedPartitions: 0,
			paidTwice: 0,
			disputes: { lost: 0, survived: 0, refused: 0 },
			partitions,
		},
		faults: 0,
		kills: [{ name: 'prover-1', wallMs: 1000, works: abandoned }],
		abandoned,
		tampered: { exitCode: EXIT.ok, height: 1 },
		honest: { made: 4, survived: 4, lost: 0 },
		control: { made: 1, survived: 0, lost: 1 },
		stageMs: { find: 1, open: 2, transfer: 3, check: 4, prove: 5, verify: 6, submit: null },
		died: [],
		wallMs: 1,
		...over,
	};
}

test('a demo in which all held is ok', () => {
	const summary = judge(evidence());
	assert.deepEqual(summary.failures, []);
	assert.equal(summary.ok, true);
	assert.deepEqual(summary.takeoverMs, [10, 20]);
	assert.deepEqual(summary.disputes, { honest: 4, honestSurvived: 4, tampered: 1, tamperedLost: 1 });
});

test('each thing that did not hold fails the demo', () => {
	const four = [0, 1, 2, 3].map((index) => row('f01000', index));
	const control = row('f01001', 0);
	const failing: readonly Evidence[] = [
		evidence({}, [...four.slice(1), row('f01000', 0, { accepted: 0, missed: true }), control]),
		evidence({}, [...four.slice(1), row('f01000', 0, { messages: 2 }), control]),
		evidence({}, [...four, row('f01001', 0, { accepted: 0 })]),
		evidence({ faults: 1 }),
		evidence({ kills: [], abandoned: [] }),
		evidence({ abandoned: evidence().abandoned.map((each) => ({ ...each, claim: undefined })) }),
		evidence({ tampered: { exitCode: EXIT.illegalArgument, height: 1 } }),
		evidence({ control: { made: 1, survived: 1, lost: 0 } }),
		evidence({ control: { made: 0, survived: 0, lost: 0 } }),
		evidence({ honest: { made: 0, survived: 0, lost: 0 } }),
		// A dispute that failed for another reason than a valid proof shows nothing.
		evidence({ honest: { made: 4, survived: 3, lost: 0 } }),
		evidence({ honest: { made: 4, survived: 3, lost: 1 } }),
		evidence({ died: ['storage-1: it ended by itself (exit code 1)'] }),
	];
	for (const [index, each] of failing.entries()) {
		const summary = judge(each);
		assert.equal(summary.ok, false, `case ${index}`);
		assert.equal(summary.failures.length > 0, true);
	}
});

test('a takeover is the first claim by another node after the kill', () => {
	const observer = new Observer();
	const take = (node: string, type: string, wallMs: number): void =>
		observer.take({ type, wallMs, facts: { work: 'w', partition: 3 } }, { name: node } as Parameters<
			Observer['take']
		>[1]);
	take('prover-1', 'claim', 100);
	take('prover-2', 'claim', 150);
	take('prover-1', 'claim', 210);
	take('prover-2', 'release', 220);
	take('prover-2', 'takeover', 230);
	take('prover-3', 'hedge', 240);
	const taken = observer.claimAfter('w', 200, 'prover-1');
	assert.deepEqual([taken?.wallMs, taken?.node, taken?.partition], [230, 'prover-2', 3]);
	for (const [wallMs, shared] of [
		[150, false],
		[151, true],
		[219, true],
		[220, false],
		[235, true],
	] as const) {
		assert.equal(observer.wasShared('w', wallMs, 'prover-1'), shared, `${wallMs}`);
	}
	assert.equal(observer.claimAfter('other', 0, 'prover-1'), undefined);
	assert.equal(observer.submitMs('w'), undefined);
	take('chain-2', 'sign', 320);
	take('chain-1', 'sign', 300);
	take('chain-1', 'included', 450);
	assert.equal(observer.submitMs('w'), 150);
});
