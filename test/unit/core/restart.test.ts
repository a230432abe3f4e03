import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect, Event } from '../../../src/core/api.ts';
import { createState, step } from '../../../src/core/poster.ts';
import { limits } from '../../../src/domain/limits.ts';
import { ClaimBench, itemOf } from '../../support/claim-bench.ts';
import { CoreBench, published } from '../../support/core.ts';

const LIVES = 25;
const BLOCK_AND_MORE = 1_200;

/** One life after another on one disk; each ends without a word. */
class Lives {
	readonly bench = new CoreBench({ self: ['prover'], a: ['chain'], b: ['chain'] });
	readonly #disk = this.bench.disk;
	#state = this.bench.state;
	now = 0;

	begin(): void {
		this.#state = createState(
			this.bench.state.config,
			[...this.#disk].sort(([x], [y]) => (x < y ? -1 : 1)),
		);
	}

	give(event: Event): readonly Effect[] {
		const { persist, after } = step(this.#state, event, this.now);
		for (const write of persist) {
			if (write.type === 'put') this.#disk.set(write.key, write.value);
			else this.#disk.delete(write.key);
		}
		return after;
	}
}

test('a life after a kill repeats no incarnation and sequence, however far the ones before it spoke', () => {
	const lives = new Lives();
	const said = new Set<string>();
	for (let life = 0; life < LIVES; life++) {
		lives.begin();
		const effects = [...lives.give({ type: 'tick' })];
		// Changes of slots are told at once: a few, or more than one block of reserved sequences.
		const changes = life % 5 === 0 ? BLOCK_AND_MORE : life;
		for (let i = 0; i < changes; i++) {
			lives.now += limits.recordPauseMs;
			effects.push(...lives.give({ type: 'slots', slots: i % 2 === 0 ? [] : ['slot0'] }));
		}
		const records = published(effects, 'rec');
		assert.ok(records.length > changes / 2);
		for (const { incarnation, sequence } of records) {
			const place = `${incarnation}/${sequence}`;
			assert.ok(!said.has(place), `life ${life} said ${place} again`);
			said.add(place);
		}
	}
});

test('a node killed with a lease tells that it holds none within a second of connecting, however long it was alone', () => {
	const bench = new ClaimBench();
	bench.announce(itemOf(0));
	for (let i = 0; i < 4; i++) bench.second();
	assert.equal(bench.state.records.own?.envelope.body.leases.length, 1);
	const state = createState(bench.state.config, bench.disk);
	const told: Effect[] = [];
	const SECOND_MS = 1_000;
	const ALONE_MS = 10_000;
	for (let now = 0; now <= ALONE_MS + SECOND_MS; now += limits.tickMs) {
		const { after } = step(state, { type: 'tick' }, now);
		if (now > ALONE_MS) told.push(...after);
		if (now === ALONE_MS) told.push(...step(state, { type: 'connected', peer: bench.id('a') }, now).after);
	}
	const [record] = published(told, 'rec');
	assert.deepEqual(record?.kind === 'rec' && record.body.leases, []);
});
