import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarm, clearAlarm } from '../../../src/core/outbox.ts';
import { limits } from '../../../src/domain/limits.ts';
import { CoreBench } from '../../support/core.ts';

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
