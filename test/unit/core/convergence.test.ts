import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildDigest } from '../../../src/core/digest.ts';
import { contenders } from '../../../src/core/leases.ts';
import { createState, type State, step } from '../../../src/core/poster.ts';
import type { Envelope } from '../../../src/domain/envelope.ts';
import type { SimNode } from '../../sim/node.ts';
import { drawPlan } from '../../sim/plan.ts';
import { Random } from '../../sim/random.ts';
import { World } from '../../sim/world.ts';

/** Everything that was said in a short run, and a member that heard none of it. */
function saidIn(seed: number) {
	const world = new World(drawPlan({ seed, nodes: 7, kind: 'short', classes: ['crash'] }));
	const said: { envelope: Envelope; raw: Uint8Array }[] = [];
	const { network } = world;
	const gossip = network.gossip.bind(network);
	network.gossip = (from, envelope, raw) => {
		said.push({ envelope, raw });
		gossip(from, envelope, raw);
	};
	world.begin();
	while (world.heap.run(45 * world.plan.epochMs));
	const listener = world.nodes.at(-1) as SimNode;
	return { world, listener, said: said.filter(({ envelope }) => envelope.from !== listener.id) };
}

function hear(
	listener: ReturnType<typeof saidIn>['listener'],
	said: ReturnType<typeof saidIn>['said'],
	world: World,
): State {
	const state = createState({ ...listener.config, keys: listener.config.keys }, []);
	step(state, { type: 'tick' }, 1_000);
	for (const [root, sectors] of world.chain.manifests) step(state, { type: 'manifest-held', root, sectors }, 1_000);
	for (let i = 0; i < 2; i++) {
		for (const { envelope, raw } of said) {
			const { after } = step(state, { type: 'statement', envelope, raw, relay: envelope.from, ageMs: 0 }, 1_000);
			for (const effect of after) {
				if (effect.type === 'verify') {
					step(state, { type: 'verified', work: effect.work.id, hash: effect.hash, verdict: 'good' }, 1_000);
				} else if (effect.type === 'check-message') {
					step(state, { type: 'message-checked', cid: effect.cid, verdict: 'good' }, 1_000);
				}
			}
		}
		// What waited for one of its fellows is asked for once more, as sync does.
		for (let round = 0; round < 20; round++) {
			const { after } = step(state, { type: 'tick' }, 1_000);
			for (const effect of after) {
				if (effect.type !== 'verify') continue;
				step(state, { type: 'verified', work: effect.work.id, hash: effect.hash, verdict: 'good' }, 1_000);
			}
		}
	}
	return state;
}

function knowledge(state: State) {
	const { records, ...rest } = buildDigest(state);
	return {
		...rest,
		records: records.filter(({ node }) => node !== state.config.self),
		winners: [...state.works].map(([id, work]) => [
			id,
			contenders(state, work).map(({ node, lease }) => [node, lease]),
		]),
	};
}

test('the same statements in any order, some twice, give the same leases, results and messages', () => {
	const { world, listener, said } = saidIn(11);
	assert.ok(new Set(said.map(({ envelope }) => envelope.kind)).size >= 4, 'enough was said');
	const first = knowledge(hear(listener, said, world));
	assert.ok(first.challenges.length > 0);
	fc.assert(
		fc.property(fc.integer(), (seed) => {
			const random = new Random(seed);
			const shuffled = [...said, ...said.filter(() => random.chance(300))]
				.map((entry) => ({ entry, at: random.next() }))
				.sort((a, b) => a.at - b.at)
				.map(({ entry }) => entry);
			assert.deepEqual(knowledge(hear(listener, shuffled, world)), first);
		}),
		{ numRuns: 10 },
	);
});
