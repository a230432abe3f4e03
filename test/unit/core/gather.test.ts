/** What a gather makes of streams that stand still, when the latest start time has come. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workItem } from '../../../src/codec/work-id.ts';
import type { Effect, SectorFault } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { epoch, hex32, partitionIndex, sectorNumber } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { CoreBench, DUE_CHALLENGE as challenge, idleRecord, MINER } from '../../support/core.ts';

const due = { partition: partitionIndex(0), sectorCount: 4, sectorRoot: hex32('33'.repeat(32)) };
const work = workItem('corenet', challenge, due);
const LATE = challenge.close - limits.marginEpochs;
/** Half of what is left after the latest start: 4 epochs of 30 s. */
const IN_LINE_MS = (limits.marginEpochs * 30_000) / 2;

/** The latest start has come: one holder has delivered its two sectors, the other one is asked for 3 and 4. */
function halfGathered(): CoreBench {
	const bench = new CoreBench({ self: ['prover', 'chain'], quick: ['storage'], slow: ['storage'] });
	for (let i = 0; i < 24; i++) bench.second();
	bench.give({ type: 'head', epoch: epoch(LATE) });
	const view = {
		miner: MINER,
		epoch: epoch(LATE),
		challenges: [{ challenge, due: [due], posted: null }],
		sender: { address: 'f1sender', nonce: 0, pool: [] },
		baseFee: 100n as never,
	};
	bench.give({ type: 'chain-view', view });
	for (const [name, sectors] of [
		['quick', [1, 2]],
		['slow', [3, 4]],
	] as const) {
		bench.hear(name, { kind: 'hold', body: { miner: MINER, sectors: Bitfield.of(sectors) } }, LATE);
		bench.give({ type: 'connected', peer: bench.id(name) });
	}
	bench.give({ type: 'manifest-held', root: due.sectorRoot, sectors: Bitfield.of([1, 2, 3, 4]) });
	for (let i = 0; i < 4; i++) bench.second();
	assert.ok(bench.state.jobs.has(work.id), 'it was claimed');
	assert.equal(bench.state.jobs.get(work.id)?.shares.size, 2, 'both are asked');
	bench.give({ type: 'gathered', work: work.id, peer: bench.id('quick'), ok: Bitfield.of([1, 2]), failed: [] });
	bench.give({ type: 'gather-ended', work: work.id, peer: bench.id('quick'), code: null });
	return bench;
}

/** A batch of the slow holder, and milliseconds from then until the missing sectors are left out. */
function msUntilSkip(bench: CoreBench, ok: readonly number[], failed: readonly SectorFault[] = []): number {
	const from = bench.now;
	const isSkip = (effect: Effect): boolean => effect.type === 'decision' && effect.decision.name === 'skip';
	let effects = [
		...bench.give({ type: 'gathered', work: work.id, peer: bench.id('slow'), ok: Bitfield.of(ok), failed }),
	];
	while (bench.now - from <= 2 * IN_LINE_MS) {
		for (const effect of effects) {
			// The directory knows nobody.
			if (effect.type === 'find-holders') effects.push(...bench.give({ ...effect, type: 'holders-found', peers: [] }));
		}
		if (effects.some(isSkip)) return bench.now - from;
		effects = [...bench.second()];
	}
	return Number.POSITIVE_INFINITY;
}

/** The time that a stream may wait in line, counted from its last batch. */
function assertInLine(ms: number): void {
	assert.ok(ms >= IN_LINE_MS && ms <= IN_LINE_MS + 2_000, `after ${ms} ms`);
}

test('a stream that has brought nothing yet may wait in line: its sectors are not left out for that', () => {
	assertInLine(msUntilSkip(halfGathered(), []));
});

test('a stream that has begun and stops is given up after the time of a stall', () => {
	const bench = halfGathered();
	const ms = msUntilSkip(bench, [3]);
	assert.ok(ms >= limits.gatherStallMs && ms <= limits.gatherStallMs + 2_000, `after ${ms} ms`);
	assert.deepEqual([...(bench.state.jobs.get(work.id)?.skipped ?? [])], [4]);
});

test('only a sector shows that a stream has begun: the word that one cannot be opened may come before its turn', () => {
	assertInLine(msUntilSkip(halfGathered(), [], [{ sector: sectorNumber(3), code: 'unavailable' }]));
});

test('a node whose key is in use elsewhere declares no sector faulty', () => {
	const bench = halfGathered();
	const { incarnation, sequence } = bench.state.identity;
	const said = { network: 'corenet', from: bench.id('self'), incarnation, sequence: sequence + 5, epoch: epoch(LATE) };
	const envelope = { ...said, kind: 'rec', body: idleRecord() } as const;
	bench.give({ type: 'statement', envelope, raw: new Uint8Array(1), relay: bench.id('slow'), ageMs: 0 });
	assert.equal(msUntilSkip(bench, [3]), Number.POSITIVE_INFINITY);
	assert.ok(!bench.state.jobs.has(work.id), 'its lease is free for others');
});

test('what was gathered is kept for its proof until the job ends', () => {
	const bench = halfGathered();
	bench.give({ type: 'slots', slots: [] });
	const peer = bench.id('slow');
	const effects = [...bench.give({ type: 'gathered', work: work.id, peer, ok: Bitfield.of([3, 4]), failed: [] })];
	effects.push(...bench.second());
	const stops = (some: readonly Effect[]): readonly unknown[] =>
		some.flatMap((effect) => (effect.type === 'gather-stop' ? [{ keep: effect.keep, ready: effect.ready }] : []));
	assert.equal(bench.state.jobs.get(work.id)?.phase, 'ready');
	assert.deepEqual(stops(effects), [{ keep: true, ready: true }]);
	assert.deepEqual(stops(bench.give({ type: 'stopping' })), [{ keep: true, ready: undefined }]);
});

/** Nine holders of the same four sectors, all of them connected. */
function nineHolders(): CoreBench {
	const names = [...'bcdefghij'];
	const bench = new CoreBench({
		self: ['prover', 'chain'],
		...Object.fromEntries(names.map((name) => [name, ['storage'] as const])),
	});
	for (let i = 0; i < 24; i++) bench.second();
	bench.give({ type: 'head', epoch: epoch(challenge.challenge + 1) });
	for (const [i, name] of names.entries()) {
		const sectors = Bitfield.of(i < limits.gatherPeers ? [i] : [0, i]);
		bench.hear(name, { kind: 'hold', body: { miner: MINER, sectors } }, challenge.challenge + 1);
		bench.give({ type: 'connected', peer: bench.id(name) });
	}
	const sender = { address: 'f1sender', nonce: 0, pool: [] };
	const due = { partition: partitionIndex(0), sectorCount: names.length, sectorRoot: hex32('33'.repeat(32)) };
	const view = { miner: MINER, epoch: epoch(challenge.challenge + 1), sender, baseFee: 100n as never };
	bench.give({ type: 'chain-view', view: { ...view, challenges: [{ challenge, due: [due], posted: null }] } });
	bench.give({ type: 'manifest-held', root: due.sectorRoot, sectors: Bitfield.of(names.map((_, i) => i)) });
	return bench;
}

test('so many holders are streamed from at a time, and those that pause take nobody else’s place', () => {
	const bench = nineHolders();
	const [job] = bench.state.jobs.values();
	assert.ok(job !== undefined);
	assert.equal(job.shares.size, limits.gatherPeers);
	assert.equal(job.shares.has(bench.id('j')), false, 'the ninth waits its turn');
	const failed = [{ sector: sectorNumber(0), code: 'missing' }];
	const effects = [
		...bench.give({ type: 'gathered', work: job.work, peer: bench.id('b'), ok: Bitfield.empty, failed }),
		...bench.give({ type: 'gather-ended', work: job.work, peer: bench.id('b'), code: null }),
		...bench.second(),
	];
	const asked = effects.flatMap((effect) => (effect.type === 'gather' ? effect.shares : []));
	assert.deepEqual(
		asked.map(({ peer, sectors }) => [peer, [...sectors]]),
		[[bench.id('j'), [0, 8]]],
	);
	assert.equal(bench.state.jobs.has(job.work), true, 'and nothing was given up meanwhile');
});
