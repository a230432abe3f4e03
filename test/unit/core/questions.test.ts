/** What a submitter asks holders before it signs without their sectors, and what it says of the answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultHash, workItem } from '../../../src/codec/work-id.ts';
import type { Effect, EffectOf } from '../../../src/core/api.ts';
import type { Message } from '../../../src/core/message.ts';
import { enterMessage } from '../../../src/core/messages.ts';
import { objectedSectors, ownObjections } from '../../../src/core/skips.ts';
import { submitters } from '../../../src/core/submission.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { epoch, hex32, partitionIndex, sectorNumber } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { Result } from '../../../src/domain/result.ts';
import type { DuePartition } from '../../../src/domain/work.ts';
import { CoreBench, DUE_CHALLENGE as challenge, idleRecord, MINER, published } from '../../support/core.ts';

const SECTORS = 2_000;
const EPOCH_MS = 30_000;
const NOW = challenge.open;
const range = (from: number, to: number): Bitfield =>
	Bitfield.of(Array.from({ length: to - from }, (_, i) => sectorNumber(from + i)));
const all = range(0, SECTORS);
const dueOf = (partition: number): DuePartition => ({
	partition: partitionIndex(partition),
	sectorCount: SECTORS,
	sectorRoot: hex32('33'.repeat(32)),
});
const workOf = (partition: number) => workItem('corenet', challenge, dueOf(partition));
const item = workOf(0);
const questions = (effects: readonly Effect[]): readonly EffectOf<'ask-holder'>[] =>
	effects.flatMap((effect) => (effect.type === 'ask-holder' ? [effect] : []));

/** A submitter that is in sync and sees the items on its chain; both storages list every sector. */
function submitter({ partitions = 1, connected = ['store', 'other'], self = 'agrees' } = {}): CoreBench {
	const bench = new CoreBench({
		self: ['chain', 'submitter'],
		store: ['storage'],
		other: ['storage'],
		second: ['chain', 'submitter'],
		p: ['prover'],
	});
	for (let i = 0; i < 24; i++) bench.second();
	bench.give({ type: 'head', epoch: NOW });
	if (self === 'agrees') see(bench, NOW, partitions);
	else bench.hear('second', { kind: 'ann', body: { challenge, items: [dueOf(0)] } }, NOW);
	bench.give({ type: 'manifest-held', root: item.sectorRoot, sectors: all });
	for (const name of ['store', 'other']) bench.hear(name, { kind: 'hold', body: { miner: MINER, sectors: all } }, NOW);
	for (const name of connected) bench.give({ type: 'connected', peer: bench.id(name) });
	return bench;
}

function see(bench: CoreBench, at: number, partitions = 1): readonly Effect[] {
	const due = Array.from({ length: partitions }, (_, i) => dueOf(i));
	const sender = { address: bench.state.roster.roster.miners[0]?.sender ?? '', nonce: 0, pool: [] };
	const challenges = [{ challenge, due, posted: Bitfield.empty }];
	const view = { miner: MINER, epoch: epoch(at), challenges, sender, baseFee: 100n as never };
	return [...bench.give({ type: 'head', epoch: epoch(at) }), ...bench.give({ type: 'chain-view', view })];
}

/** A verified result of the prover. */
function prove(bench: CoreBench, skipped: Bitfield, partition = 0): readonly Effect[] {
	const { id } = workOf(partition);
	const body: Result = { work: id, proof: new Uint8Array(192), skipped, refusals: [], proveMs: 1 };
	bench.hear('p', { kind: 'res', body }, NOW);
	return bench.give({ type: 'verified', work: id, hash: resultHash(body.proof, skipped), verdict: 'good' });
}

function answer(bench: CoreBench, name: string, ok: Bitfield, asked = true): readonly Effect[] {
	return bench.give({ type: 'holder-answered', work: item.id, peer: bench.id(name), ok, asked });
}

/** Lets an epoch pass by the clock. */
function wait(bench: CoreBench): readonly Effect[] {
	bench.now += EPOCH_MS;
	return bench.give({ type: 'tick' });
}

test('a holder is asked for what an unbacked skip leaves out; what it brings is objected to in the record', () => {
	const bench = submitter();
	const [question, ...more] = questions(prove(bench, Bitfield.of([7, 9])));
	assert.deepEqual(more, [], 'one holder at a time');
	assert.equal(question?.work.id, item.id);
	assert.deepEqual([...(question?.sectors ?? [])], [7, 9]);
	const name = question?.peer === bench.id('store') ? 'store' : 'other';
	const effects = [...answer(bench, name, Bitfield.of([9])), ...bench.second()];
	assert.deepEqual(questions(effects), [], 'the item is open again: nothing more is asked');
	const [record] = published(effects, 'rec').slice(-1);
	assert.deepEqual(record?.kind === 'rec' && record.body.objections, [
		{ work: item.id, sector: sectorNumber(9), holder: bench.id(name) },
	]);
});

test('only what the holder that was asked brings and is still left out makes an objection', () => {
	const bench = submitter({ connected: ['store'] });
	prove(bench, Bitfield.of([7]));
	answer(bench, 'other', Bitfield.of([7]));
	answer(bench, 'store', Bitfield.of([8]));
	assert.deepEqual(ownObjections(bench.state), []);
	assert.equal(questions(wait(bench)).length, 1);
	prove(bench, Bitfield.empty);
	answer(bench, 'store', Bitfield.of([7]));
	assert.deepEqual(ownObjections(bench.state), []);
});

test('a holder is asked for few sectors at a time, once an epoch, and for each of them twice at most', () => {
	const bench = submitter({ connected: ['store'] });
	const skipped = range(100, 100 + limits.questionSectors + 4);
	const asked: number[][] = [];
	let effects = prove(bench, skipped);
	for (let i = 0; i < 8; i++) {
		for (const { sectors } of questions(effects)) asked.push([...sectors]);
		assert.deepEqual(questions(answer(bench, 'store', Bitfield.empty)), [], 'not twice in an epoch');
		effects = wait(bench);
	}
	const most = [...skipped].slice(0, limits.questionSectors);
	const rest = [...skipped].slice(limits.questionSectors);
	assert.deepEqual(asked, [most, rest, most, rest]);
});

test('after one holder the next is asked at once', () => {
	const bench = submitter();
	const [question] = questions(prove(bench, Bitfield.of([7])));
	const [first, then] = question?.peer === bench.id('store') ? ['store', 'other'] : ['other', 'store'];
	assert.equal(questions(answer(bench, first as string, Bitfield.empty))[0]?.peer, bench.id(then as string));
});

test('what this node could not ask is not held against the holder', () => {
	const bench = submitter({ connected: ['store'] });
	let count = questions(prove(bench, Bitfield.of([7]))).length;
	for (let i = 0; i < 5; i++) {
		answer(bench, 'store', Bitfield.empty, false);
		count += questions(wait(bench)).length;
	}
	assert.equal(count, 6);
});

test('a skip that every holder has refused is no question; one whose word is missing is', () => {
	const bench = submitter();
	const refuse = (name: string): readonly Effect[] =>
		bench.hear(name, { kind: 'ref', body: { work: item.id, sectors: Bitfield.of([7]), first: epoch(NOW - 1) } }, NOW);
	for (const name of ['store', 'other']) refuse(name);
	assert.deepEqual(questions(prove(bench, Bitfield.of([7]))), []);
	const silent = submitter();
	silent.hear('store', { kind: 'ref', body: { work: item.id, sectors: Bitfield.of([7]), first: epoch(NOW - 1) } }, NOW);
	assert.equal(questions(prove(silent, Bitfield.of([7]))).length, 1);
});

test('nobody is asked about an item that the own chain does not show, or by a node that signs nothing', () => {
	const blind = submitter({ self: 'unknown' });
	assert.deepEqual(questions(prove(blind, Bitfield.of([7]))), []);
	assert.ok(blind.state.works.get(item.id)?.results.best !== null, 'it has the result');
	const bench = submitter();
	Object.assign(bench.state.config, { roles: ['chain'] });
	assert.deepEqual(questions(prove(bench, Bitfield.of([7]))), []);
});

test('few items are asked about at a time', () => {
	const partitions = limits.questions + 3;
	const bench = submitter({ partitions });
	const asked = Array.from({ length: partitions }, (_, i) => questions(prove(bench, Bitfield.of([7]), i))).flat();
	assert.equal(asked.length, limits.questions);
});

test('the submitter behind another one waits for it to ask first', () => {
	const bench = submitter({ connected: ['store'] });
	bench.hear('second', { kind: 'rec', body: idleRecord({ chain: true }) }, NOW);
	const work = bench.state.works.get(item.id);
	assert.ok(work !== undefined);
	const rank = submitters(bench.state, work).indexOf(bench.id('self'));
	assert.equal(submitters(bench.state, work).length, 2);
	let waited = 0;
	for (let effects = prove(bench, Bitfield.of([7])); questions(effects).length === 0; ) {
		effects = see(bench, NOW + ++waited);
	}
	assert.equal(waited, rank * limits.fallbackEpochs);
	assert.ok(rank > 0, 'the roster of the test ranks this node second');
});

test('once a message for the item is signed nothing is asked: it is not exchanged any more', () => {
	const bench = submitter({ connected: ['store'] });
	prove(bench, Bitfield.of([7]));
	const work = bench.state.works.get(item.id);
	assert.ok(work !== undefined);
	const signed = {
		message: { from: 'f1', nonce: 0, gasPremium: 0n },
	};
	const call = { kind: 'submit-post', params: { proof: new Uint8Array(192), skipped: Bitfield.of([7]) } };
	const submission = { work: item.id, bytes: new Uint8Array(1), cid: 'bafy', signed, call };
	const message: Message = enterMessage(bench.state, work, submission as never);
	Object.assign(message, { proofGood: true, signatureGood: true });
	answer(bench, 'store', Bitfield.empty);
	assert.deepEqual(questions(wait(bench)), []);
});

test('a liar names many sectors: the objection of another holder is heeded all the same', () => {
	const bench = submitter({ connected: [] });
	prove(bench, Bitfield.of([7]));
	const object = (name: string, sectors: readonly number[]): void => {
		const objections = sectors.map((sector) => ({
			work: item.id,
			sector: sectorNumber(sector),
			holder: bench.id(name),
		}));
		bench.hear(name, { kind: 'rec', body: idleRecord({ objections }) }, NOW);
	};
	for (let i = 0; i < 8; i++) object('store', [...range(100 + 32 * i, 132 + 32 * i)]);
	const work = bench.state.works.get(item.id);
	assert.ok(work !== undefined && work.objections.size < 64);
	object('other', [7]);
	assert.deepEqual([...objectedSectors(work)], [7]);
});

test('what the holder has objected to itself meanwhile is not said a second time', () => {
	const bench = submitter({ connected: ['store'] });
	assert.equal(questions(prove(bench, Bitfield.of([7]))).length, 1);
	const objections = [{ work: item.id, sector: sectorNumber(7), holder: bench.id('store') }];
	bench.hear('store', { kind: 'rec', body: idleRecord({ objections }) }, NOW);
	const effects = answer(bench, 'store', Bitfield.of([7]));
	assert.deepEqual(ownObjections(bench.state), []);
	assert.ok(effects.every((effect) => effect.type !== 'decision' || effect.decision.name !== 'object'));
});
