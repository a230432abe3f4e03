/** How much a busy node takes on, and whom it counts on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workItem } from '../../../src/codec/work-id.ts';
import { waitMs } from '../../../src/core/claim.ts';
import { createJob } from '../../../src/core/job.ts';
import type { Work } from '../../../src/core/state.ts';
import { fits } from '../../../src/core/timing.ts';
import { epoch, hex32, partitionIndex } from '../../../src/domain/ids.ts';
import { CoreBench, DUE_CHALLENGE as challenge, idleRecord, MINER } from '../../support/core.ts';

const NOW = challenge.challenge + 5;
const dueOf = (partition: number) => ({
	partition: partitionIndex(partition),
	sectorCount: 4,
	sectorRoot: hex32('33'.repeat(32)),
});
const idOf = (partition: number) => workItem('corenet', challenge, dueOf(partition)).id;

/** A prover and another one, both in sync, and five items. Nobody holds a sector. */
function provers(): { readonly bench: CoreBench; readonly works: readonly Work[] } {
	const bench = new CoreBench({ self: ['prover', 'chain'], other: ['prover'] });
	for (let i = 0; i < 24; i++) bench.second();
	bench.give({ type: 'head', epoch: epoch(NOW) });
	const due = [0, 1, 2, 3, 4].map(dueOf);
	const sender = { address: 'f1sender', nonce: 0, pool: [] };
	const challenges = [{ challenge, due, posted: null }];
	bench.give({
		type: 'chain-view',
		view: { miner: MINER, epoch: epoch(NOW), challenges, sender, baseFee: 1n as never },
	});
	const works = due.map(({ partition }) => bench.state.works.get(idOf(partition)));
	return { bench, works: works.filter((work) => work !== undefined) };
}

test('a member that measured another size fits: it may be the only one with a free slot', () => {
	const { bench, works } = provers();
	const [work] = works as [Work];
	const other = bench.id('other');
	assert.equal(fits(bench.state, other, work), false, 'never heard');
	const estimates = [{ proofType: 13, p95Ms: 1, p99Ms: 1 }];
	bench.hear('other', { kind: 'rec', body: idleRecord({ estimates }) }, NOW);
	assert.equal(fits(bench.state, other, work), true);
	bench.hear('other', { kind: 'rec', body: idleRecord({ estimates, synced: false }) }, NOW);
	assert.equal(fits(bench.state, other, work), false, 'not in sync');
	bench.hear('other', { kind: 'rec', body: idleRecord({ slots: 0, idle: 0 }) }, NOW);
	assert.equal(fits(bench.state, other, work), false, 'without a slot');
});

/** The roster gives the node more slots than it has in service, one; it holds so many leases. */
function busy(jobs: number, rosterSlots: number) {
	const { bench, works } = provers();
	const { state } = bench;
	Object.assign(state.roster.byId.get(bench.id('self')) ?? {}, { slots: rosterSlots });
	for (const work of works.slice(0, jobs)) createJob(state, work, 1, false, null);
	return { bench, state, work: works.at(-1) as Work };
}

test('a survivor takes what has lost its holder on top of its one item ahead, as far as the roster lets leases go', () => {
	const orphaned = (jobs: number, rosterSlots: number): number | null => {
		const { bench, state, work } = busy(jobs, rosterSlots);
		work.claim.lastHolder = bench.id('other');
		return waitMs(state, work);
	};
	assert.equal(typeof orphaned(1, 3), 'number', 'one item ahead');
	assert.equal(typeof orphaned(2, 3), 'number');
	assert.equal(typeof orphaned(3, 3), 'number');
	assert.equal(orphaned(4, 3), null, 'more leases than slots + 1 are not honoured');
	assert.equal(orphaned(2, 1), null);
});

test('what nobody held waits for a slot, and so does an orphan that a member with a free slot can take', () => {
	const { bench, state, work } = busy(2, 3);
	assert.equal(waitMs(state, work), null);
	work.claim.lastHolder = bench.id('other');
	assert.equal(typeof waitMs(state, work), 'number');
	bench.hear('other', { kind: 'rec', body: idleRecord() }, NOW);
	assert.equal(waitMs(state, work), null);
});
