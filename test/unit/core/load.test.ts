/** Which slots are counted on for an item, and what competes with it for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect, SlotFilter } from '../../../src/core/api.ts';
import { currentLoad, isLatestStart, roundsLeft } from '../../../src/core/load.ts';
import { type ActorId, actorId, hex32 } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { WorkItem } from '../../../src/domain/work.ts';
import { ClaimBench, type ClaimBenchOptions, itemOf } from '../../support/claim-bench.ts';
import { idleRecord, MINER } from '../../support/core.ts';

const OTHER_MINER = actorId(2000);
/** What a small proof is taken to last before one was measured. */
const PROOF_MS = 10_000;

type Provers = Readonly<Record<string, { readonly slots: number; readonly miners: readonly ActorId[] }>>;

/** Provers with so many slots, for these miners only. */
function meshOf(provers: Provers, options: ClaimBenchOptions = {}): ClaimBench {
	const others = Object.keys(provers).filter((name) => name !== 'self');
	const bench = new ClaimBench({ ...options, others: others.length });
	const { roster } = bench.state.roster;
	const peers = roster.peers.map((peer) => ({ ...peer, ...provers[peer.name] }));
	bench.give({ type: 'roster', roster: { ...roster, version: 2, peers }, hash: hex32('14'.repeat(32)) });
	const { slots } = provers['self'] ?? { slots: 1 };
	bench.give({ type: 'slots', slots: Array.from({ length: slots }, (_, i) => `slot${i}`) });
	for (const name of others) bench.beacon(name);
	return bench;
}

/** So many items of the miner wait; one of them. */
function due(bench: ClaimBench, count: number, miner: ActorId = MINER): WorkItem {
	const items = Array.from({ length: count }, (_, partition) => itemOf(partition, { miner }));
	for (const item of items) bench.announce(item);
	const [first] = items;
	assert.ok(first !== undefined);
	return first;
}

function rounds({ state }: ClaimBench, { id }: WorkItem): number {
	const work = state.works.get(id);
	assert.ok(work !== undefined);
	return roundsLeft(state, work, currentLoad(state));
}

/** The chain members tell that the margin before the close of the item begins in so many milliseconds. */
function setLeft(bench: ClaimBench, item: WorkItem, ms: number): readonly Effect[] {
	const epochs = Math.ceil(ms / 30_000);
	const body = idleRecord({ chain: true, slots: 0 });
	for (const name of ['a', 'b']) bench.hear(name, { kind: 'rec', body }, item.close - limits.marginEpochs - epochs);
	bench.now += epochs * 30_000 - ms;
	for (const name of bench.others) bench.beacon(name);
	return bench.second();
}

test('slots that serve other miners only leave no more time, however many they are', () => {
	const bench = meshOf({ self: { slots: 8, miners: [MINER] }, p: { slots: 96, miners: [OTHER_MINER] } });
	const item = due(bench, 24);
	assert.equal(rounds(bench, item), 3);
	const isLate = (): boolean => {
		const work = bench.state.works.get(item.id);
		return work !== undefined && isLatestStart(bench.state, work, currentLoad(bench.state));
	};
	setLeft(bench, item, 3 * PROOF_MS + 3_000);
	assert.equal(isLate(), false);
	for (let i = 0; i < 3; i++) bench.second();
	assert.equal(isLate(), true);
});

test('items that other slots prove leave no less time', () => {
	const bench = meshOf({ self: { slots: 8, miners: [MINER] }, p: { slots: 2, miners: [OTHER_MINER] } });
	const item = due(bench, 8);
	assert.equal(rounds(bench, due(bench, 20, OTHER_MINER)), 10);
	assert.equal(rounds(bench, item), 1);
});

test('items of several miners that need the same slots are counted together', () => {
	const all = [MINER, OTHER_MINER];
	for (const [self, p, q, items, expected] of [
		[all, all, all, [4, 5], [3, 3]],
		// What only one of them takes, and what all take.
		[all, [OTHER_MINER], [OTHER_MINER], [1, 9], [4, 4]],
		[all, [OTHER_MINER], [OTHER_MINER], [5, 1], [5, 2]],
		// Each has a slot of its own and needs the one between them as well.
		[[MINER], all, [OTHER_MINER], [4, 4], [3, 3]],
	] as const) {
		const one = (miners: readonly ActorId[]) => ({ slots: 1, miners });
		const bench = meshOf({ self: one(self), p: one(p), q: one(q) });
		const [mine, others] = [due(bench, items[0]), due(bench, items[1], OTHER_MINER)];
		assert.deepEqual(
			[rounds(bench, mine), rounds(bench, others)],
			expected,
			`${[self, p, q].join(' and ')}: ${items.join()}`,
		);
	}
});

test('a prover that is not heard any more is not counted on, one that starts is', () => {
	const bench = meshOf({ self: { slots: 1, miners: [] }, p: { slots: 1, miners: [] }, q: { slots: 2, miners: [] } });
	const item = due(bench, 4);
	assert.equal(rounds(bench, item), 1);
	bench.beacon('p', [], { synced: false });
	assert.equal(rounds(bench, item), 1);
	bench.now += limits.rankMs;
	bench.beacon('p');
	bench.second();
	assert.equal(rounds(bench, item), 2);
});

test('of this node the slots count that take the item', () => {
	const only = (slot: string, miner: ActorId): SlotFilter => ({
		slot,
		proofTypes: null,
		miners: [miner],
		readsOwnStorage: false,
	});
	const slotFilters = [only('slot0', MINER), only('slot1', OTHER_MINER), only('slot2', OTHER_MINER)];
	const bench = meshOf({ self: { slots: 3, miners: [] } }, { config: { slotFilters } });
	assert.equal(rounds(bench, due(bench, 3)), 3);
	assert.equal(rounds(bench, due(bench, 4, OTHER_MINER)), 2);
});

test('what nobody present proves hurries nobody else', () => {
	const bench = meshOf({ self: { slots: 1, miners: [MINER] }, p: { slots: 1, miners: [MINER] } });
	const item = due(bench, 2);
	assert.equal(rounds(bench, due(bench, 5, OTHER_MINER)), 5);
	assert.equal(rounds(bench, item), 1);
});

test('more than the slots of its miner can prove is an alarm, whatever slots others have', () => {
	for (const [leftMs, raised] of [
		[3 * PROOF_MS + 5_000, false],
		[3 * PROOF_MS - 1_000, true],
	] as const) {
		const bench = meshOf({ self: { slots: 8, miners: [MINER] }, p: { slots: 96, miners: [OTHER_MINER] } });
		const item = due(bench, 24);
		setLeft(bench, item, leftMs);
		const alarms = bench.state.alarms.values().map(({ alarm }) => alarm);
		const [alarm] = alarms.filter(({ code }) => code === 'infeasible');
		assert.equal(alarm !== undefined, raised, `${leftMs} ms left`);
		if (raised) assert.deepEqual([alarm?.facts['items'], alarm?.facts['slots']], [24, 8]);
	}
});
