import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Membership } from '../../../../src/adapters/libp2p/membership.ts';
import { monoMs, nodeId } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { systemClock } from '../../../support/system-clock.ts';

const a = nodeId('a');

function atTime(): { readonly membership: Membership; pass(ms: number): void } {
	let now = 0;
	const membership = new Membership({ ...systemClock, now: () => monoMs(now) }, memoryMetrics());
	membership.replace([a]);
	return {
		membership,
		pass: (ms) => {
			now += ms;
		},
	};
}

test('a ban ends by itself, and with the membership', () => {
	const { membership, pass } = atTime();
	assert.equal(membership.refusal(a), undefined);
	membership.ban(a);
	assert.equal(membership.refusal(a), 'banned');
	pass(limits.banMs - 1);
	assert.equal(membership.refusal(a), 'banned');
	pass(1);
	assert.equal(membership.refusal(a), undefined);
	membership.ban(a);
	membership.replace([]);
	assert.equal(membership.refusal(a), 'not-member');
	membership.replace([a]);
	assert.equal(membership.refusal(a), undefined);
});

test('a few strikes are forgiven, and more with time', () => {
	const { membership, pass } = atTime();
	for (let strike = 0; strike < limits.strikes; strike += 1) assert.equal(membership.strike(a), false);
	assert.equal(membership.strike(a), true);
	pass(limits.strikeForgiveMs);
	assert.equal(membership.strike(a), false);
	assert.equal(membership.strike(a), true);
});
