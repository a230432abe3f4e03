import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultHash } from '../../../src/codec/work-id.ts';
import type { Effect } from '../../../src/core/api.ts';
import { currentLoad, roundsLeft } from '../../../src/core/load.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { attoFil, epoch, type Hex32, hex32, type NodeId, partitionIndex } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { ClaimBench, itemOf } from '../../support/claim-bench.ts';
import { CoreBench, idleRecord } from '../../support/core.ts';
import { fakeManifest, workOf } from '../../support/work-items.ts';

function announcementOf(partition: number) {
	const {
		id: _id,
		key: _key,
		partition: number,
		sectorCount,
		sectorRoot,
		...challenge
	} = workOf(fakeManifest(1, 2), {
		partition,
	});
	return { challenge, items: [{ partition: number, sectorCount, sectorRoot }] };
}
const askedFor = (effects: readonly Effect[]): readonly NodeId[] =>
	effects.flatMap((effect) => (effect.type === 'fetch-manifest' ? effect.from : []));

test('a manifest is asked of those who need it first, and of everyone in turn', () => {
	const provers = Object.fromEntries([...'defgh'].map((name) => [name, ['prover'] as const]));
	const bench = new CoreBench({ a: ['prover'], ...provers, store: ['storage'], other: ['chain'], chain: ['chain'] });
	const peers = [...'defgh', 'store', 'other', 'chain'].map((name) => bench.id(name));
	for (const peer of peers) bench.give({ type: 'connected', peer });
	const body = announcementOf(0);
	const first = askedFor(bench.hear('chain', { kind: 'ann', body }, 165));
	assert.equal(first[0], bench.id('chain'));
	assert.deepEqual(new Set(first.slice(1, 3)), new Set([bench.id('store'), bench.id('other')]));
	assert.equal(first.length, limits.gatherPeers);
});

test('with more peers than one try asks, the next try begins where the last one ended', () => {
	const provers = Object.fromEntries([...'defghijk'].map((name) => [name, ['prover'] as const]));
	const bench = new CoreBench({ a: ['prover'], ...provers, chain: ['chain'] });
	for (const name of [...'defghijk', 'chain']) bench.give({ type: 'connected', peer: bench.id(name) });
	const body = announcementOf(0);
	const [{ sectorRoot: root }] = body.items as [(typeof body.items)[0]];
	const first = askedFor(bench.hear('chain', { kind: 'ann', body }, 165));
	bench.give({ type: 'manifest-failed', root });
	const second = Array.from({ length: 3 }, () => askedFor(bench.second())).flat();
	assert.equal(new Set([...first, ...second]).size, 9);
});

test('items that nobody will prove are no load', () => {
	const bench = new CoreBench({ self: ['prover'], a: ['chain'], b: ['chain'] });
	for (const name of ['a', 'b']) {
		for (const partition of [0, 1]) bench.hear(name, { kind: 'ann', body: announcementOf(partition) }, 165);
	}
	const rounds = (): number =>
		Math.max(...bench.state.works.values().map((work) => roundsLeft(bench.state, work, currentLoad(bench.state))));
	assert.equal(rounds(), 2);
	const [id] = bench.state.works.keys();
	for (const name of ['a', 'b']) {
		const { challenge } = announcementOf(0);
		bench.hear(
			name,
			{ kind: 'tomb', body: { challenge, reason: 'superseded', works: id === undefined ? [] : [id] } },
			165,
		);
	}
	assert.equal(rounds(), 1);
});

test('few manifests are asked for at a time, those of closed items never, one that nobody serves ever less often', () => {
	const bench = new CoreBench({ a: ['prover'], chain: ['chain'] });
	bench.give({ type: 'connected', peer: bench.id('chain') });
	const roots = (effects: readonly Effect[]): readonly Hex32[] =>
		effects.flatMap((effect) => (effect.type === 'fetch-manifest' ? [effect.root] : []));
	const items = Array.from({ length: 2 * limits.manifestFetches }, (_, i) => ({
		partition: partitionIndex(i),
		sectorCount: 2,
		sectorRoot: hex32(String(i).padStart(64, '0')),
	}));
	const { challenge } = announcementOf(0);
	const open = roots([...bench.hear('chain', { kind: 'ann', body: { challenge, items } }, 165), ...bench.second()]);
	assert.equal(open.length, limits.manifestFetches);
	const [first] = open;
	assert.ok(first !== undefined);
	const asked = new Map(open.map((root) => [root, 1]));
	let flying = open;
	for (let i = 0; i < 100; i++) {
		const failed = flying.flatMap((root) => bench.give({ type: 'manifest-failed', root }));
		flying = roots([...failed, ...bench.second()]);
		for (const root of flying) asked.set(root, (asked.get(root) ?? 0) + 1);
	}
	assert.equal(asked.size, items.length, 'each has its turn');
	assert.ok((asked.get(first) ?? 0) <= 8, `${asked.get(first)} times in 100 seconds`);
	bench.hear('chain', { kind: 'rec', body: idleRecord() }, challenge.close);
	for (const root of flying) bench.give({ type: 'manifest-failed', root });
	assert.deepEqual(roots(Array.from({ length: 60 }, () => bench.second()).flat()), []);
});

test('rules that nobody waits for are looked at however late the ticks come', () => {
	const bench = new CoreBench({ self: ['chain'] });
	bench.hear('self', { kind: 'rec', body: idleRecord() }, 165);
	const { challenge, items } = announcementOf(0);
	bench.give({ type: 'head', epoch: challenge.challenge });
	bench.give({ type: 'dry-run', challenge: { ...challenge, kind: 'dry', nonce: 1 }, due: items });
	assert.equal(bench.state.works.size, 1);
	bench.give({ type: 'head', epoch: epoch(challenge.close + limits.announcementGraceEpochs + 1) });
	bench.now = Math.ceil(bench.now / 1_000) * 1_000 + 500;
	for (let i = 0; i < 3; i++, bench.now += 1_000) bench.give({ type: 'tick' });
	assert.equal(bench.state.works.size, 0);
});

test('what is proven stays, however early the epoch is that the chain nodes tell', () => {
	const bench = new ClaimBench({ others: 1 });
	bench.give({ type: 'slots', slots: [] });
	const [proven, open] = [itemOf(0), itemOf(1)];
	for (const item of [proven, open]) bench.announce(item);
	const body = {
		work: proven.id,
		proof: new Uint8Array(192).fill(1),
		skipped: Bitfield.empty,
		refusals: [],
		proveMs: 1,
	};
	bench.hear('p', { kind: 'res', body }, 165);
	const hash = resultHash(body.proof, body.skipped);
	bench.give({ type: 'verified', work: proven.id, hash, verdict: 'good' });
	bench.state.clock.others = { epoch: proven.challenge - limits.announcementAheadEpochs - 5, at: bench.now };
	for (let i = 0; i < 3; i++) bench.second();
	assert.deepEqual(bench.state.works.keys(), [proven.id]);
	assert.ok(bench.disk.has(`r/${proven.id}`));
});

test('a deadline that is long over is forgotten some items a second, all of it in the end', () => {
	const bench = new CoreBench({ self: ['chain'] });
	const due = Array.from({ length: 3 * limits.retiredPerSecond }, (_, i) => announcementOf(i).items[0] as never);
	const { challenge } = announcementOf(0);
	const sender = { address: 'f1sender', nonce: 0, pool: [] };
	const challenges = [{ challenge, due, posted: null }];
	bench.give({ type: 'head', epoch: challenge.challenge });
	const view = { miner: challenge.miner, epoch: challenge.challenge, challenges, sender, baseFee: attoFil(1n) };
	bench.give({ type: 'chain-view', view });
	bench.give({ type: 'head', epoch: epoch(challenge.close + limits.retentionEpochs + 1) });
	const left = [0, 1, 2, 3, 4].map(() => {
		bench.second();
		return bench.state.works.size;
	});
	assert.ok(
		left.every((size, i) => (left[i - 1] ?? due.length) - size <= limits.retiredPerSecond),
		left.join(),
	);
	assert.equal(left.at(-1), 0);
	assert.ok(![...bench.disk.keys()].some((key) => key.startsWith('a/')));
});
