/** What a node makes of its disk after a crash. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultHash } from '../../../src/codec/work-id.ts';
import type { Effect } from '../../../src/core/api.ts';
import { createState, type State, step } from '../../../src/core/poster.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { type Hex32, hex32 } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { ClaimBench, decided, itemOf, leaseOf } from '../../support/claim-bench.ts';
import { published } from '../../support/core.ts';

const item = itemOf(0);
const proof = new Uint8Array(192).fill(3);
const hash = resultHash(proof, Bitfield.empty);

/** A node that holds a verified result of p and is gone; what its disk has. */
function diskWithResult() {
	const bench = new ClaimBench({ others: 1 });
	bench.give({ type: 'slots', slots: [] });
	bench.announce(item);
	bench.hear(
		'p',
		{ kind: 'res', body: { work: item.id, proof, skipped: Bitfield.empty, refusals: [], proveMs: 1 } },
		165,
	);
	bench.give({ type: 'verified', work: item.id, hash, verdict: 'good' });
	assert.ok(bench.disk.has(`r/${item.id}`));
	return { bench, disk: [...bench.disk].sort(([a], [b]) => (a < b ? -1 : 1)) };
}

function start(): { readonly state: State; readonly effects: readonly Effect[] } {
	const { bench, disk } = diskWithResult();
	const state = createState(bench.state.config, disk);
	const { after } = step(state, { type: 'tick' }, 250);
	const held = step(state, { type: 'manifest-held', root: item.sectorRoot, sectors: Bitfield.of([0, 1, 2, 3]) }, 250);
	return { state, effects: [...after, ...held.after] };
}

test('a stored result is verified again before it counts: a disk may lie', () => {
	for (const verdict of ['good', 'bad'] as const) {
		const { state, effects } = start();
		const best = () => state.works.get(item.id)?.results.best ?? null;
		assert.equal(best(), null);
		assert.equal(effects.filter(({ type }) => type === 'verify').length, 1);
		const [record] = published(effects, 'rec');
		assert.ok(record?.kind === 'rec' && record.body.have.length === 0, 'it is not told of before');
		step(state, { type: 'verified', work: item.id, hash, verdict }, 500);
		assert.equal(best() !== null, verdict === 'good');
	}
});

test('the first record after a crash has no lease, so that what this node held is free at once', () => {
	const bench = new ClaimBench({ others: 1 });
	const own = bench.itemOfRank(0);
	assert.equal(decided(bench.announce(own), 'claim').length, 1);
	const state = createState(bench.state.config, [...bench.disk]);
	const records = published(step(state, { type: 'tick' }, 250).after, 'rec');
	assert.equal(records.length, 1);
	for (const record of records) assert.ok(record.kind === 'rec' && record.body.leases.length === 0);
	// Whoever heard the lease sees it go: what was claimed under term 1 is claimed under a higher one.
	assert.equal(state.works.get(own.id)?.claim.term, 1);
	assert.equal(leaseOf(own).term, 1);
});

test('an entry that cannot be read is named, and nothing is guessed', () => {
	const { bench, disk } = diskWithResult();
	for (const prefix of ['a/', 'r/', 'q', 'i']) {
		const torn = disk.map(([key, value]): [string, Uint8Array] => [
			key,
			key.startsWith(prefix) ? Uint8Array.of(0xff, 0x01) : value,
		]);
		assert.throws(
			() => createState(bench.state.config, torn),
			(error) => isPosterError(error, 'store-damaged') && error.message.includes(prefix),
			prefix,
		);
	}
});

test('what was said on another network is not recovered: its numbers mean other partitions', () => {
	const { bench, disk } = diskWithResult();
	const { config } = bench.state;
	const moved = { ...config, network: 'elsewhere', roster: { ...config.roster, network: 'elsewhere' } };
	assert.equal(createState(config, disk).works.size, 1);
	const state = createState(moved, disk);
	assert.equal(state.works.size, 0);
	assert.ok(state.identity.incarnation > bench.state.identity.incarnation, 'but the identity goes on');
});

/** The node starts on the disk and ticks on; what is deleted from it and which manifests are forgotten. */
function livesOn(disk: ReadonlyMap<string, Uint8Array>, seconds: number, roots: readonly Hex32[] = []) {
	const { config } = new ClaimBench().state;
	const state = createState(
		config,
		[...disk].sort(([a], [b]) => (a < b ? -1 : 1)),
	);
	const deleted: string[] = [];
	const forgotten: string[] = [];
	const steps = [step(state, { type: 'tick' }, 0)];
	for (const root of roots) steps.push(step(state, { type: 'manifest-held', root, sectors: Bitfield.of([1]) }, 0));
	for (let now = limits.tickMs; now <= seconds * 1_000; now += limits.tickMs) {
		steps.push(step(state, { type: 'tick' }, now));
	}
	for (const { persist, after } of steps) {
		for (const write of persist) if (write.type === 'del') deleted.push(write.key);
		for (const effect of after) if (effect.type === 'forget-manifest') forgotten.push(effect.root);
	}
	return { state, deleted, forgotten };
}

test('what a crash between two deletions left on the disk is deleted, and nothing else', () => {
	const { bench } = diskWithResult();
	const { id } = item;
	bench.give({ type: 'holdings', miner: item.miner, sectors: Bitfield.of([1]) });
	const disk = new Map(bench.disk);
	const whole = livesOn(disk, 3);
	assert.deepEqual(whole.deleted, []);
	for (const key of disk.keys()) if (key.startsWith('a/')) disk.delete(key);
	const { deleted } = livesOn(disk, 3);
	assert.deepEqual(deleted, [`r/${id}`]);
});

test('manifests that no item names are forgotten, those of items never', () => {
	const nameless = hex32('44'.repeat(32));
	const { bench } = diskWithResult();
	const seconds = limits.namelessManifestMs / 1_000 + 5;
	const { state, forgotten } = livesOn(bench.disk, seconds, [nameless, item.sectorRoot]);
	assert.deepEqual(forgotten, [nameless]);
	assert.deepEqual(state.manifests.keys(), [item.sectorRoot]);
});

test('the manifests of a large deadline stay for the minutes in which its view is read', () => {
	const { bench } = diskWithResult();
	assert.deepEqual(livesOn(bench.disk, 600, [hex32('44'.repeat(32))]).forgotten, []);
});

test('distrust outlives a restart, but not the keys that judged', () => {
	const { bench } = diskWithResult();
	const second = new Uint8Array(192).fill(4);
	const body = { work: itemOf(1).id, proof: second, skipped: Bitfield.empty, refusals: [], proveMs: 1 };
	bench.announce(itemOf(1));
	bench.hear('p', { kind: 'res', body }, 165);
	const judged = resultHash(second, Bitfield.empty);
	bench.give({ type: 'verified', work: itemOf(1).id, hash: judged, verdict: 'bad' });
	const { config } = bench.state;
	const trusts = (keys: Hex32): boolean => {
		const state = createState({ ...config, keys }, bench.disk);
		return (state.peers.get(bench.id('p'))?.distrustedUntil ?? -1) < 0;
	};
	assert.equal(trusts(config.keys as Hex32), false);
	assert.equal(trusts(hex32('77'.repeat(32))), true);
});
