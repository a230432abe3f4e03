/** Statements of every kind: whatever their order and however often they come, all members end up knowing the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { minerAddress } from '../../../src/codec/address.ts';
import { sealEnvelope } from '../../../src/codec/envelope.ts';
import { encodeMinerCall } from '../../../src/codec/miner-params.ts';
import { submissionOf } from '../../../src/codec/submission.ts';
import { workItem } from '../../../src/codec/work-id.ts';
import { isCancelled } from '../../../src/core/announce.ts';
import type { Effect } from '../../../src/core/api.ts';
import { buildDigest } from '../../../src/core/digest.ts';
import { contenders } from '../../../src/core/leases.ts';
import { isLive } from '../../../src/core/message.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { BODY_KINDS, type Envelope, type EnvelopeBody } from '../../../src/domain/envelope.ts';
import { attoFil, epoch, hex32, type NodeId, partitionIndex, sectorNumber } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { PROOF_BYTES } from '../../../src/domain/proof.ts';
import type { Role } from '../../../src/domain/roster.ts';
import type { Challenge } from '../../../src/domain/work.ts';
import { leaseOf } from '../../support/claim-bench.ts';
import { CoreBench, DUE_CHALLENGE, idleRecord, MINER } from '../../support/core.ts';
import { runs } from '../../support/runs.ts';

const LISTENERS = ['x', 'y', 'z'] as const;
const SPEAKERS: Readonly<Record<string, readonly Role[]>> = {
	c1: ['chain', 'submitter'],
	c2: ['chain', 'submitter'],
	s1: ['storage'],
	s2: ['storage'],
	p1: ['prover'],
	p2: ['prover'],
};
const members = { ...Object.fromEntries(LISTENERS.map((name) => [name, []])), ...SPEAKERS };
const ROOT = hex32('33'.repeat(32));
const SECTORS = Bitfield.of([1, 2, 3, 4]);
const NOW = 190;
/** Three members, some of whose statements need others first. */
const ROUNDS = 8;
const SENDER = new CoreBench(members).state.roster.roster.miners[0]?.sender ?? '';

/** Two sides of a fork, two partitions each. */
const challenges: readonly Challenge[] = [
	DUE_CHALLENGE,
	{ ...DUE_CHALLENGE, randomness: hex32('6c'.repeat(31).concat('1c')) },
];
const due = [0, 1].map((i) => ({ partition: partitionIndex(i), sectorCount: SECTORS.size, sectorRoot: ROOT }));
const items = challenges.flatMap((challenge) => due.map((one) => workItem('corenet', challenge, one)));

type Speech = readonly [name: string, body: EnvelopeBody];

const item = fc.constantFrom(...items);
const skips = fc.constantFrom(Bitfield.empty, Bitfield.of([1]), Bitfield.of([1, 2]));
const proof = fc.constantFrom(1, 2).map((fill) => new Uint8Array(PROOF_BYTES).fill(fill));
const side = fc.constantFrom(0, 1).map((i) => ({
	challenge: challenges[i] as Challenge,
	works: items
		.slice(2 * i, 2 * i + 2)
		.map(({ id }) => id)
		.sort(),
}));
const said = (...names: readonly string[]) => fc.constantFrom(...names);
const speech: fc.Arbitrary<Speech> = fc.oneof(
	fc.tuple(
		said('c1', 'c2'),
		fc
			.record({ side, items: fc.constantFrom(due, due.slice(0, 1)) })
			.map((drawn): EnvelopeBody => ({ kind: 'ann', body: { challenge: drawn.side.challenge, items: drawn.items } })),
	),
	fc.tuple(
		said('c1', 'c2'),
		side.map(({ challenge, works }): EnvelopeBody => ({ kind: 'tomb', body: { challenge, works, reason: 'reorg' } })),
	),
	fc.tuple(
		said(...Object.keys(SPEAKERS)),
		fc
			.record({ held: fc.subarray(items), term: fc.integer({ min: 1, max: 3 }), permille: fc.nat(999) })
			.map(({ held, term, permille }): EnvelopeBody => {
				const leases = held.map((one) => leaseOf(one, { term, permille })).sort((a, b) => (a.work < b.work ? -1 : 1));
				return { kind: 'rec', body: idleRecord({ leases: leases.slice(0, 1) }) };
			}),
	),
	fc.tuple(
		said('p1', 'p2'),
		fc.record({ item, proof, skipped: skips }).map(
			(drawn): EnvelopeBody => ({
				kind: 'res',
				body: { work: drawn.item.id, proof: drawn.proof, skipped: drawn.skipped, refusals: [], proveMs: 1 },
			}),
		),
	),
	fc.tuple(
		said('c1', 'c2'),
		fc.record({ item, proof, skipped: skips, nonce: fc.nat(2), premium: fc.constantFrom(100n, 200n) }).map(submission),
	),
	fc.tuple(
		said('s1', 's2'),
		fc.record({ item, sectors: fc.constantFrom([1], [1, 2]), first: fc.constantFrom(170, 180) }).map(
			(drawn): EnvelopeBody => ({
				kind: 'ref',
				body: { work: drawn.item.id, sectors: Bitfield.of(drawn.sectors), first: epoch(drawn.first) },
			}),
		),
	),
	fc.tuple(
		said('s1', 's2'),
		fc.subarray([1, 2, 3, 4], { minLength: 1 }).map(
			(sectors): EnvelopeBody => ({
				kind: 'hold',
				body: { miner: MINER, sectors: Bitfield.of(sectors.map(sectorNumber)) },
			}),
		),
	),
);

interface Sub {
	readonly item: (typeof items)[number];
	readonly proof: Uint8Array;
	readonly skipped: Bitfield;
	readonly nonce: number;
	readonly premium: bigint;
}

/** No message answers both sides of the fork: its proof would hold on one of them. */
function submission({ item: one, proof: bytes, skipped, nonce, premium }: Sub): EnvelopeBody {
	const { id, partition, deadline } = one;
	const params = {
		deadline,
		partition,
		skipped,
		proofType: DUE_CHALLENGE.proofType,
		proof: bytes,
		commitEpoch: epoch(NOW - 1 - (items.indexOf(one) >> 1)),
		commitRandomness: hex32('00'.repeat(32)),
	};
	const message = {
		version: 0 as const,
		to: minerAddress(MINER),
		from: SENDER,
		nonce,
		value: attoFil(0n),
		gasLimit: 1_000,
		gasFeeCap: attoFil(1_000n),
		gasPremium: attoFil(premium),
		...encodeMinerCall({ kind: 'submit-post', params }),
	};
	return { kind: 'sub', body: submissionOf(id, { message, signatureType: 1, signature: new Uint8Array(65) }) };
}

/** A member that only listens, verifies everything, and answers what others ask. */
class Listener {
	readonly bench: CoreBench;

	constructor(name: string) {
		const ids = new CoreBench(members);
		this.bench = new CoreBench(members, { self: ids.id(name), roles: [], slots: [] });
		this.#settle(this.bench.give({ type: 'manifest-held', root: ROOT, sectors: SECTORS }));
	}

	hear(envelope: Envelope): void {
		const raw = sealEnvelope(envelope, () => new Uint8Array(64));
		this.#settle(this.bench.give({ type: 'statement', envelope, raw, relay: envelope.from, ageMs: 0 }));
	}

	/** What it does itself, with what it verifies answered. */
	give(event: Parameters<CoreBench['give']>[0]): readonly Effect[] {
		return this.#settle(this.bench.give(event));
	}

	#settle(effects: readonly Effect[]): readonly Effect[] {
		return effects.flatMap((effect) => {
			if (effect.type === 'verify') {
				return this.give({ type: 'verified', work: effect.work.id, hash: effect.hash, verdict: 'good' });
			}
			if (effect.type === 'check-message')
				return this.give({ type: 'message-checked', cid: effect.cid, verdict: 'good' });
			return [effect];
		});
	}
}

/** In order of utterance; a sequence tells the order, whatever comes first. */
function envelopes(bench: CoreBench, speeches: readonly Speech[]): readonly Envelope[] {
	return speeches.map(([name, body], sequence): Envelope => {
		return { network: 'corenet', from: bench.id(name), incarnation: 1, sequence, epoch: epoch(NOW), ...body };
	});
}

/** Everything that decisions rest on. */
function knowledge({ bench: { state } }: Listener, listeners: ReadonlySet<NodeId> = new Set([state.config.self])) {
	const { records, challenges: known, holdings } = buildDigest(state);
	return {
		known,
		holdings,
		records: records.filter(({ node }) => !listeners.has(node)),
		works: [...state.works].map(([id, work]) => ({
			id,
			announcers: work.announcers.keys(),
			tombs: work.tombs.keys(),
			cancelled: isCancelled(state, work),
			best: work.results.best?.hash,
			contenders: contenders(state, work).map(({ node, lease }) => [node, lease]),
		})),
		messages: [...state.messages.values()]
			.map((message): [string, boolean] => [message.submission.cid, isLive(message)])
			.sort(([a], [b]) => (a < b ? -1 : 1)),
	};
}

test('every kind of statement merges in any order and any number of times to the same knowledge', () => {
	const shuffled = (of: readonly Envelope[], order: readonly number[]): readonly Envelope[] =>
		of
			.map((envelope, i) => ({ envelope, at: order[i] ?? 0 }))
			.sort((a, b) => a.at - b.at)
			.map(({ envelope }) => envelope);
	const kinds = new Set<string>();
	fc.assert(
		fc.property(
			fc.array(speech, { minLength: 4, maxLength: 24 }),
			fc.array(fc.nat(), { minLength: 24, maxLength: 24 }),
			(speeches, order) => {
				const [one, other] = [new Listener('x'), new Listener('x')];
				const all = envelopes(one.bench, speeches);
				for (const { kind } of all) kinds.add(kind);
				// What came before its fellows is brought again by sync.
				for (let round = 0; round < 3; round++) for (const envelope of all) one.hear(envelope);
				for (let round = 0; round < 3; round++) for (const envelope of shuffled(all, order)) other.hear(envelope);
				assert.deepEqual(knowledge(other), knowledge(one));
				const before = knowledge(one);
				for (const envelope of all) one.hear(envelope);
				assert.deepEqual(knowledge(one), before, 'nothing is new in what is known');
			},
		),
		{ numRuns: runs(40) },
	);
	assert.deepEqual([...kinds].sort(), [...BODY_KINDS].sort(), 'all kinds were drawn');
});

/** Three members that heard different parts, with the newest record of each speaker on one of them at least. */
class Circle {
	readonly listeners = LISTENERS.map((name) => new Listener(name));
	#now = 1_000;

	constructor() {
		for (const one of this.listeners) {
			for (const other of this.listeners) {
				if (one !== other) this.#carry(one, one.give({ type: 'connected', peer: other.bench.state.config.self }));
			}
		}
	}

	/** Lets time pass, in which everybody exchanges digests with somebody once. */
	round(): void {
		this.#now += limits.syncMs;
		for (const one of this.listeners) {
			one.bench.now = this.#now;
			this.#carry(one, one.give({ type: 'tick' }));
		}
	}

	/** Exchanges that are asked for, as the streams carry them. */
	#carry(one: Listener, effects: readonly Effect[]): void {
		for (const effect of effects) {
			if (effect.type !== 'sync' && effect.type !== 'pull') continue;
			const { peer } = effect;
			const other = this.listeners.find(({ bench }) => bench.state.config.self === peer) as Listener;
			const self = one.bench.state.config.self;
			if (effect.type === 'sync') {
				const asked = other.give({ type: 'sync-asked', request: 1, peer: self, digest: effect.digest });
				const answer = asked.find((found) => found.type === 'answer-sync');
				assert.ok(answer !== undefined);
				this.#carry(one, one.give({ type: 'sync-answered', peer, digest: answer.digest }));
				continue;
			}
			const answer = other
				.give({ type: 'pull-asked', request: 1, peer: self, pull: effect.pull })
				.find((found) => found.type === 'answer-pull');
			assert.ok(answer !== undefined);
			for (const { statement } of answer.statements) one.hear(statement.envelope);
			this.#carry(one, one.give({ type: 'pulled', peer, ok: true, more: answer.more }));
		}
	}
}

test('members that heard different parts of what was said know the same after some rounds of digests', () => {
	fc.assert(
		fc.property(
			fc.array(fc.tuple(speech, fc.subarray([0, 1, 2], { minLength: 1 })), { minLength: 1, maxLength: 24 }),
			(heard) => {
				const circle = new Circle();
				const all = envelopes(
					(circle.listeners[0] as Listener).bench,
					heard.map(([said]) => said),
				);
				for (const [i, [, who]] of heard.entries()) {
					for (const index of who) circle.listeners[index]?.hear(all[i] as Envelope);
				}
				for (let round = 0; round < ROUNDS; round++) circle.round();
				const selves = new Set(circle.listeners.map(({ bench }) => bench.state.config.self));
				const [first, ...others] = circle.listeners.map((listener) => knowledge(listener, selves));
				for (const other of others) assert.deepEqual(other, first);
			},
		),
		{ numRuns: runs(30) },
	);
});
