import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Membership } from '../../../../src/adapters/libp2p/membership.ts';
import { PeerQuotas } from '../../../../src/adapters/libp2p/peer-quotas.ts';
import { monoMs, nodeId } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { systemClock } from '../../../support/system-clock.ts';

const a = nodeId('a');
const b = nodeId('b');

function atTime() {
	let now = 0;
	const clock = { ...systemClock, now: () => monoMs(now) };
	const membership = new Membership(clock, memoryMetrics());
	membership.replace([a, b]);
	const pass = (ms: number): void => {
		now += ms;
	};
	return { membership, quotas: new PeerQuotas(clock, membership), pass };
}

test('a ban ends by itself, and with the membership', () => {
	const { membership, pass } = atTime();
	assert.equal(membership.refusal(a), undefined);
	membership.ban(a, 'garbage');
	assert.equal(membership.refusal(a), 'banned');
	assert.equal(membership.refusal(b), undefined);
	pass(limits.banMs - 1);
	assert.deepEqual(membership.bans(), [{ peer: a, reason: 'garbage', leftMs: 1, times: 1 }]);
	pass(1);
	assert.equal(membership.refusal(a), undefined);
	assert.deepEqual(membership.bans(), []);
	membership.ban(a, 'garbage');
	membership.replace([]);
	assert.equal(membership.refusal(a), 'not-member');
	membership.replace([a]);
	assert.equal(membership.refusal(a), undefined);
});

test('each further ban is twice as long, up to a bound, and good conduct for long makes it short again', () => {
	const { membership, pass } = atTime();
	for (const expected of [limits.banMs, 2 * limits.banMs, 4 * limits.banMs]) {
		assert.equal(membership.ban(a, 'garbage'), expected);
		pass(expected);
	}
	for (let more = 0; more < 10; more += 1) pass(membership.ban(a, 'garbage'));
	assert.equal(membership.ban(a, 'garbage'), limits.banMostMs);
	pass(limits.banMostMs + limits.banForgetMs);
	assert.equal(membership.ban(a, 'garbage'), limits.banMs);
});

test('an operator lifts a ban, and it is as if it had never been', () => {
	const { membership } = atTime();
	assert.equal(membership.pardon(a), false);
	membership.ban(a, 'garbage');
	assert.equal(membership.pardon(a), true);
	assert.equal(membership.refusal(a), undefined);
	assert.equal(membership.ban(a, 'garbage'), limits.banMs);
});

test('a few strikes are forgiven, and more with time', () => {
	const { quotas, pass } = atTime();
	for (let strike = 0; strike < limits.strikes; strike += 1) assert.equal(quotas.strike(a), false);
	assert.equal(quotas.strike(a), true);
	assert.equal(quotas.strike(b), false);
	pass(limits.strikeForgiveMs);
	assert.equal(quotas.strike(a), false);
	assert.equal(quotas.strike(a), true);
});

test('a quota is of the member, whatever others use, and begins anew with a new membership', () => {
	const { membership, quotas, pass } = atTime();
	const { burst, perSecond } = limits.quotas.streams;
	assert.equal(quotas.take(a, 'streams', burst), true);
	assert.equal(quotas.take(a, 'streams', 1), false);
	assert.equal(quotas.take(a, 'connections', 1), true);
	assert.equal(quotas.take(b, 'streams', burst), true);
	pass(1000);
	assert.equal(quotas.take(a, 'streams', perSecond), true);
	assert.equal(quotas.take(a, 'streams', 1), false);
	membership.replace([b]);
	membership.replace([a, b]);
	assert.equal(quotas.take(a, 'streams', 1), false, 'not by leaving for a moment');
});
