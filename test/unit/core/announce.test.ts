import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { workItem } from '../../../src/codec/work-id.ts';
import { isCancelled } from '../../../src/core/announce.ts';
import type { ChainView } from '../../../src/core/api.ts';
import type { Announcement } from '../../../src/domain/announcement.ts';
import { attoFil, deadlineIndex, epoch, type Hex32, hex32, partitionIndex } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { Challenge, DuePartition } from '../../../src/domain/work.ts';
import { CoreBench, DUE_CHALLENGE, MINER, published } from '../../support/core.ts';

const challengeOf = (change: Partial<Challenge> = {}): Challenge => ({ ...DUE_CHALLENGE, ...change });
const dueOf = (partition: number, root: Hex32 = hex32('33'.repeat(32))): DuePartition => ({
	partition: partitionIndex(partition),
	sectorCount: 10,
	sectorRoot: root,
});
const page = (challenge: Challenge, first = 0, count: number = limits.announcementItems): Announcement => ({
	challenge,
	items: Array.from({ length: count }, (_, i) => dueOf(first + i)),
});
const viewOf = (challenge: Challenge, due: readonly DuePartition[], at = 165): ChainView => ({
	miner: MINER,
	epoch: epoch(at),
	challenges: [{ challenge, due, posted: null }],
	sender: { address: 'f1sender', nonce: 0, pool: [] },
	baseFee: attoFil(100n),
});

/** Two false challenges of 16 pages each: 8,192 items. */
function flood(bench: CoreBench, liar: string): void {
	for (let i = 0; i < 2; i++) {
		const challenge = challengeOf({ deadline: deadlineIndex(10 + i), randomness: hex32(`${i}0`.repeat(32)) });
		for (let at = 0; at < 16; at++) {
			bench.hear(liar, { kind: 'ann', body: page(challenge, at * limits.announcementItems) }, 165);
		}
	}
}

test('one announcer fills no more than its quota of the table, and what the own view shows always enters', () => {
	const bench = new CoreBench({ self: ['chain'], liar: ['chain'] });
	bench.give({ type: 'head', epoch: epoch(165) });
	flood(bench, 'liar');
	assert.equal(bench.state.works.size, limits.announcerWorks);
	assert.ok((bench.state.ignored.get('announcer-quota') ?? 0) > 0);
	bench.give({ type: 'chain-view', view: viewOf(challengeOf(), [dueOf(0)]) });
	const item = workItem('corenet', challengeOf(), dueOf(0));
	assert.equal(bench.state.works.get(item.id)?.ownView, 'agrees');
});

test('in a full table the own view takes the place of what only others tell', () => {
	const bench = new CoreBench({ self: ['chain'], a: ['chain'], b: ['chain'], c: ['chain'], d: ['chain'] });
	bench.give({ type: 'head', epoch: epoch(165) });
	for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) {
		const challenge = challengeOf({ randomness: hex32(`${i}1`.repeat(32)), deadline: deadlineIndex(20 + i) });
		for (let at = 0; at < 16; at++) {
			bench.hear(name, { kind: 'ann', body: page(challenge, at * limits.announcementItems) }, 165);
		}
	}
	assert.equal(bench.state.works.size, limits.works);
	bench.give({ type: 'chain-view', view: viewOf(challengeOf(), [dueOf(0)]) });
	const item = workItem('corenet', challengeOf(), dueOf(0));
	assert.equal(bench.state.works.get(item.id)?.ownView, 'agrees');
	assert.equal(bench.state.works.size, limits.works);
});

test('a challenge that never ends is not timely', () => {
	const bench = new CoreBench({ self: ['prover'], liar: ['chain'] });
	const endless = challengeOf({ close: epoch(160 + limits.announcementSpanEpochs + 1) });
	bench.hear('liar', { kind: 'ann', body: page(endless, 0, 1) }, 165);
	assert.equal(bench.state.works.size, 0);
	assert.equal(bench.state.ignored.get('announcement-not-timely'), 1);
});

test('what was said of a deadline counts in its time, and a replay before or after it is nothing', () => {
	const near = (at: number) => fc.integer({ min: at - 3, max: at + 3 });
	const { announcementAheadEpochs, announcementGraceEpochs, announcementSpanEpochs } = limits;
	const drawn = fc.record({
		open: fc.integer({ min: 1_000, max: 3_000 }),
		span: fc.oneof(fc.integer({ min: 21, max: 200 }), near(announcementSpanEpochs)),
		ahead: fc.oneof(near(announcementAheadEpochs), near(0), fc.integer({ min: -2_000, max: 500 })),
		late: fc.option(near(announcementGraceEpochs)),
		kind: fc.constantFrom('ann', 'tomb'),
		// A dry run's time begins with its open, however old its challenge is.
		dryAge: fc.option(fc.oneof(fc.constant(0), near(2_880))),
	});
	fc.assert(
		fc.property(drawn, ({ open, span, ahead, late, kind, dryAge }) => {
			const begin = { challenge: epoch(open), open: epoch(open + 20), close: epoch(open + span) };
			const dry = { kind: 'dry', open: epoch(open), challenge: epoch(open - (dryAge ?? 0)) } as const;
			const challenge = challengeOf({ ...begin, ...(dryAge !== null && dry) });
			const now = late === null ? open - ahead : open + span + late;
			const bench = new CoreBench({ self: ['prover'], honest: ['chain'], liar: ['chain'] });
			bench.give({ type: 'head', epoch: epoch(now) });
			const { id } = workItem('corenet', challenge, dueOf(0));
			const isTimely =
				span <= announcementSpanEpochs &&
				open <= now + announcementAheadEpochs &&
				now <= open + span + announcementGraceEpochs;
			if (kind === 'tomb') bench.hear('liar', { kind, body: { challenge, reason: 'reorg', works: [id] } }, now);
			else bench.hear('liar', { kind: 'ann', body: page(challenge, 0, 1) }, now);
			const refused = [...bench.state.ignored.keys()].filter((reason) => reason.endsWith('-not-timely'));
			assert.deepEqual(refused, isTimely ? [] : [`${kind === 'tomb' ? 'tombstone' : 'announcement'}-not-timely`]);
			assert.equal(bench.state.works.has(id), isTimely && kind === 'ann');
		}),
	);
});

test('what only a removed member announced is forgotten with it, on disk too', () => {
	const bench = new CoreBench({ self: ['prover'], honest: ['chain'], liar: ['chain'] });
	bench.hear('liar', { kind: 'ann', body: page(challengeOf({ deadline: deadlineIndex(9) }), 0, 4) }, 165);
	bench.hear('honest', { kind: 'ann', body: page(challengeOf(), 0, 2) }, 165);
	bench.hear('liar', { kind: 'ann', body: page(challengeOf(), 0, 2) }, 165);
	assert.equal(bench.state.works.size, 6);
	const roster = bench.rosterOf({ self: ['prover'], honest: ['chain'] }, 2);
	bench.give({ type: 'roster', roster, hash: hex32('44'.repeat(32)) });
	assert.equal(bench.state.works.size, 2);
	assert.deepEqual(
		[...bench.state.works.values()].map(({ announcers }) => announcers.keys()),
		[[bench.id('honest')], [bench.id('honest')]],
	);
	assert.equal([...bench.disk.keys()].filter((key) => key.startsWith('a/')).length, 1);
});

test('a fork that flips back undoes the tombstones: the last word of each announcer counts, in any order', () => {
	const item = workItem('corenet', challengeOf(), dueOf(0));
	const ann = { kind: 'ann', body: page(challengeOf(), 0, 1) } as const;
	const tomb = { kind: 'tomb', body: { challenge: challengeOf(), reason: 'reorg', works: [item.id] } } as const;
	const orders = [
		[0, 1, 2],
		[0, 2, 1],
		[2, 0, 1],
	];
	for (const order of orders) {
		const bench = new CoreBench({ self: ['prover'], a: ['chain'], b: ['chain'] });
		for (const name of ['a', 'b']) {
			for (const sequence of order) bench.hearAs(name, sequence === 1 ? tomb : ann, 165, sequence);
		}
		const work = bench.state.works.get(item.id);
		assert.ok(work !== undefined && !isCancelled(bench.state, work), `in the order ${order.join()}`);
		const kept = [...(bench.state.announce.statements.get(item.key)?.values() ?? [])];
		assert.ok(
			kept.filter(({ envelope }) => envelope.kind === 'ann').every(({ envelope }) => envelope.sequence === 2),
			'the newest is what others are served',
		);
	}
});

test('a tombstone counts for items that are announced after it came, after a restart too', () => {
	const works = [0, 1].map((partition) => workItem('corenet', challengeOf(), dueOf(partition)).id);
	const tomb = { kind: 'tomb', body: { challenge: challengeOf(), reason: 'reorg', works: [...works].sort() } } as const;
	const bench = new CoreBench({ self: ['prover'], a: ['chain'], b: ['chain'] });
	bench.hear('a', { kind: 'ann', body: page(challengeOf(), 0, 1) }, 165);
	bench.hear('a', tomb, 165);
	bench.hear('b', { kind: 'ann', body: page(challengeOf(), 0, 2) }, 165);
	const taken = () => works.map((id) => bench.state.works.get(id)?.tombs.keys());
	assert.deepEqual(taken(), [[bench.id('a')], [bench.id('a')]]);
	bench.restart();
	assert.deepEqual(taken(), [[bench.id('a')], [bench.id('a')]]);
});

test('an item that this node took back is announced again when its view shows it again', () => {
	const bench = new CoreBench({ self: ['chain'], other: ['prover'] });
	const there = challengeOf();
	const here = challengeOf({ randomness: hex32('6c'.repeat(31).concat('1c')) });
	bench.give({ type: 'head', epoch: epoch(165) });
	const told = [viewOf(there, [dueOf(0)]), viewOf(here, [dueOf(0)]), viewOf(there, [dueOf(0)])].map((view) => {
		const effects = [...bench.give({ type: 'chain-view', view }), ...bench.second()];
		return [published(effects, 'ann').length, published(effects, 'tomb').length];
	});
	assert.deepEqual(told, [
		[1, 0],
		[1, 1],
		[1, 1],
	]);
	const work = bench.state.works.get(workItem('corenet', there, dueOf(0)).id);
	assert.equal(work?.tombs.size, 0);
});
