/** What people see of a node, and what it costs to look. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minerAddress } from '../../../src/codec/address.ts';
import { encodeMinerCall } from '../../../src/codec/miner-params.ts';
import { submissionOf } from '../../../src/codec/submission.ts';
import { enterMessage } from '../../../src/core/messages.ts';
import { view } from '../../../src/core/view.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { attoFil, epoch, hex32, partitionIndex } from '../../../src/domain/ids.ts';
import { CoreBench, DUE_CHALLENGE as challenge, MINER } from '../../support/core.ts';

/** A chain node on whose disk each of so many due partitions has a message. */
function benchWith(partitions: number): CoreBench {
	const bench = new CoreBench({ self: ['chain', 'submitter'] });
	const due = Array.from({ length: partitions }, (_, partition) => ({
		partition: partitionIndex(partition),
		sectorCount: 4,
		sectorRoot: hex32('33'.repeat(32)),
	}));
	const at = epoch(challenge.open);
	const from = bench.state.roster.roster.miners[0]?.sender ?? '';
	bench.give({ type: 'head', epoch: at });
	bench.give({
		type: 'chain-view',
		view: {
			miner: MINER,
			epoch: at,
			challenges: [{ challenge, due, posted: Bitfield.empty }],
			sender: { address: from, nonce: 0, pool: [] },
			baseFee: attoFil(100n),
		},
	});
	for (const work of bench.state.works.values()) {
		const { deadline, partition, proofType } = work.item;
		const params = { deadline, partition, skipped: Bitfield.empty, proofType, proof: new Uint8Array(192) };
		const commit = { commitEpoch: at, commitRandomness: hex32('00'.repeat(32)) };
		const message = {
			...{ version: 0 as const, to: minerAddress(MINER), from, nonce: partition, value: attoFil(0n), gasLimit: 1 },
			...{ gasFeeCap: attoFil(1n), gasPremium: attoFil(1n) },
			...encodeMinerCall({ kind: 'submit-post', params: { ...params, ...commit } }),
		};
		const signed = { message, signatureType: 1 as const, signature: new Uint8Array(65) };
		enterMessage(bench.state, work, submissionOf(work.item.id, signed));
	}
	return bench;
}

test('a look at the node costs as much as there are items, not items times messages', () => {
	const partitions = 200;
	const bench = benchWith(partitions);
	let reads = 0;
	for (const [cid, message] of bench.state.messages) {
		const { submission } = message;
		const read = (): typeof submission => {
			reads++;
			return submission;
		};
		bench.state.messages.set(cid, Object.defineProperty({ ...message }, 'submission', { get: read }));
	}
	const { items } = view(bench.state, bench.now);
	assert.deepEqual(
		items.map(({ submission }) => submission?.nonce),
		items.map(({ partition }) => partition),
		'each shows its own message',
	);
	assert.ok(reads > 0 && reads <= 5 * partitions, `${reads} reads of ${partitions} messages`);
});

test('a view has the items that are asked for, by what they are and by the epochs left', () => {
	const bench = benchWith(3);
	const left = challenge.close - challenge.open;
	const asked = (shows: Parameters<typeof view>[2]): readonly number[] =>
		view(bench.state, bench.now, shows).items.map(({ partition }) => partition);
	assert.deepEqual(
		asked((_, epochsLeft) => epochsLeft === left),
		[0, 1, 2],
	);
	assert.deepEqual(
		asked(({ partition }) => partition === 1),
		[1],
	);
	assert.deepEqual(
		asked(() => false),
		[],
	);
});

test('an item whose message is being made shows that', () => {
	const bench = benchWith(2);
	const [work] = bench.state.works.values();
	const [sender] = bench.state.senders.values();
	assert.ok(work !== undefined && sender !== undefined);
	const shown = () => view(bench.state, bench.now, ({ id }) => id === work.item.id).items[0]?.submission?.phase;
	assert.equal(shown(), 'waiting');
	sender.busy = { work: work.item.id, nonce: null };
	assert.equal(shown(), 'preparing');
	sender.busy = { work: work.item.id, nonce: 7 };
	assert.equal(shown(), 'signing');
});
