import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect } from '../../../src/core/api.ts';
import { currentLoad } from '../../../src/core/timing.ts';
import type { NodeId } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { CoreBench } from '../../support/core.ts';
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
	assert.equal(currentLoad(bench.state).waiting, 2);
	const [id] = bench.state.works.keys();
	for (const name of ['a', 'b']) {
		const { challenge } = announcementOf(0);
		bench.hear(
			name,
			{ kind: 'tomb', body: { challenge, reason: 'superseded', works: id === undefined ? [] : [id] } },
			165,
		);
	}
	assert.equal(currentLoad(bench.state).waiting, 1);
});
