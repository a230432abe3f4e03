/** The place of a statement among those of its author: it only ever rises, whatever is lost, and nobody else may say it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Effect } from '../../../src/core/api.ts';
import { isNewer } from '../../../src/core/identity.ts';
import { createState, step } from '../../../src/core/poster.ts';
import type { Envelope } from '../../../src/domain/envelope.ts';
import { epoch } from '../../../src/domain/ids.ts';
import type { Write } from '../../../src/domain/write.ts';
import { ClaimBench, decided, itemOf } from '../../support/claim-bench.ts';
import { CoreBench, idleRecord } from '../../support/core.ts';
import { runs } from '../../support/runs.ts';

const sent = (effects: readonly Effect[]): readonly Envelope[] =>
	effects.flatMap((effect) => (effect.type === 'publish' ? [effect.envelope] : []));

test('no (incarnation, sequence) is used twice, wherever a node dies and whatever its disk had not synced', () => {
	const { config } = new CoreBench({ self: ['prover'], a: ['chain'] }).state;
	const lives = fc.array(fc.record({ statements: fc.nat({ max: 2_300 }), torn: fc.boolean() }), {
		minLength: 2,
		maxLength: 5,
	});
	fc.assert(
		fc.property(lives, (plan) => {
			const disk = new Map<string, Uint8Array>();
			const write = (writes: readonly Write[]): void => {
				for (const entry of writes) {
					if (entry.type === 'put') disk.set(entry.key, entry.value);
					else disk.delete(entry.key);
				}
			};
			let last = { incarnation: 0, sequence: -1 };
			for (const { statements, torn } of plan) {
				const state = createState(config, [...disk]);
				let now = 0;
				for (let made = 0; made <= statements; ) {
					now += 250;
					// A record whenever something changed: the sequence is what is looked at here.
					state.records.changed = true;
					const { persist, after } = step(state, { type: 'tick' }, now);
					// Power is lost before the last batch of a life is on disk: nothing of it has left.
					if (torn && made === statements) break;
					write(persist);
					const envelopes = sent(after);
					made += Math.max(1, envelopes.length);
					for (const envelope of envelopes) {
						assert.ok(
							isNewer(envelope, last),
							`${envelope.incarnation}/${envelope.sequence} after ${JSON.stringify(last)}`,
						);
						last = { incarnation: envelope.incarnation, sequence: envelope.sequence };
					}
				}
			}
		}),
		{ numRuns: runs(8) },
	);
});

test('a statement of the own identity from its own future is a cloned key: an alarm, and no further claim', () => {
	const bench = new ClaimBench();
	const { incarnation, sequence } = bench.state.identity;
	const own = (change: Partial<Envelope>): readonly Effect[] => {
		const base = { network: 'corenet', from: bench.id('self'), incarnation, sequence: sequence - 1, epoch: epoch(165) };
		const envelope = { ...base, kind: 'rec', body: idleRecord(), ...change } as Envelope;
		return bench.give({ type: 'statement', envelope, raw: new Uint8Array(1), relay: bench.id('a'), ageMs: 0 });
	};
	const alarms = (effects: readonly Effect[]): readonly string[] =>
		effects.flatMap((effect) => (effect.type === 'alarm' ? [effect.alarm.code] : []));
	assert.deepEqual(alarms(own({})), [], 'what this node said itself comes back');
	assert.deepEqual(alarms(own({ sequence: sequence + 5 })), ['key-cloned']);
	assert.deepEqual(decided([...bench.announce(itemOf(0)), ...bench.second()], 'claim'), []);
});

test('a node that remembers nothing begins with the time, so that it repeats nothing of a former life', () => {
	const { config } = new CoreBench({ self: ['prover'], a: ['chain'] }).state;
	const life = (firstIncarnation: number, disk: [string, Uint8Array][]): number =>
		createState({ ...config, firstIncarnation }, disk).identity.incarnation;
	assert.equal(life(1_790_000_000, []), 1_790_000_000);
	const bench = new CoreBench({ self: ['prover'], a: ['chain'] }, { firstIncarnation: 1_790_000_000 });
	assert.equal(life(1_790_000_100, [...bench.disk]), 1_790_000_001, 'a disk counts on');
});

test('a node that lost its disk and whose clock is behind goes on after its former life', () => {
	const bench = new CoreBench({ self: ['prover'], a: ['chain'] });
	const envelope = { network: 'corenet', from: bench.id('self'), incarnation: 9, sequence: 4, epoch: epoch(1) };
	const former: Envelope = { ...envelope, kind: 'rec', body: idleRecord() };
	const told = bench.give({
		type: 'statement',
		envelope: former,
		raw: new Uint8Array(1),
		relay: bench.id('a'),
		ageMs: 0,
	});
	for (const { incarnation } of sent([...told, ...bench.second()])) assert.equal(incarnation, 10);
	assert.equal(bench.state.identity.cloned, false);
});
