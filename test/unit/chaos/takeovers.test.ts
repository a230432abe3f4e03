/** What counts as a takeover, and what the oracle of a chaos run excuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault, FaultKind } from '../../chaos/faults.ts';
import type { NodeShape, SeenEvent } from '../../chaos/mesh.ts';
import { excuse } from '../../chaos/oracle.ts';
import { takeoversOf } from '../../chaos/takeovers.ts';

const SHAPE: readonly NodeShape[] = [
	{ name: 'keeper', roles: ['chain', 'submitter', 'storage'], slots: 0 },
	{ name: 'a', roles: ['prover'], slots: 1 },
	{ name: 'b', roles: ['prover'], slots: 1 },
];

function event(wallMs: number, node: string, type: string, work = 'w'): SeenEvent {
	return { wallMs, node, type, facts: { work } };
}

function fault(kind: FaultKind, victim: string, atMs: number, endMs?: number): Fault {
	return { kind, victims: [victim], atMs, endMs, failure: undefined, detail: '' };
}

function outcomes(events: readonly SeenEvent[], faults: readonly Fault[]): readonly (readonly unknown[])[] {
	return takeoversOf(events, faults, SHAPE).map(({ cause, outcome, ms, apart }) => [cause, outcome, ms, apart]);
}

test('the time runs from the kill to the claim of another node', () => {
	const events = [event(100, 'a', 'claim'), event(1_700, 'b', 'takeover')];
	assert.deepEqual(outcomes(events, [fault('kill-node', 'a', 1_000, 5_000)]), [['reset', 'taken', 700, undefined]]);
});

test('a stopped node that speaks again first was not taken over', () => {
	const events = [event(100, 'a', 'claim'), event(9_000, 'b', 'claim')];
	assert.deepEqual(outcomes(events, [fault('stop', 'a', 1_000, 6_000)]), [
		['silent', 'came-back', undefined, undefined],
	]);
});

test('what was released or proven before the kill is no loss', () => {
	const faults = [fault('kill-node', 'a', 1_000, 5_000)];
	assert.deepEqual(outcomes([event(100, 'a', 'claim'), event(200, 'a', 'release')], faults), []);
	assert.deepEqual(outcomes([event(100, 'a', 'claim'), event(200, 'b', 'result-stored')], faults), []);
});

test('without a free slot the time is counted apart', () => {
	const events = [event(100, 'a', 'claim'), event(200, 'b', 'claim', 'v'), event(4_000, 'b', 'takeover')];
	assert.deepEqual(outcomes(events, [fault('kill-node', 'a', 1_000, 5_000)]), [
		['reset', 'taken', 3_000, 'no-free-slot'],
	]);
});

test('only what left no time with all that a proof needs is excused', () => {
	const window = { challengeMs: 0, openMs: 20_000, closeMs: 80_000, epochMs: 1_000 };
	const needs = { proveMs: 10_000, beforeMs: 5_000 };
	const judged = (...faults: readonly Fault[]) => excuse(window, needs, faults, SHAPE);
	assert.equal(judged(), undefined);
	assert.equal(judged(fault('stop', 'a', 0, 80_000)), undefined, 'the other prover was whole');
	assert.equal(judged(fault('stop', 'a', 0, 80_000), fault('stop', 'b', 0, 80_000)), 'no-prover');
	assert.equal(judged(fault('full-node', 'chain', 23_000)), 'no-chain');
	assert.equal(judged(fault('cut', 'a', 0), fault('delay', 'b', 0)), undefined, 'links that are slow hinder nobody');
});
