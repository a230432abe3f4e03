/** Second and third copies: when they are wanted, who makes them, and what they never push aside. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actorId, hex32 } from '../../../src/domain/ids.ts';
import type { Lease } from '../../../src/domain/lease.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { WorkItem } from '../../../src/domain/work.ts';
import { ClaimBench, decided, itemOf, leaseOf, OTHERS } from '../../support/claim-bench.ts';
import { idleRecord } from '../../support/core.ts';

/** What a small proof is taken to last before one was measured. */
const P95_MS = 10_000;
const SLOW_MS = (P95_MS * 15) / 10;

/** An item that p holds and renews, and all others idle. */
function held(bench: ClaimBench, item: WorkItem, lease: () => Partial<Lease> = () => ({})): () => void {
	const renew = (): void => {
		bench.beacon('p', [leaseOf(item, lease())]);
	};
	renew();
	bench.announce(item);
	return renew;
}

/** The epoch that all chain members tell. */
function setEpoch(bench: ClaimBench, at: number): void {
	for (const name of ['a', 'b']) bench.hear(name, { kind: 'rec', body: idleRecord({ chain: true, slots: 0 }) }, at);
}

/** An item of which this node is the i-th of those that do not hold it. */
function itemOfIdleRank(bench: ClaimBench, rank: number): WorkItem {
	for (let partition = 0; partition < 1_000; partition++) {
		const item = itemOf(partition);
		const idle = bench.namesByRank(item).filter((name) => name !== 'p');
		if (idle.indexOf('self') === rank) return item;
	}
	throw new Error('no item has this rank');
}

test('a holder that renews its lease and does not get on is hedged after 1.5 x the estimate, not before', () => {
	const bench = new ClaimBench({ others: 1 });
	const renew = held(bench, itemOf(0));
	const waited = bench.msUntil('hedge', 60_000, renew);
	assert.ok(waited !== null && waited > SLOW_MS && waited <= SLOW_MS + 2 * limits.tickMs, `${waited}`);
});

test('a holder that tells progress and brings no result is hedged as well', () => {
	const bench = new ClaimBench({ others: 1 });
	let permille = 0;
	const renew = held(bench, itemOf(0), () => {
		permille = Math.min(999, permille + 5);
		return { permille, workSeconds: 1_000 };
	});
	const waited = bench.msUntil('hedge', 60_000, renew);
	assert.ok(waited !== null && waited <= SLOW_MS + 2 * limits.tickMs, `${waited}`);
});

test('of the idle members one starts the second copy, the others wait a step for each one before them', () => {
	for (const rank of [0, 1, 4]) {
		const bench = new ClaimBench({ others: 6 });
		const item = itemOfIdleRank(bench, rank);
		const renew = held(bench, item);
		const waited = bench.msUntil('hedge', 60_000, () => {
			renew();
			for (const name of OTHERS.slice(1, 6)) bench.beacon(name);
		});
		const expected = SLOW_MS + rank * limits.rankStepMs;
		assert.ok(waited !== null && Math.abs(waited - expected) <= 2 * limits.tickMs, `rank ${rank}: ${waited}`);
	}
});

test('a second copy is no reason for a third before the point of no return, until it is slow itself', () => {
	const bench = new ClaimBench({ others: 2 });
	const item = itemOf(0);
	const renewFirst = held(bench, item);
	for (const since = bench.now; bench.now - since < SLOW_MS - limits.tickMs; bench.now += limits.tickMs) renewFirst();
	const waited = bench.msUntil('hedge', 60_000, () => {
		renewFirst();
		bench.beacon('q', [leaseOf(item, { backup: true, term: 2 })]);
	});
	assert.ok(waited !== null && waited > SLOW_MS && waited <= SLOW_MS + 3 * limits.tickMs, `${waited}`);
});

test('speculation waits while work without any lease wants the slot', () => {
	const bench = new ClaimBench({ others: 4, slots: 1 });
	const renew = held(bench, itemOfIdleRank(bench, 0));
	const open = bench.itemOfRank(4);
	for (let ms = 0; ms < SLOW_MS - 1_000; ms += 1_000) {
		renew();
		bench.second();
	}
	const told = [...bench.announce(open)];
	for (let i = 0; i < 4; i++) {
		renew();
		for (const name of ['q', 'r', 's']) bench.beacon(name);
		told.push(...bench.second());
	}
	assert.deepEqual(decided(told, 'hedge'), []);
	assert.equal(decided(told, 'claim')[0]?.work, open.id);
});

test('past the point of no return two copies run and then three, whatever the leases say', () => {
	for (const [left, others, hedged] of [
		[1.6 * P95_MS + 2_000, ['p'], false],
		[1.6 * P95_MS - 1_000, ['p'], true],
		[1.6 * P95_MS - 1_000, ['p', 'q'], false],
		[1.2 * P95_MS - 1_000, ['p', 'q'], true],
		[1.2 * P95_MS - 1_000, ['p', 'q', 'r'], false],
	] as const) {
		const bench = new ClaimBench({ others: 3 });
		const item = bench.itemOfRank(0);
		const noReturn = item.close - limits.marginEpochs;
		setEpoch(bench, noReturn - 1);
		bench.now += 30_000 - left;
		for (const name of bench.others) {
			const holds = (others as readonly string[]).includes(name);
			bench.beacon(name, holds ? [leaseOf(item, { permille: 900, workSeconds: 3_600 })] : []);
		}
		const told = [...bench.announce(item), ...bench.second()];
		assert.equal(decided(told, 'hedge').length, hedged ? 1 : 0, `${left} ms left, ${others.join()} hold it`);
	}
});

test('members who hold leases and do nothing keep nobody from the item, however many they are', () => {
	const bench = new ClaimBench({ others: 4 });
	const item = itemOf(0);
	const lazy = OTHERS.slice(0, 3);
	const renew = (): void => {
		for (const name of lazy) bench.beacon(name, [leaseOf(item)]);
	};
	renew();
	bench.announce(item);
	const waited = bench.msUntil('hedge', 60_000, renew);
	assert.ok(waited !== null && waited > SLOW_MS && waited <= SLOW_MS + 2 * limits.tickMs, `${waited}`);
});

test('a holder that tells of ever new terms and phases is hedged once its lease is as old as all of them may take', () => {
	const bench = new ClaimBench({ others: 1 });
	let term = 0;
	const renew = held(bench, itemOf(0), () => ({ term: ++term, phase: term % 2 === 0 ? 'gather' : 'prove' }));
	const waited = bench.msUntil('hedge', 120_000, renew);
	assert.ok(waited !== null && waited > 4 * P95_MS && waited <= 4 * P95_MS + 2 * limits.tickMs, `${waited}`);
});

/** Four of eight provers, one of them with a lease on the item, have fallen silent together, and their probes as well. */
function splitOff(bench: ClaimBench, item: WorkItem): () => void {
	const rest = bench.others.slice(4);
	const lost = bench.others.slice(0, 4);
	const beacon = (): void => {
		for (const name of rest) bench.beacon(name);
	};
	for (const name of lost) bench.beacon(name, name === 'p' ? [leaseOf(item)] : [leaseOf(itemOf(99))]);
	bench.announce(item);
	bench.msUntil('hedge', limits.leaseMs, beacon);
	// The holder's last: until three are known to be silent, the first ones look like single deaths.
	for (const name of lost.toReversed()) bench.give({ type: 'probed', peer: bench.id(name), alive: false });
	for (const name of lost) assert.equal(bench.state.peers.get(bench.id(name))?.vanished, true);
	return beacon;
}

test('of members that fell silent together no lease is slow until no short split can be the cause', () => {
	const bench = new ClaimBench({ others: 8 });
	const item = itemOfIdleRank(bench, 0);
	const beacon = splitOff(bench, item);
	const waited = bench.msUntil('hedge', 2 * limits.splitMs, beacon);
	const expected = limits.splitMs - limits.leaseMs;
	assert.ok(waited !== null && Math.abs(waited - expected) <= 2 * limits.tickMs, `${waited}`);
});

test('their leases are hedged once all that waits here would no longer fit in', () => {
	const bench = new ClaimBench({ others: 8 });
	const item = itemOfIdleRank(bench, 0);
	splitOff(bench, item);
	const rest = bench.others.slice(4);
	const held = [0, 1, 2, 3, 4].map((i) => itemOf(1_000 + i));
	const beacon = (): void => {
		for (const [i, name] of rest.entries()) {
			const leases = held.filter((_, k) => k % rest.length === i);
			bench.beacon(
				name,
				leases.map((known) => leaseOf(known)),
			);
		}
	};
	beacon();
	// Six items with the one of the split: two rounds for the five members that are left.
	for (const known of held) bench.announce(known);
	setEpoch(bench, item.close - limits.marginEpochs - 1);
	const waited = bench.msUntil('hedge', 30_000, beacon);
	assert.ok(waited !== null && Math.abs(waited - (30_000 - 2 * P95_MS)) <= 2 * limits.tickMs, `${waited}`);
});

test('members that prove for other miners only are not counted on for that', () => {
	const bench = new ClaimBench({ others: 8 });
	const { roster } = bench.state.roster;
	const elsewhere = bench.others.slice(4).map((name) => bench.id(name));
	const peers = roster.peers.map((peer) => (elsewhere.includes(peer.id) ? { ...peer, miners: [actorId(2000)] } : peer));
	bench.give({ type: 'roster', roster: { ...roster, version: 2, peers }, hash: hex32('14'.repeat(32)) });
	const item = itemOf(0);
	const beacon = splitOff(bench, item);
	// The lost ones hold it as well: two items, and one member that is left to prove them.
	bench.announce(itemOf(99));
	setEpoch(bench, item.close - limits.marginEpochs - 1);
	beacon();
	const waited = bench.msUntil('hedge', 30_000, beacon);
	assert.ok(waited !== null && Math.abs(waited - (30_000 - 2 * P95_MS)) <= 2 * limits.tickMs, `${waited}`);
});
