/** What anti-entropy asks for: nothing that waits here already, nothing again and again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePull } from '../../../src/codec/sync.ts';
import type { Effect, EffectOf, Event } from '../../../src/core/api.ts';
import { buildDigest } from '../../../src/core/digest.ts';
import { createState, type State, step } from '../../../src/core/poster.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import type { Statement } from '../../../src/domain/envelope.ts';
import { actorId, attoFil, deadlineIndex, epoch, hex32, partitionIndex } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { Digest, Pull } from '../../../src/domain/sync.ts';
import { Story } from '../../stories/story.ts';
import { CoreBench, DUE_CHALLENGE, MINER } from '../../support/core.ts';

/** Alpha has an announcement, a result and a message; a node that starts anew asks it. */
function bench(keys: 'as-all' | null) {
	const story = new Story();
	story.tell(`
		mesh alpha=chain+submitter store=storage/all p1=prover boot=bootstrap
		chain full
		await push reason=signed by=alpha
		run 4`);
	const alpha = story.world.named('alpha');
	const { config } = story.world.named('boot');
	assert.ok(alpha.state !== null);
	const state = createState(keys === null ? { ...config, keys } : config, []);
	let now = 1_000;
	const give = (event: Event): readonly Effect[] => step(state, event, now).after;
	/** The next exchange with alpha; null when nothing is pulled. */
	const exchange = (full: boolean): Pull | null => {
		give({ type: 'sync-answered', peer: alpha.id, digest: buildDigest(alpha.state as State) });
		const asked = state.sync.active?.stage === 'pull';
		if (!asked || pulled === null) return null;
		const pull = pulled;
		pulled = null;
		for (const { envelope, raw } of answerOf(alpha.state as State, pull)) {
			keep(give({ type: 'statement', envelope, raw: raw ?? alpha.seal(envelope), relay: alpha.id, ageMs: 0 }));
		}
		keep(give({ type: 'pulled', peer: alpha.id, ok: true, more: full }));
		return pull;
	};
	let pulled: Pull | null = null;
	const begun: EffectOf<'sync'>[] = [];
	const keep = (effects: readonly Effect[]): void => {
		for (const effect of effects) {
			if (effect.type === 'pull') pulled = effect.pull;
			if (effect.type === 'sync') begun.push(effect);
		}
	};
	keep(give({ type: 'connected', peer: alpha.id }));
	return {
		state,
		begun,
		exchange: (full: boolean) => {
			const digest = buildDigest(alpha.state as State);
			keep(give({ type: 'sync-answered', peer: alpha.id, digest }));
			return pulled === null ? null : exchange(full);
		},
		wait: (ms: number) => {
			now += ms;
			keep(give({ type: 'tick' }));
		},
	};
}

function answerOf(state: State, pull: Pull): readonly Statement[] {
	const answer = step(state, { type: 'pull-asked', request: 1, peer: state.config.self, pull }, state.now).after.find(
		({ type }) => type === 'answer-pull',
	) as EffectOf<'answer-pull'>;
	return answer.statements.map(({ statement }) => statement);
}

test('a node that cannot verify converges: what it will never count is asked for once', () => {
	const { exchange, wait } = bench(null);
	const first = exchange(false);
	assert.ok((first?.challenges.length ?? 0) > 0);
	wait(limits.syncMs);
	assert.deepEqual(exchange(false)?.challenges ?? [], []);
});

test('what waits to be judged is named as known', () => {
	const { exchange, wait, state } = bench('as-all');
	exchange(false);
	const [message] = state.messages.values();
	assert.equal(message?.proofGood, false);
	wait(limits.syncMs);
	const [challenge] = exchange(false)?.challenges ?? [];
	assert.deepEqual(challenge?.submissions, [message?.short]);
	assert.equal(challenge?.results.length, 1);
});

test('an answer that is full and brings nothing new is not asked for again at once', () => {
	const { exchange, wait, begun } = bench('as-all');
	assert.notEqual(exchange(true), null);
	// The first full answer changed what is known, the second one nothing.
	assert.notEqual(exchange(true), null);
	const before = begun.length;
	assert.equal(exchange(true), null);
	wait(limits.tickMs);
	assert.equal(begun.length, before, 'it waits');
	wait(limits.syncMs);
	assert.equal(begun.length, before + 1, 'until the next round');
});

/** A miner's deadlines with so many results, and so many holdings, that naming them all takes more than one question. */
function crowded(): { readonly bench: CoreBench; readonly theirs: Digest } {
	const bench = new CoreBench({ self: ['chain'], other: ['chain'] });
	const challenges = Array.from({ length: 48 }, (_, i) => ({
		challenge: { ...DUE_CHALLENGE, deadline: deadlineIndex(i) },
		due: Array.from({ length: 256 }, (_, p) => ({
			partition: partitionIndex(p),
			sectorCount: 4,
			sectorRoot: hex32('33'.repeat(32)),
		})),
		posted: null,
	}));
	const sender = { address: 'f1sender', nonce: 0, pool: [] };
	const view = { miner: MINER, epoch: epoch(165), challenges, sender, baseFee: attoFil(1n) };
	bench.give({ type: 'head', epoch: epoch(165) });
	bench.give({ type: 'chain-view', view });
	for (const work of bench.state.works.values()) {
		Object.assign(work.results, {
			best: { hash: work.item.id, result: { skipped: Bitfield.empty } },
			acknowledged: true,
		});
	}
	for (let i = 0; i < limits.holdingsKnown; i++) {
		const envelope = { from: bench.id('other'), incarnation: 1, sequence: i, body: { miner: actorId(i) } };
		bench.state.holdings.statements.set(`${envelope.from}/${i}`, { envelope } as never);
	}
	const zero = hex32('00'.repeat(32));
	const digest = buildDigest(bench.state);
	const differs = { announcements: zero, results: zero, submissions: zero, refusals: zero };
	return {
		bench,
		theirs: { ...digest, holdings: zero, challenges: digest.challenges.map(({ key }) => ({ key, ...differs })) },
	};
}

test('a question fits its bound; the rest is asked for in turn, other challenges first each time', () => {
	const { bench, theirs } = crowded();
	const peer = bench.id('other');
	const named = new Set<string>();
	let rounds = 0;
	for (; named.size < theirs.challenges.length; rounds++) {
		assert.ok(rounds < 20, `${named.size} challenges were asked about`);
		for (const effect of [...bench.give({ type: 'connected', peer }), ...bench.second()]) {
			if (effect.type === 'sync') {
				const [pull] = bench
					.give({ type: 'sync-answered', peer, digest: theirs })
					.flatMap((answer) => (answer.type === 'pull' ? [answer.pull] : []));
				if (pull === undefined) continue;
				assert.ok(encodePull(pull).length <= limits.pullBytes);
				for (const { key } of pull.challenges) named.add(key);
				bench.give({ type: 'pulled', peer, ok: true, more: false });
				assert.equal(bench.state.sync.completed, 0, 'what was left out is not in sync');
			}
		}
	}
	assert.ok(rounds > 1);
});

test('a member that always shows something newer and never answers the question keeps nobody from the others', () => {
	const bench = new CoreBench({ self: ['prover'], honest: ['prover'], other: ['prover'], silent: ['prover'] });
	const silent = bench.id('silent');
	for (const name of ['silent', 'honest', 'other']) bench.give({ type: 'connected', peer: bench.id(name) });
	const begun = new Map<string, number>();
	const open: { readonly event: Event; readonly due: number }[] = [];
	const keep = (effects: readonly Effect[]): void => {
		for (const effect of effects) {
			if (effect.type !== 'sync' && effect.type !== 'pull') continue;
			const { peer } = effect;
			begun.set(peer, (begun.get(peer) ?? 0) + 1);
			const digest = peer === silent ? null : buildDigest(bench.state);
			const answer: Event =
				effect.type === 'sync'
					? { type: 'sync-answered', peer, digest }
					: { type: 'pulled', peer, ok: peer !== silent, more: false };
			// The silent one holds each call until its time limit.
			open.push({ event: answer, due: bench.now + (peer === silent ? limits.syncTimeoutMs : 0) });
		}
	};
	const newer = { node: bench.id('honest'), incarnation: 9_999, sequence: 1 };
	const SECONDS = 600;
	for (let second = 0; second < SECONDS; second++) {
		keep(bench.second());
		if (second % 5 === 0) {
			const digest = { ...buildDigest(bench.state), records: [newer] };
			keep(bench.give({ type: 'sync-asked', request: second, peer: silent, digest }));
		}
		for (let i = 0; i < open.length; i++) {
			const answer = open[i];
			if (answer === undefined || answer.due > bench.now) continue;
			open.splice(i--, 1);
			keep(bench.give(answer.event));
		}
	}
	for (const name of ['honest', 'other']) {
		// Alone they would be asked in turn, each two rounds apart.
		const least = (SECONDS * 1_000) / limits.syncMs / 4;
		assert.ok((begun.get(bench.id(name)) ?? 0) >= least, `${name} was asked ${begun.get(bench.id(name)) ?? 0} times`);
	}
	assert.ok((begun.get(silent) ?? 0) > 0, 'it may be busy only: it is asked again');
});

test('of several wanted members the one whose last exchange is the longest ago is asked first', () => {
	const bench = new CoreBench({ self: ['prover'], a: ['prover'], b: ['prover'], c: ['prover'] });
	const names = ['a', 'b', 'c'];
	const asked: string[] = [];
	const keep = (effects: readonly Effect[]): void => {
		for (const effect of effects) if (effect.type === 'sync' || effect.type === 'pull') asked.push(effect.peer);
	};
	for (const name of names) keep(bench.give({ type: 'connected', peer: bench.id(name) }));
	for (let i = 0; i < 12; i++) {
		const peer = asked.at(-1);
		const pulled = bench.state.sync.active?.stage === 'pull';
		if (peer !== undefined && bench.state.sync.active !== null) {
			if (pulled) keep(bench.give({ type: 'pulled', peer: peer as never, ok: true, more: false }));
			else keep(bench.give({ type: 'sync-answered', peer: peer as never, digest: buildDigest(bench.state) }));
		}
		for (const [n, name] of names.entries()) {
			const digest = { ...buildDigest(bench.state), records: [{ node: bench.id('a'), incarnation: 9, sequence: i }] };
			keep(bench.give({ type: 'sync-asked', request: i * 3 + n, peer: bench.id(name), digest }));
		}
		keep(bench.second());
	}
	for (const name of names) {
		const times = asked.filter((id) => id === bench.id(name)).length;
		assert.ok(times >= 3, `${name} was asked ${times} of ${asked.length} times`);
	}
});
