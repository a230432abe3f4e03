import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workItem } from '../../../src/codec/work-id.ts';
import { alarm, clearAlarm } from '../../../src/core/outbox.ts';
import { attoFil, epoch, hex32, partitionIndex } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { CoreBench, DUE_CHALLENGE, MINER } from '../../support/core.ts';

test('alarms of one kind hide no other: one of theirs is cleared for it, and they do not come and go', () => {
	const { state } = new CoreBench({ self: ['prover'] });
	alarm(state, 'bad-result', 'liar');
	for (let i = 0; i < 2 * limits.alarms; i++) alarm(state, 'submission-refused', `item ${i}`);
	state.out = { persist: [], after: [] };
	alarm(state, 'submission-refused', 'one more');
	assert.deepEqual(state.out.after, []);
	alarm(state, 'key-cloned', 'self');
	assert.deepEqual(
		state.out.after.map(({ type }) => type),
		['alarm-cleared', 'alarm'],
	);
	assert.equal(state.alarms.size, limits.alarms);
	assert.ok(state.alarms.has('bad-result/liar') && state.alarms.has('key-cloned/self'));
	clearAlarm(state, 'submission-refused', 'item 1');
	alarm(state, 'submission-refused', 'one more');
	assert.ok(state.alarms.has('submission-refused/one more'), 'with room it is raised');
});

test('alarms about an item go with it, and a missed deadline is shown for as long', () => {
	const { bench, id } = due();
	alarm(bench.state, 'deadline-missed', id);
	alarm(bench.state, 'many-skips', id);
	bench.head(CLOSE + limits.retentionEpochs);
	assert.ok(bench.state.alarms.has(`deadline-missed/${id}`), 'for a proving period');
	bench.head(CLOSE + limits.retentionEpochs + 1);
	assert.equal(bench.state.works.size, 0);
	assert.equal(bench.state.alarms.size, 0);
});

test('an alarm about what a member did is cleared when it was not done again for a day; a state stays', () => {
	const { bench } = due();
	alarm(bench.state, 'bad-result', 'liar');
	alarm(bench.state, 'keys-differ', 'other');
	bench.now += limits.alarmMs - 2_000;
	bench.second();
	alarm(bench.state, 'bad-result', 'liar');
	bench.now += 2_000;
	bench.second();
	assert.equal(bench.state.alarms.size, 2);
	bench.now += limits.alarmMs;
	bench.second();
	assert.deepEqual([...bench.state.alarms.keys()], ['keys-differ/other']);
});

const CLOSE = DUE_CHALLENGE.close;

/** A chain node that knows of one item. */
function due() {
	const bench = new (class extends CoreBench {
		head(at: number): void {
			this.give({ type: 'head', epoch: epoch(at) });
			this.second();
		}
	})({ self: ['chain'] });
	bench.head(DUE_CHALLENGE.open);
	const partition = { partition: partitionIndex(0), sectorCount: 4, sectorRoot: hex32('33'.repeat(32)) };
	const view = {
		miner: MINER,
		epoch: epoch(DUE_CHALLENGE.open),
		challenges: [{ challenge: DUE_CHALLENGE, due: [partition], posted: null }],
		sender: { address: 'f1sender', nonce: 0, pool: [] },
		baseFee: attoFil(1n),
	};
	bench.give({ type: 'chain-view', view });
	const { id } = workItem('corenet', DUE_CHALLENGE, partition);
	assert.ok(bench.state.works.has(id));
	return { bench, id };
}
