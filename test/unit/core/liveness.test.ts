/** Who counts as alive: silence is probed before it ends a lease, and silence of many is a split. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect, EffectOf } from '../../../src/core/api.ts';
import { peerOf, silenceLimitMs } from '../../../src/core/liveness.ts';
import { limits } from '../../../src/domain/limits.ts';
import { ClaimBench, decided, itemOf, leaseOf } from '../../support/claim-bench.ts';
import { idleRecord } from '../../support/core.ts';

const probes = (effects: readonly Effect[]): readonly EffectOf<'probe'>[] =>
	effects.flatMap((effect) => (effect.type === 'probe' ? [effect] : []));

/** An item that p holds; p and nobody else has gone silent. */
function heldBySilent(): ClaimBench {
	const bench = new ClaimBench({ others: 1 });
	bench.beacon('p', [leaseOf(itemOf(0))]);
	bench.announce(itemOf(0));
	return bench;
}

/** Lets time pass without records of the provers; what was asked and decided meanwhile. */
function silence(bench: ClaimBench, ms: number): readonly Effect[] {
	const effects: Effect[] = [];
	for (let i = 0; i < ms / limits.tickMs; i++) {
		bench.now += limits.tickMs;
		effects.push(...bench.give({ type: 'tick' }));
	}
	return effects;
}

test('silence alone ends no lease: the holder is probed first, and one that answers keeps it', () => {
	const bench = heldBySilent();
	const before = silence(bench, limits.leaseMs - limits.probeMs - limits.tickMs);
	assert.deepEqual(probes(before), []);
	assert.deepEqual(
		probes(silence(bench, 2 * limits.tickMs)).map(({ peer }) => peer),
		[bench.id('p')],
	);
	// The answer is late: while it is awaited nothing is decided.
	assert.deepEqual(decided(silence(bench, 5_000), 'takeover'), []);
	const alive = [...bench.give({ type: 'probed', peer: bench.id('p'), alive: true }), ...silence(bench, 9_000)];
	assert.deepEqual(decided(alive, 'takeover'), []);
	assert.equal(probes(silence(bench, 3_000)).length, 1, 'it is probed again when it stays silent');
});

test('a holder that no probe reaches is dead, and whoever is next takes over', () => {
	const bench = heldBySilent();
	silence(bench, limits.leaseMs);
	const effects = [...bench.give({ type: 'probed', peer: bench.id('p'), alive: false }), ...silence(bench, 3_000)];
	assert.equal(decided(effects, 'presume-dead')[0]?.reason, 'silent');
	assert.equal(decided(effects, 'takeover').length, 1);
});

test('a holder that speaks while it is probed is alive, whatever the probes say', () => {
	const bench = heldBySilent();
	assert.equal(probes(silence(bench, limits.leaseMs - limits.probeMs + limits.tickMs)).length, 1);
	bench.now += 100;
	bench.beacon('p', [leaseOf(itemOf(0))]);
	bench.now += 200;
	const effects = [...bench.give({ type: 'probed', peer: bench.id('p'), alive: false }), ...silence(bench, 3_000)];
	assert.deepEqual(decided(effects, 'presume-dead'), []);
	assert.deepEqual(decided(effects, 'takeover'), []);
});

test('a reset connection asks for the probe at once and is told to others, who probe for themselves', () => {
	const bench = heldBySilent();
	const seen = bench.give({ type: 'disconnected', peer: bench.id('p'), cause: 'reset' });
	assert.equal(probes([...seen, ...silence(bench, limits.tickMs)]).length, 1);
	assert.ok(bench.state.records.own?.envelope.body.suspects.includes(bench.id('p')));
	const other = heldBySilent();
	silence(other, 2_000);
	const told = other.hear('a', { kind: 'rec', body: idleRecord({ suspects: [other.id('p')] }) }, 165);
	assert.equal(probes([...told, ...silence(other, limits.tickMs)]).length, 1);
	assert.deepEqual(decided(told, 'takeover'), []);
	const closed = heldBySilent();
	const effects = closed.give({ type: 'disconnected', peer: closed.id('p'), cause: 'closed' });
	assert.deepEqual(probes([...effects, ...silence(closed, limits.tickMs)]), []);
});

test('when many fall silent together their leases are honoured: the network is split rather than they dead', () => {
	for (const [cause, vanished] of [
		['silence', true],
		['reset', false],
	] as const) {
		const bench = new ClaimBench({ others: 8, slots: 4 });
		const items = [0, 1, 2, 3].map((partition) => itemOf(partition));
		const lost = bench.others.slice(0, 4);
		for (const [i, name] of lost.entries()) bench.beacon(name, [leaseOf(items[i] as (typeof items)[0])]);
		for (const item of items) bench.announce(item);
		if (cause === 'reset') {
			for (const name of lost) bench.give({ type: 'disconnected', peer: bench.id(name), cause });
		}
		const effects = [...silence(bench, limits.leaseMs)];
		for (const name of lost) effects.push(...bench.give({ type: 'probed', peer: bench.id(name), alive: false }));
		for (let i = 0; i < 10; i++) {
			for (const name of bench.others.slice(4)) bench.beacon(name);
			effects.push(...silence(bench, 1_000));
		}
		// Until three of them are known to be silent, the first ones look like single deaths.
		const taken = decided(effects, 'takeover').length + decided(effects, 'claim').length;
		assert.equal(taken <= 2, vanished, `${cause}: ${taken} taken over`);
	}
});

test('what a relay tells is no sign of life beyond its age there', () => {
	const bench = heldBySilent();
	silence(bench, 9_000);
	const body = idleRecord({ leases: [leaseOf(itemOf(0), { permille: 10 })] });
	const envelope = {
		network: 'corenet',
		from: bench.id('p'),
		incarnation: 1,
		sequence: 500,
		epoch: 165 as never,
		body,
	};
	const relay = { relay: bench.id('a'), ageMs: 8_000, raw: new Uint8Array(1) };
	bench.give({ type: 'statement', envelope: { ...envelope, kind: 'rec' }, ...relay });
	assert.equal(probes(silence(bench, limits.leaseMs - limits.probeMs - 8_000 + limits.tickMs)).length, 1);
});

test('a node whose own ticks come late is patient with others', () => {
	const bench = heldBySilent();
	const peer = peerOf(bench.state, bench.id('p'));
	const before = silenceLimitMs(bench.state, peer);
	for (let i = 0; i < 4; i++) {
		bench.now += 3_000;
		bench.give({ type: 'tick' });
	}
	assert.equal(silenceLimitMs(bench.state, peer), before * 3);
});

test('a member whose leases keep expiring without a result is given less time', () => {
	const bench = heldBySilent();
	for (let i = 0; i < 3; i++) {
		silence(bench, limits.leaseMs);
		bench.give({ type: 'probed', peer: bench.id('p'), alive: false });
		bench.beacon('p', [leaseOf(itemOf(0))]);
	}
	assert.equal(probes(silence(bench, 4_500)).length, 1);
});
