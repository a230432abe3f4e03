import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodePayload, encodePayload } from '../../../src/codec/envelope.ts';
import { workItem } from '../../../src/codec/work-id.ts';
import { currentEpoch, longEpochMs } from '../../../src/core/epoch-clock.ts';
import { view } from '../../../src/core/poster.ts';
import { buildRecord } from '../../../src/core/records.ts';
import { SortedMap } from '../../../src/core/sorted-map.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { epoch, hex32, partitionIndex, workIdOf } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { challengeKeyOf } from '../../../src/domain/work.ts';
import { CoreBench, DUE_CHALLENGE as challenge, MINER, published, idleRecord as record } from '../../support/core.ts';

const due = { partition: partitionIndex(0), sectorCount: 4, sectorRoot: hex32('33'.repeat(32)) };
const item = workItem('corenet', challenge, due);
const TOP = 2 ** 32 - 1;

test('a lease of the highest term there is makes no record that others cannot read', () => {
	const bench = new CoreBench({ self: ['prover', 'storage'], liar: ['prover'], a: ['chain'], b: ['chain'] });
	for (let i = 0; i < 6; i++) bench.second();
	for (const name of ['a', 'b']) bench.hear(name, { kind: 'ann', body: { challenge, items: [due] } }, 165);
	bench.give({ type: 'holdings', miner: MINER, sectors: Bitfield.of([1]) });
	bench.give({ type: 'manifest-held', root: due.sectorRoot, sectors: Bitfield.of([1]) });
	const lease = { work: item.id, backup: false, phase: 'prove', permille: 0, workSeconds: 0, replaces: null } as const;
	bench.hear('liar', { kind: 'rec', body: record({ leases: [{ ...lease, term: TOP }] }) }, 165);
	bench.second();
	bench.hear('liar', { kind: 'rec', body: record() }, 165);
	const records = Array.from({ length: 20 }, () => published(bench.second(), 'rec')).flat();
	const leases = records.flatMap((envelope) => {
		const read = decodePayload(encodePayload(envelope));
		return read.kind === 'rec' ? read.body.leases : [];
	});
	assert.ok(leases.length > 0, 'it was claimed');
});

test('of the records of a member the newest counts, and a replay of an older one is no sign of life', () => {
	fc.assert(
		fc.property(fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 20 }), (sequences) => {
			const bench = new CoreBench({ self: ['prover'], other: ['prover'] });
			let newest = -1;
			let aliveAt = 0;
			for (const sequence of sequences) {
				bench.now += 1_000;
				bench.hearAs('other', { kind: 'rec', body: record({ slots: sequence }) }, 1, sequence);
				if (sequence > newest) aliveAt = bench.now;
				newest = Math.max(newest, sequence);
				const peer = bench.state.peers.get(bench.id('other'));
				assert.equal(peer?.record?.envelope.sequence, newest);
				assert.equal(peer.record.envelope.body.slots, newest);
				assert.equal(peer.recordAt, aliveAt);
			}
		}),
	);
});

test('two rosters of one version are an alarm on every node that hears of it', () => {
	const bench = new CoreBench({ self: ['prover'], other: ['prover'] });
	const effects = bench.hear('other', { kind: 'rec', body: record({ rosterHash: hex32('99'.repeat(32)) }) }, 1);
	assert.deepEqual(
		effects.flatMap((effect) => (effect.type === 'alarm' ? [effect.alarm.code] : [])),
		['roster-conflict'],
	);
	const other = new CoreBench({ self: ['prover'], other: ['prover'] });
	const newer = record({ rosterVersion: 2, rosterHash: hex32('99'.repeat(32)) });
	assert.ok(other.hear('other', { kind: 'rec', body: newer }, 1).every(({ type }) => type !== 'alarm'));
});

test('slots that fall out while they are busy leave no negative number of idle ones', () => {
	const bench = new CoreBench({ self: ['prover'], other: ['prover'] });
	bench.state.slots.busy.set('slot0', item.id);
	bench.give({ type: 'slots', slots: [] });
	const told = [...bench.second(), ...bench.second()];
	const [envelope] = published(told, 'rec').slice(-1);
	assert.ok(envelope?.kind === 'rec' && envelope.body.idle === 0);
	decodePayload(encodePayload(envelope));
});

test('every set of partitions of a deadline fits a record', () => {
	const worst = Bitfield.of(Array.from({ length: 1500 }, (_, i) => (i >> 1) * 4 + (i & 1)));
	const random = Bitfield.of(
		Array.from({ length: 3000 }, (_, i) => i).filter((i) => (i * 2654435761) % 2 ** 32 < 2 ** 31),
	);
	for (const partitions of [worst, random]) {
		const envelope = { network: 'n', from: item.id as never, incarnation: 1, sequence: 1, epoch: epoch(1) };
		const body = record({ have: [{ key: item.key, partitions }] });
		const bytes = encodePayload({ ...envelope, from: new CoreBench({ a: [] }).id('a'), kind: 'rec', body });
		const read = decodePayload(bytes);
		assert.ok(read.kind === 'rec' && read.body.have[0]?.partitions.equals(partitions));
	}
});

test('a node without a chain learns the length of an epoch from eight epochs of what one chain node says', () => {
	const bench = new CoreBench({ self: ['prover'], a: ['chain'] });
	Object.assign(bench.state.clock, { fixedMs: null, guessMs: 30_000 });
	const lengths = [];
	for (let at = 100; at <= 109; at++) {
		bench.hear('a', { kind: 'rec', body: record() }, at);
		lengths.push(longEpochMs(bench.state.clock));
		for (let i = 0; i < 4; i++) bench.second();
	}
	assert.deepEqual(lengths, [...Array<number>(8).fill(30_000), 4_000, 4_000]);
});

test('old words of a chain node, whoever hands them on, say nothing of the length of an epoch', () => {
	const bench = new CoreBench({ self: ['prover'], a: ['chain'], liar: ['storage'] });
	Object.assign(bench.state.clock, { fixedMs: null, guessMs: 30_000 });
	for (const at of [0, 8, 40]) bench.hearBy('liar', 'a', { kind: 'rec', body: record() }, at);
	// As an answer to a question for what is due: it may lie there for long.
	bench.hear('a', { kind: 'ann', body: { challenge, items: [due] } }, 60);
	bench.hear('a', { kind: 'rec', body: record() }, 100);
	assert.equal(longEpochMs(bench.state.clock), 30_000);
	assert.equal(currentEpoch(bench.state.clock, bench.now), 100);
	for (let i = 0; i < 32; i++) bench.second();
	bench.hear('a', { kind: 'rec', body: record() }, 108);
	assert.equal(longEpochMs(bench.state.clock), 4_000);
});

test('an old statement of a chain node, handed on by others or kept from an earlier start, does not pull the epoch back', () => {
	const bench = new CoreBench({ self: ['prover'], a: ['chain'], c: ['chain', 'storage'], q: ['storage'] });
	const hold = { kind: 'hold', body: { miner: MINER, sectors: Bitfield.of([1]) } } as const;
	const NOW = 300;
	bench.hear('a', { kind: 'rec', body: record({ chain: true }) }, NOW);
	bench.hearBy('q', 'c', hold, NOW - 120);
	assert.equal(currentEpoch(bench.state.clock, bench.now), NOW);
	// It is back, and its full node not yet.
	const from = bench.id('c');
	const said = { network: 'corenet', from, sequence: 0 };
	const back = { ...said, incarnation: 2, epoch: epoch(-1), kind: 'rec', body: record() } as const;
	const kept = { ...said, incarnation: 1, epoch: epoch(NOW - 60), ...hold } as const;
	const raw = new Uint8Array(1);
	for (const envelope of [back, kept]) bench.give({ type: 'statement', envelope, raw, relay: from, ageMs: 0 });
	assert.equal(currentEpoch(bench.state.clock, bench.now), NOW);
	// What it says itself, and says now, counts: of two the lower one.
	bench.give({
		type: 'statement',
		envelope: { ...kept, incarnation: 2, sequence: 1, epoch: epoch(NOW - 1) },
		raw,
		relay: from,
		ageMs: 0,
	});
	assert.equal(currentEpoch(bench.state.clock, bench.now), NOW - 1);
});

test('the own record is handed over with its age, like those of others', () => {
	const bench = new CoreBench({ self: ['chain'], a: ['prover'] });
	for (let i = 0; i < 3; i++) bench.second();
	const pull = { roster: false, records: [bench.id('self')], holdings: null, challenges: [] };
	const [answer] = bench.give({ type: 'pull-asked', request: 1, peer: bench.id('a'), pull });
	assert.ok(answer?.type === 'answer-pull');
	assert.deepEqual(
		answer.statements.map(({ ageMs }) => ageMs),
		[bench.now - bench.state.records.sentAt],
	);
	assert.ok(bench.now > bench.state.records.sentAt);
});

test('one chain member that hurries does not change the length of an epoch', () => {
	const bench = new CoreBench({ self: ['prover'], a: ['chain'], b: ['chain'], liar: ['chain'] });
	Object.assign(bench.state.clock, { fixedMs: null });
	let lie = 1_000;
	for (let at = 100; at < 300; at++) {
		for (const name of ['a', 'b']) bench.hear(name, { kind: 'rec', body: record() }, at);
		for (let i = 0; i < 4; i++) {
			lie += 20;
			bench.hear('liar', { kind: 'rec', body: record() }, lie);
		}
		for (let i = 0; i < 4; i++) bench.second();
	}
	assert.equal(longEpochMs(bench.state.clock), 4_000);
	assert.ok(bench.state.clock.intervals.length <= limits.headsLong);
});

test('a record of many large deadlines still fits one message: it tells of those that close last', () => {
	const bench = new CoreBench({ self: ['prover'] });
	const keys = 48;
	// The costliest set of 3,000 partitions: every second pair.
	const partitions = Array.from({ length: 1_500 }, (_, i) => (i >> 1) * 4 + (i & 1));
	for (let i = 0; i < keys; i++) {
		const key = challengeKeyOf(i.toString(16).padStart(32, '0'));
		for (const partition of partitions) {
			const held = { item: { key, partition, close: 1_000 + i }, results: { best: {} }, objections: new SortedMap() };
			bench.state.works.set(`${key}/${partition}` as never, held as never);
		}
	}
	const body = buildRecord(bench.state);
	const told = body.have.map(({ key }) => Number.parseInt(key, 16));
	assert.ok(told.length > 30, `${told.length} of them`);
	assert.deepEqual(
		told,
		told.map((_, i) => keys - told.length + i),
	);
	const head = { network: 'n', from: bench.id('self'), incarnation: 1, sequence: 1, epoch: epoch(1) };
	const bytes = encodePayload({ ...head, kind: 'rec', body }).length;
	assert.ok(bytes <= limits.recordHavesBytes + 1_024, `${bytes} bytes`);
	assert.ok(limits.recordHavesBytes + 20 * 1_024 < limits.gossipBytes);
});

test('people are told the release that a member told of last, not the one of the lowest item', () => {
	const bench = new CoreBench({ self: ['prover'], p: ['prover'] });
	const first = { work: workIdOf('11'.repeat(32)), reason: 'failed' as const };
	const second = { work: workIdOf('22'.repeat(32)), reason: 'lost' as const };
	const shown = (): unknown =>
		view(bench.state, bench.now).peers.find(({ node }) => node === bench.id('p'))?.lastRelease;
	for (const ended of [[first], [first, second], [first, second]]) {
		bench.hear('p', { kind: 'rec', body: record({ ended }) }, 165);
	}
	assert.equal(shown(), 'lost');
});
