import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/node/config.ts';
import { planSlots, takesSamples } from '../../../src/node/slot-filters.ts';

const plan = (prover: string, own: readonly number[], verifiable: readonly number[]) =>
	planSlots(parseConfig(`[storage]\npaths = ["/s"]\n[prover]\n${prover}`, '/etc/config.toml'), { own, verifiable });

test('slots that take everything need no filter', () => {
	assert.deepEqual(plan('slots = 2', [10, 13], [10, 13]), { slotFilters: [], proofTypes: [10, 13] });
});

test('an own slot proves what it has parameters for, a prover of others whatever can be verified here', () => {
	const { slotFilters, proofTypes } = plan('external = [{ bin = "/p" }]', [10], [10, 13]);
	assert.deepEqual(proofTypes, [10, 13]);
	assert.deepEqual(slotFilters, [{ slot: 'cpu-0', proofTypes: [10], miners: null, readsOwnStorage: false }]);
	assert.equal(takesSamples(slotFilters, 'cpu-0', 13), false);
	assert.equal(takesSamples(slotFilters, 'external-0-p', 13), true);
});

test('sizes and miners of a slot are what the config says, each place of a prover alike', () => {
	const text =
		'slots = 0\nexternal = [{ bin = "/p", protocol = "damocles", concurrency = 2, proof_types = ["window-32GiB"], miners = ["f01000"] }]';
	const { slotFilters, proofTypes } = plan(text, [], [10, 13]);
	assert.deepEqual(proofTypes, [13]);
	assert.deepEqual(
		slotFilters,
		['external-0-p-0', 'external-0-p-1'].map((slot) => ({
			slot,
			proofTypes: [13],
			miners: [1000],
			readsOwnStorage: true,
		})),
	);
	assert.equal(takesSamples(slotFilters, 'external-0-p-0', 13), false, 'it reads real sectors');
});

test('what cannot be checked here is not proven for us', () => {
	const text = 'slots = 0\nexternal = [{ bin = "/p", proof_types = ["window-64GiB"] }]';
	assert.throws(() => plan(text, [], [13]), { code: 'prover-no-key' });
	assert.throws(() => plan('slots = [{ proof_types = ["window-64GiB"] }]', [13], [13, 14]), { code: 'prover-no-key' });
});

test('a prover section must name a prover, and a Damocles prover needs sectors', () => {
	const parse = (text: string) => () => parseConfig(text, '/etc/config.toml');
	assert.throws(parse('[prover]\nslots = 0'), /slots: needs at least 1, but it is 0, and no external prover/);
	assert.throws(parse('[prover]\nexternal = [{ bin = "/p", protocol = "damocles" }]'), /needs \[storage\]/);
	assert.throws(parse('[prover]\nexternal = [{ bin = "/p", proof_types = ["32GiB"] }]'), /is none of window-2KiB/);
	assert.throws(parse('[prover]\nexternal = [{ bin = "/p", env = { "A B" = "c" } }]'), /by names of variables/);
});
