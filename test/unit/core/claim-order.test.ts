/** Who takes an item, when, and what keeps a node from it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { actorId, deadlineIndex, epoch, hex32, type WorkId } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { WorkItem } from '../../../src/domain/work.ts';
import { ClaimBench, decided, itemOf, leaseOf, OTHERS } from '../../support/claim-bench.ts';
import { CoreBench, DUE_CHALLENGE, idleRecord } from '../../support/core.ts';

test('the first in rank claims at once, whoever ranks r-th among the free members waits r steps', () => {
	for (const rank of [0, 1, 3]) {
		const bench = new ClaimBench({ others: 4 });
		const item = bench.itemOfRank(rank);
		const told = bench.announce(item);
		if (rank === 0) {
			assert.equal(decided(told, 'claim').length, 1);
			continue;
		}
		const waited = bench.msUntil('claim', 20_000);
		assert.ok(
			waited !== null && Math.abs(waited - rank * limits.rankStepMs) <= limits.tickMs,
			`rank ${rank}: ${waited}`,
		);
	}
});

test('a better-ranked member that is busy is not waited for', () => {
	const bench = new ClaimBench({ others: 4 });
	const item = bench.itemOfRank(4);
	for (const [i, name] of OTHERS.slice(0, 4).entries()) bench.beacon(name, [leaseOf(itemOf(2_000 + i))]);
	assert.equal(decided(bench.announce(item), 'claim').length, 1);
});

test('idle members count in the ranking for as long as their beacons are apart, not only as long as a lease lasts', () => {
	const bench = new ClaimBench({ others: 4 });
	const item = bench.itemOfRank(3);
	for (let i = 0; i < 40; i++) bench.second();
	bench.announce(item);
	const waited = bench.msUntil('claim', 20_000);
	assert.ok(waited !== null && waited >= 3 * limits.rankStepMs - limits.tickMs, `${waited}`);
});

test('a live lease keeps everyone away; once its holder is dead the next in rank takes over, with a higher term', () => {
	const bench = new ClaimBench({ others: 1 });
	const item = bench.itemOfRank(0);
	bench.beacon('p', [leaseOf(item, { term: 3 })]);
	bench.announce(item);
	for (let i = 0; i < 10; i++) {
		bench.beacon('p', [leaseOf(item, { term: 3 })]);
		assert.deepEqual(decided(bench.second(), 'takeover'), []);
	}
	bench.give({ type: 'disconnected', peer: bench.id('p'), cause: 'reset' });
	const [takeover] = decided(bench.give({ type: 'probed', peer: bench.id('p'), alive: false }), 'takeover');
	assert.equal(takeover?.reason, 'holder-dead');
	assert.equal(takeover?.peer, bench.id('p'));
	assert.equal(takeover?.facts?.['term'], 4);
});

test('when the best-ranked free member does not take over what a dead one left, the next one does', () => {
	const bench = new ClaimBench({ others: 2 });
	const item = bench.itemOfRank(1);
	const holder = bench.namesByRank(item)[2];
	assert.ok(holder !== undefined);
	bench.beacon(holder, [leaseOf(item)]);
	bench.announce(item);
	bench.second();
	bench.give({ type: 'disconnected', peer: bench.id(holder), cause: 'reset' });
	assert.deepEqual(decided(bench.give({ type: 'probed', peer: bench.id(holder), alive: false }), 'takeover'), []);
	const waited = bench.msUntil('takeover', 20_000);
	assert.ok(waited !== null && waited >= limits.rankStepMs - limits.tickMs, `${waited}`);
});

test('a term is never below one that was seen, also after the holder has let go', () => {
	const bench = new ClaimBench({ others: 1 });
	const item = bench.itemOfRank(0);
	bench.beacon('p', [leaseOf(item, { term: 7 })]);
	bench.announce(item);
	bench.second();
	const [takeover] = decided([...bench.beacon('p'), ...bench.second()], 'takeover');
	assert.equal(takeover?.reason, 'holder-released');
	assert.equal(takeover?.facts?.['term'], 8);
	assert.ok(bench.disk.has(`c/${item.id}`), 'it is on disk');
});

test('leases beyond the slots of a member and one ahead are ignored: a hoarder keeps nobody from the rest', () => {
	const bench = new ClaimBench({ others: 1, slots: 8 });
	const items = Array.from({ length: 6 }, (_, i) => itemOf(i)).sort((x, y) => (x.id < y.id ? -1 : 1));
	bench.beacon(
		'p',
		items.map((item) => leaseOf(item, { phase: 'gather' })),
	);
	for (const item of items) bench.announce(item);
	for (let i = 0; i < 3; i++) bench.second();
	assert.equal(bench.state.jobs.size, items.length - 2);
});

test('whoever joins late claims nothing before one sync is complete, or 5 s have passed in vain', () => {
	const item = itemOf(0);
	const { partition, sectorCount, sectorRoot } = item;
	const joined = () => {
		const bench = new CoreBench({ self: ['prover'], a: ['chain'], b: ['chain'], p: ['prover'] });
		const effects = [...bench.give({ type: 'connected', peer: bench.id('p') })];
		const body = { challenge: DUE_CHALLENGE, items: [{ partition, sectorCount, sectorRoot }] };
		for (const name of ['a', 'b']) effects.push(...bench.hear(name, { kind: 'ann', body }, 165));
		const held = bench.give({ type: 'manifest-held', root: sectorRoot, sectors: Bitfield.of([0, 1, 2, 3]) });
		effects.push(...held, ...bench.second(), ...bench.second(), ...bench.second());
		assert.deepEqual(decided(effects, 'claim'), []);
		const [sync] = effects.flatMap((effect) => (effect.type === 'sync' ? [effect] : []));
		assert.ok(sync !== undefined, 'it asks the first peer for what it knows');
		return { bench, sync };
	};
	const { bench, sync } = joined();
	// The peer knows nothing else, so the exchange is over with its digest.
	assert.equal(decided(bench.give({ type: 'sync-answered', peer: sync.peer, digest: sync.digest }), 'claim').length, 1);
	const { bench: taken, sync: other } = joined();
	taken.hear('p', { kind: 'rec', body: idleRecord({ leases: [leaseOf(item)] }) }, 165);
	taken.give({ type: 'sync-answered', peer: other.peer, digest: other.digest });
	assert.deepEqual(decided(taken.second(), 'claim'), [], 'it heeds the lease that it heard of meanwhile');
	const { bench: alone } = joined();
	assert.equal(decided([...alone.second(), ...alone.second()], 'claim').length, 1);
});

test('the item that closes first goes first, over miners, deadlines and the own rank', () => {
	const bench = new ClaimBench({ others: 3 });
	const later = { deadline: deadlineIndex(4), challenge: epoch(161), open: epoch(181), close: epoch(241) };
	const items: readonly WorkItem[] = [
		bench.itemOfRank(0, { ...later, close: epoch(243), deadline: deadlineIndex(5) }),
		bench.itemOfRank(1, later),
		bench.itemOfRank(3, { miner: actorId(2_000) }),
		bench.itemOfRank(2, { ...later, miner: actorId(2_000), randomness: hex32('77'.repeat(32)) }),
	];
	bench.give({ type: 'slots', slots: [] });
	for (const item of items) bench.announce(item);
	const taken: string[] = [];
	for (let i = 0; i < 10 && taken.length < items.length; i++) {
		// The others are busy: nobody is waited for.
		for (const [j, name] of bench.others.entries()) bench.beacon(name, [leaseOf(itemOf(2_000 + j))]);
		const effects = bench.give({ type: 'slots', slots: ['slot0'] });
		taken.push(...decided(effects, 'claim').map(({ work }) => work ?? ''));
		bench.give({ type: 'slots', slots: [] });
		for (const id of bench.state.jobs.keys()) {
			bench.state.jobs.delete(id);
			bench.state.works.delete(id);
		}
	}
	assert.deepEqual(
		taken.map((id) => items.find((item) => item.id === id)?.close),
		[240, 241, 241, 243],
	);
	assert.equal(taken[0], items[2]?.id);
});

test('two tombstones stop a claim and never a running proof', () => {
	const bench = new ClaimBench({ slots: 2 });
	const [running, waiting] = [itemOf(0), itemOf(1)];
	const bury = (id: WorkId) => {
		const body = { challenge: DUE_CHALLENGE, reason: 'reorg', works: [id] } as const;
		return ['a', 'b'].flatMap((name) => bench.hear(name, { kind: 'tomb', body }, 165));
	};
	assert.equal(decided(bench.announce(running), 'claim').length, 1);
	assert.deepEqual(decided([...bury(running.id), ...bench.second()], 'release'), []);
	assert.ok(bench.state.jobs.has(running.id));
	bench.give({ type: 'slots', slots: [] });
	bench.announce(waiting);
	bury(waiting.id);
	const free = bench.give({ type: 'slots', slots: ['slot0', 'slot1'] });
	assert.deepEqual(decided([...free, ...bench.second(), ...bench.second()], 'claim'), []);
});
