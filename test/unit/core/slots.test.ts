import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SlotFilter, SlotOut } from '../../../src/core/api.ts';
import { obstacle } from '../../../src/core/claim.ts';
import { currentLoad } from '../../../src/core/load.ts';
import { createState, step } from '../../../src/core/poster.ts';
import { isQuarantined } from '../../../src/core/slots.ts';
import type { State } from '../../../src/core/state.ts';
import { view } from '../../../src/core/view.ts';
import { retire } from '../../../src/core/works.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { actorId } from '../../../src/domain/ids.ts';
import type { WorkItem } from '../../../src/domain/work.ts';
import { ClaimBench, itemOf } from '../../support/claim-bench.ts';
import { idleRecord, MINER } from '../../support/core.ts';

const NOT_OURS = actorId(2000);
const filter = (change: Partial<SlotFilter>): SlotFilter => ({
	slot: 'slot0',
	proofTypes: null,
	miners: null,
	readsOwnStorage: false,
	...change,
});

function bench(slotFilters: readonly SlotFilter[], slots = 1): ClaimBench {
	return new ClaimBench({ slots, roles: ['storage'], config: { slotFilters } });
}

function whyNot(on: ClaimBench, item: WorkItem): string | null {
	const work = on.state.works.get(item.id);
	assert.ok(work !== undefined);
	return obstacle(on.state, work, currentLoad(on.state));
}

test('an item that no slot takes is left to others, and said so', () => {
	for (const refusing of [filter({ proofTypes: [13] }), filter({ miners: [NOT_OURS] })]) {
		const on = bench([refusing]);
		const item = itemOf(0);
		on.announce(item);
		assert.equal(whyNot(on, item), 'slot-filter');
		on.msUntil('claim', 20_000);
		assert.ok(!on.state.jobs.has(item.id));
	}
});

test('an item that one of the slots takes is claimed, and proven in that one', () => {
	const on = bench([filter({ miners: [NOT_OURS] }), filter({ slot: 'slot1', proofTypes: [10], miners: [MINER] })], 2);
	const item = itemOf(0);
	on.announce(item);
	assert.ok(on.state.jobs.has(item.id));
	const effects = on.give({
		type: 'gathered',
		work: item.id,
		peer: on.id('self'),
		ok: Bitfield.of([0, 1, 2, 3]),
		failed: [],
	});
	const proofs = effects.flatMap((effect) => (effect.type === 'prove' ? [effect.slot] : []));
	assert.deepEqual(proofs, ['slot1']);
});

test('a prover that reads the sectors itself gets an item only if all of them lie here', () => {
	const on = bench([filter({ readsOwnStorage: true })]);
	const item = itemOf(0);
	on.announce(item);
	assert.equal(whyNot(on, item), 'not-held-here');
	on.give({ type: 'holdings', miner: MINER, sectors: Bitfield.of([0, 1, 2]) });
	assert.equal(whyNot(on, item), 'not-held-here', 'one of four is elsewhere');
	on.give({ type: 'holdings', miner: MINER, sectors: Bitfield.of([0, 1, 2, 3, 9]) });
	assert.ok(on.state.jobs.has(item.id), 'claimed at once');
});

test('no more items are taken for one slot because another one is free for others', () => {
	const on = bench([filter({ miners: [NOT_OURS] })], 3);
	const items = [0, 1, 2, 3, 4].map((partition) => itemOf(partition));
	for (const item of items) on.announce(item);
	for (let i = 0; i < 60; i++) on.second();
	// Two slots take them, and one item is gathered ahead.
	assert.equal(on.state.jobs.size, 3);
});

/** Lets the item be gathered and its proof end in this way. */
function fail(on: ClaimBench, item: WorkItem, code: string, ownEngine = false): string | null {
	const wait = on.state.jobs.has(item.id) ? 0 : on.msUntil('claim', 60_000);
	if (wait === null) return null;
	on.give({ type: 'gathered', work: item.id, peer: on.id('self'), ok: Bitfield.of([0, 1, 2, 3]), failed: [] });
	const slot = on.state.jobs.get(item.id)?.slot ?? null;
	if (slot !== null) on.give({ type: 'prove-failed', work: item.id, slot, code, ownEngine });
	return slot;
}

/** What the next proof of the item is told: true if the library is to make it. */
function nextIsForStock(on: ClaimBench, item: WorkItem): boolean | null {
	if (!on.state.jobs.has(item.id) && on.msUntil('claim', 60_000) === null) return null;
	const sectors = Bitfield.of([0, 1, 2, 3]);
	const effects = on.give({ type: 'gathered', work: item.id, peer: on.id('self'), ok: sectors, failed: [] });
	const [proof] = effects.flatMap((effect) => (effect.type === 'prove' ? [effect] : []));
	assert.ok(proof !== undefined);
	on.give({ type: 'prove-failed', work: item.id, slot: proof.slot, code: 'prover-failed' });
	return proof.stock;
}

/** The same node after a kill. */
function restarted(on: ClaimBench, item: WorkItem): State {
	const state = createState(on.state.config, on.disk);
	const [alarmed] = step(state, { type: 'tick' }, 0).after.filter(({ type }) => type === 'alarm');
	assert.ok(alarmed?.type === 'alarm' && alarmed.alarm.subject === item.id, 'the alarm is raised again');
	return state;
}

test('an item that killed a prover is tried in another one; after two it is in quarantine, with an alarm', () => {
	const on = bench([], 3);
	const item = itemOf(0);
	on.announce(item);
	const slots = [fail(on, item, 'prover-crashed'), fail(on, item, 'prover-crashed')];
	assert.equal(new Set(slots).size, 2, 'in two slots');
	assert.deepEqual([...on.state.alarms.keys()], [`crashing-partition/${item.id}`]);
	assert.notEqual(whyNot(on, item), 'quarantined', 'a third slot is there');
	assert.ok(!slots.includes(fail(on, item, 'prover-crashed')));
	assert.equal(whyNot(on, item), 'quarantined');
	assert.equal(fail(on, item, 'prover-crashed'), null);
	const other = itemOf(1);
	on.announce(other);
	assert.notEqual(whyNot(on, other), 'quarantined', 'other items are proven as ever');
});

test('with one slot two deaths are enough; what merely failed is tried again', () => {
	const on = bench([]);
	const [crashing, failing] = [itemOf(0), itemOf(1)];
	on.announce(crashing);
	for (let i = 0; i < 2; i++) assert.equal(fail(on, crashing, 'prover-crashed'), 'slot0');
	assert.equal(whyNot(on, crashing), 'quarantined');
	on.announce(failing);
	for (let i = 0; i < 3; i++) assert.equal(fail(on, failing, 'prover-failed'), 'slot0');
});

test('an item that killed our own prover twice is proven by the library next, in a slot that it killed, with an alarm', () => {
	const on = bench([]);
	const item = itemOf(0);
	on.announce(item);
	for (let i = 0; i < 2; i++) assert.equal(fail(on, item, 'prover-crashed', true), 'slot0');
	assert.deepEqual([...on.state.alarms.keys()], [`crashing-partition/${item.id}`]);
	assert.notEqual(whyNot(on, item), 'quarantined');
	assert.equal(nextIsForStock(on, item), true);
	assert.equal(fail(on, item, 'prover-crashed'), 'slot0');
	assert.equal(whyNot(on, item), 'quarantined', 'the library dies of it as well');
	const other = itemOf(1);
	on.announce(other);
	assert.equal(nextIsForStock(on, other), false, 'other items are proven as ever');
});

test('a restart forgets neither the deaths nor the alarm, and a retired item leaves nothing of them behind', () => {
	const on = bench([]);
	const item = itemOf(0);
	on.announce(item);
	for (let i = 0; i < 2; i++) fail(on, item, 'prover-crashed', true);
	assert.deepEqual(
		[restarted(on, item)]
			.map(({ works }) => works.get(item.id)?.claim)
			.map((claim) => [claim?.crashes, claim?.stockCrashed]),
		[[['slot0', 'slot0'], false]],
	);
	fail(on, item, 'prover-crashed');
	const state = restarted(on, item);
	const work = state.works.get(item.id);
	assert.ok(work !== undefined && isQuarantined(state, work));
	retire(on.state, work, 'past-retention');
	const left = on.state.out.persist.flatMap(({ type, key }) => (type === 'del' ? [key] : []));
	assert.ok(left.includes(`k/${item.id}`));
	assert.deepEqual([...on.state.alarms.keys()], []);
});

test('our own prover given up raises an alarm and makes its times forgotten; a good proof of it clears the alarm', () => {
	const on = bench([]);
	on.give({ type: 'measured', proofType: 10, sectors: 2, ms: 1_000 });
	const say = (failure: string | null) => on.give({ type: 'own-prover', slot: 'slot0', proofType: 10, failure });
	const raised = say('its proof does not verify').flatMap((effect) => (effect.type === 'alarm' ? [effect.alarm] : []));
	assert.deepEqual(
		raised.map(({ code, subject, facts }) => [code, subject, facts['reason']]),
		[['own-prover', 'slot0, window 2KiB', 'its proof does not verify']],
	);
	assert.match(String(raised[0]?.facts['advice']), /--self-test.*start the node again/);
	assert.equal(on.state.durations.get(10), undefined);
	assert.ok(!on.disk.has('d/10'));
	assert.ok(!say('again').some(({ type }) => type === 'alarm'), 'told once');
	assert.ok(say(null).some(({ type }) => type === 'alarm-cleared'));
	assert.equal(on.state.alarms.size, 0);
});

test('a slot out of service raises an alarm with its reason, once, until it is back', () => {
	const on = bench([], 2);
	const refused = { slot: 'slot0', reason: 'unknown option', advice: 'build it' };
	const gone = { slot: 'slot1', reason: 'gone' };
	const raised = (slots: readonly string[], out: readonly SlotOut[]): unknown[] =>
		on
			.give({ type: 'slots', slots, out })
			.flatMap((effect) => (effect.type === 'alarm' ? [effect.alarm.subject, effect.alarm.facts] : []));
	assert.deepEqual(raised(['slot1'], [refused]), ['slot0', { reason: 'unknown option', advice: 'build it' }]);
	assert.deepEqual(raised([], [refused, gone]), ['slot1', { reason: 'gone' }]);
	assert.deepEqual(view(on.state, on.state.now).slotsOut, [refused, gone]);
	assert.deepEqual(raised(['slot0'], [gone]), []);
	assert.deepEqual([...on.state.alarms.keys()], ['slot-out-of-service/slot1']);
	raised(['slot0', 'slot1'], []);
	assert.equal(on.state.alarms.size, 0);
});

test('past the point of no return quarantine ends: a try costs less than the deadline', () => {
	const on = bench([]);
	const item = itemOf(0);
	on.announce(item);
	for (let i = 0; i < 2; i++) fail(on, item, 'prover-crashed');
	assert.equal(whyNot(on, item), 'quarantined');
	for (const name of ['a', 'b']) on.hear(name, { kind: 'rec', body: idleRecord({ chain: true }) }, 233);
	assert.notEqual(whyNot(on, item), 'quarantined');
	assert.equal(fail(on, item, 'prover-crashed'), 'slot0');
});

test('what no proof of this node could still make is left alone, once it has made some', () => {
	const on = bench([]);
	const item = itemOf(0);
	for (let i = 0; i < 3; i++) on.give({ type: 'measured', proofType: 10, sectors: 2, ms: 3_600_000 * 3 });
	on.announce(item);
	assert.equal(whyNot(on, item), 'too-late');
	const fast = bench([]);
	for (let i = 0; i < 3; i++) fast.give({ type: 'measured', proofType: 10, sectors: 2, ms: 1_000 });
	fast.announce(item);
	assert.ok(fast.state.jobs.has(item.id));
});
