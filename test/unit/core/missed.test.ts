/** When a deadline counts as missed: whenever the first view after it comes, and only where nothing landed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minerAddress } from '../../../src/codec/address.ts';
import { encodeMinerCall } from '../../../src/codec/miner-params.ts';
import { submissionOf } from '../../../src/codec/submission.ts';
import { workItem } from '../../../src/codec/work-id.ts';
import type { Effect } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { attoFil, epoch, hex32, partitionIndex } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { Role } from '../../../src/domain/roster.ts';
import type { Submission } from '../../../src/domain/submission.ts';
import { CoreBench, DUE_CHALLENGE as challenge, MINER } from '../../support/core.ts';

const due = [0, 1].map((partition) => ({
	partition: partitionIndex(partition),
	sectorCount: 4,
	sectorRoot: hex32('33'.repeat(32)),
}));
const [first] = due.map((partition) => workItem('corenet', challenge, partition).id);
const JUDGED = challenge.close + limits.confirmationEpochs;

class MissBench extends CoreBench {
	constructor(self: readonly Role[]) {
		super({ self, other: ['chain', 'submitter'], p: ['prover'] });
		for (let i = 0; i < 24; i++) this.second();
	}

	/** The own full node's view; it shows the deadline until it closes. */
	see(at: number, posted: readonly number[] = []): readonly Effect[] {
		const seen = { challenge, due, posted: at < challenge.open ? null : Bitfield.of(posted) };
		const view = {
			miner: MINER,
			epoch: epoch(at),
			challenges: at < challenge.close ? [seen] : [],
			sender: { address: this.sender, nonce: 0, pool: [] },
			baseFee: attoFil(100n),
		};
		return [
			...this.give({ type: 'head', epoch: epoch(at) }),
			...this.give({ type: 'chain-view', view }),
			...this.second(),
		];
	}

	get sender(): string {
		return this.state.roster.roster.miners[0]?.sender ?? '';
	}

	/** Partitions with the alarm, ascending. */
	get missed(): readonly unknown[] {
		return this.state.alarms
			.values()
			.filter(({ alarm: { code } }) => code === 'deadline-missed')
			.map(({ alarm: { facts } }) => facts['partition'])
			.sort((a, b) => Number(a) - Number(b));
	}

	/** Another member tells a message for the first partition. */
	tell(): Submission {
		const commit = { commitEpoch: challenge.open, commitRandomness: hex32('00'.repeat(32)) };
		const params = {
			deadline: challenge.deadline,
			partition: partitionIndex(0),
			skipped: Bitfield.empty,
			proofType: 10,
			proof: new Uint8Array(192),
			...commit,
		} as const;
		const message = {
			version: 0,
			to: minerAddress(MINER),
			from: this.sender,
			nonce: 0,
			value: attoFil(0n),
			gasLimit: 1_000,
			gasFeeCap: attoFil(1_000n),
			gasPremium: attoFil(100n),
			...encodeMinerCall({ kind: 'submit-post', params }),
		} as const;
		assert.ok(first !== undefined);
		const submission = submissionOf(first, { message, signatureType: 1, signature: new Uint8Array(65) });
		this.hear('other', { kind: 'sub', body: submission }, challenge.open + 5);
		return submission;
	}
}

test('a missed deadline is alarmed at the first view after it, however long the full node was away', () => {
	const bench = new MissBench(['chain', 'submitter']);
	bench.see(challenge.open);
	bench.see(challenge.close - 2, [1]);
	bench.give({ type: 'chain-lost' });
	bench.see(challenge.close + 300);
	assert.deepEqual(bench.missed, [0]);
});

test('a missed deadline is alarmed by a node that was started anew since, and again after the next start', () => {
	const bench = new MissBench(['chain', 'submitter']);
	bench.see(challenge.open);
	bench.see(challenge.close - 2, [1]);
	for (const at of [JUDGED + 30, JUDGED + 60]) {
		bench.restart();
		assert.deepEqual(bench.missed, []);
		bench.see(at);
		assert.deepEqual(bench.missed, [0]);
	}
});

test('what was landed in the last tipset before the close is looked for before it counts as missed', () => {
	const bench = new MissBench(['chain']);
	bench.see(challenge.open);
	const { cid } = bench.tell();
	// No view shows it as posted, and this node may not sign, so that it follows no message.
	bench.see(challenge.close - 1, [1]);
	const searched = bench.see(JUDGED).filter(({ type }) => type === 'search');
	assert.equal(searched.length, 1);
	assert.deepEqual(bench.missed, []);
	const lookup = { message: cid, exitCode: 0, height: epoch(challenge.close - 1), tipSet: [], gasUsed: 0 };
	bench.give({ type: 'searched', cid, epoch: epoch(JUDGED), lookup, posted: false });
	bench.see(JUDGED + 1);
	assert.deepEqual(bench.missed, []);
	bench.restart();
	bench.see(JUDGED + 2);
	assert.deepEqual(bench.missed, [], 'nor by the next life');
});

test('a message that no tipset holds saves nothing; a search that failed is made again first', () => {
	const bench = new MissBench(['chain']);
	bench.see(challenge.open);
	const { cid } = bench.tell();
	bench.see(JUDGED);
	bench.give({ type: 'searched', cid, epoch: epoch(-1), lookup: null, posted: false });
	assert.equal(bench.see(JUDGED + 1).filter(({ type }) => type === 'search').length, 1);
	bench.give({ type: 'searched', cid, epoch: epoch(JUDGED + 1), lookup: null, posted: false });
	bench.see(JUDGED + 2);
	assert.deepEqual(bench.missed, [0, 1]);
});
