/** Values of every body of the mesh protocol, for property tests of the codecs. */
import fc from 'fast-check';
import { encodeSignedMessage } from '../../../src/codec/message.ts';
import { encodeMinerCall } from '../../../src/codec/miner-params.ts';
import { submissionOf } from '../../../src/codec/submission.ts';
import { TOMBSTONE_REASONS } from '../../../src/domain/announcement.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import type { Envelope } from '../../../src/domain/envelope.ts';
import {
	actorId,
	attoFil,
	deadlineIndex,
	epoch,
	hex32,
	nodeId,
	partitionIndex,
	sectorNumber,
	workIdOf,
} from '../../../src/domain/ids.ts';
import { LEASE_PHASES, RELEASE_REASONS } from '../../../src/domain/lease.ts';
import { challengeKeyOf } from '../../../src/domain/work.ts';

/** Records as the codecs make them: plain objects. */
export const plain = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
	fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

const hex = (bytes: number): fc.Arbitrary<string> =>
	fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((raw) => Buffer.from(raw).toString('hex'));
const hash = hex(32).map(hex32);
const work = hex(32).map(workIdOf);
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u53 = fc.maxSafeNat();
const anyEpoch = fc.integer({ min: -100_000, max: 10_000_000 }).map(epoch);
export const node = fc
	.string({
		unit: fc.constantFrom(...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'.split('')),
		minLength: 4,
		maxLength: 52,
	})
	.map(nodeId);
const sectors = fc.array(fc.nat({ max: 4_000 }), { maxLength: 60 }).map((numbers) => Bitfield.of(numbers));
const by =
	<T>(key: (value: T) => string | number) =>
	(values: T[]): T[] =>
		[...values].sort((a, b) => (key(a) < key(b) ? -1 : 1));

export const challenge = fc
	.record({
		dry: fc.boolean(),
		nonce: fc.integer({ min: 1, max: 2 ** 40 }),
		miner: u53.map(actorId),
		periodStart: anyEpoch,
		deadline: fc.nat({ max: 47 }).map(deadlineIndex),
		challenge: fc.nat({ max: 10_000_000 }),
		lookback: fc.nat({ max: 100 }),
		window: fc.integer({ min: 1, max: 100 }),
		randomness: hash,
		proofType: fc.constantFrom(10, 11, 12, 13, 14),
	})
	.map(({ dry, nonce, challenge: at, lookback, window, randomness, ...rest }) => ({
		kind: dry ? ('dry' as const) : ('post' as const),
		nonce: dry ? nonce : 0,
		...rest,
		challenge: epoch(at),
		open: epoch(at + lookback),
		close: epoch(at + lookback + window),
		randomness: hex32(`${randomness.slice(0, 62)}3f`),
	}));

const due = plain({
	partition: fc.nat({ max: 2_999 }).map(partitionIndex),
	sectorCount: fc.integer({ min: 1, max: 2_349 }),
	sectorRoot: hash,
});
const announcement = plain({
	challenge,
	items: fc
		.uniqueArray(due, { selector: ({ partition }) => partition, minLength: 1, maxLength: 8 })
		.map(by((d) => d.partition)),
});
const tombstone = plain({
	challenge,
	reason: fc.constantFrom(...TOMBSTONE_REASONS),
	works: fc.uniqueArray(work, { minLength: 1, maxLength: 4 }).map(by((id) => id)),
});
const lease = plain({
	work,
	term: fc.integer({ min: 1, max: 1_000 }),
	backup: fc.boolean(),
	phase: fc.constantFrom(...LEASE_PHASES),
	permille: fc.nat({ max: 1_000 }),
	workSeconds: u32,
	replaces: fc.option(node),
});
const record = plain({
	rosterVersion: u32,
	rosterHash: hash,
	slots: fc.nat({ max: 64 }),
	idle: fc.nat({ max: 64 }),
	health: fc.nat({ max: 8 }),
	chain: fc.boolean(),
	synced: fc.boolean(),
	keys: fc.option(hash),
	estimates: fc
		.uniqueArray(plain({ proofType: fc.nat({ max: 14 }), p95Ms: u32, p99Ms: u32 }), {
			selector: (e) => e.proofType,
			maxLength: 3,
		})
		.map(by((e) => e.proofType)),
	leases: fc.uniqueArray(lease, { selector: (l) => l.work, maxLength: 4 }).map(by((l) => l.work)),
	ended: fc
		.uniqueArray(plain({ work, reason: fc.constantFrom(...RELEASE_REASONS) }), {
			selector: (e) => e.work,
			maxLength: 4,
		})
		.map(by((e) => e.work)),
	have: fc
		.uniqueArray(
			plain({
				key: hex(16).map(challengeKeyOf),
				partitions: fc.array(fc.nat({ max: 2_999 }), { maxLength: 40 }).map((n) => Bitfield.of(n)),
			}),
			{ selector: (h) => h.key, maxLength: 3 },
		)
		.map(by((h) => h.key)),
	submissions: fc.array(hex(8), { maxLength: 4 }),
	objections: fc.array(plain({ work, sector: u53.map(sectorNumber), holder: node }), { maxLength: 3 }),
	suspects: fc.uniqueArray(node, { maxLength: 3 }).map(by((id) => id)),
});
const proof = fc.uint8Array({ minLength: 192, maxLength: 192 });
const result = plain({
	work,
	proof,
	skipped: sectors,
	refusals: fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 3 }),
	proveMs: u32,
});
const submission = fc
	.record({
		work,
		proof,
		skipped: sectors,
		nonce: u53,
		premium: fc.bigInt({ min: 0n, max: 2n ** 80n }),
		randomness: hash,
	})
	.map(({ work: id, proof: bytes, skipped, nonce, premium, randomness }) => {
		const call = encodeMinerCall({
			kind: 'submit-post',
			params: {
				deadline: deadlineIndex(3),
				partition: partitionIndex(1),
				skipped,
				proofType: 13,
				proof: bytes,
				commitEpoch: epoch(100),
				commitRandomness: randomness,
			},
		});
		const message = {
			version: 0 as const,
			to: 'f01000',
			from: 'f0100',
			nonce,
			value: attoFil(0n),
			gasLimit: 1_000,
			gasFeeCap: attoFil(premium + 1n),
			gasPremium: attoFil(premium),
			...call,
		};
		const signed = { message, signatureType: 1 as const, signature: new Uint8Array(65).fill(5) };
		encodeSignedMessage(signed);
		return submissionOf(id, signed);
	});
const refusal = plain({ work, sectors, first: anyEpoch });
const holdings = plain({ miner: u53.map(actorId), sectors });

const body = fc.oneof(
	announcement.map((value) => ({ kind: 'ann' as const, body: value })),
	record.map((value) => ({ kind: 'rec' as const, body: value })),
	result.map((value) => ({ kind: 'res' as const, body: value })),
	submission.map((value) => ({ kind: 'sub' as const, body: value })),
	tombstone.map((value) => ({ kind: 'tomb' as const, body: value })),
	refusal.map((value) => ({ kind: 'ref' as const, body: value })),
	holdings.map((value) => ({ kind: 'hold' as const, body: value })),
);

export const envelope: fc.Arbitrary<Envelope> = fc
	.tuple(
		plain({ network: fc.string({ maxLength: 16 }), from: node, incarnation: u32, sequence: u53, epoch: anyEpoch }),
		body,
	)
	.map(([head, rest]) => ({ ...head, ...rest }) as Envelope);

const shortHashes = fc.uniqueArray(hex(8), { maxLength: 5 }).map(by((h) => h));
export const digest = plain({
	rosterVersion: u32,
	rosterHash: hash,
	records: fc
		.uniqueArray(plain({ node, incarnation: u32, sequence: u53 }), { selector: (r) => r.node, maxLength: 5 })
		.map(by((r) => r.node)),
	holdings: hash,
	challenges: fc
		.uniqueArray(
			plain({
				key: hex(16).map(challengeKeyOf),
				announcements: hash,
				results: hash,
				submissions: hash,
				refusals: hash,
			}),
			{ selector: (c) => c.key, maxLength: 4 },
		)
		.map(by((c) => c.key)),
});
export const pull = plain({
	roster: fc.boolean(),
	records: fc.uniqueArray(node, { maxLength: 4 }).map(by((id) => id)),
	holdings: fc.option(fc.array(plain({ node, miner: u53, incarnation: u32, sequence: u53 }), { maxLength: 4 })),
	challenges: fc
		.uniqueArray(
			plain({
				key: hex(16).map(challengeKeyOf),
				announcements: shortHashes,
				results: fc
					.uniqueArray(plain({ work, hash: hex(8) }), { selector: (r) => r.work, maxLength: 4 })
					.map(by((r) => r.work)),
				submissions: shortHashes,
				refusals: shortHashes,
			}),
			{ selector: (c) => c.key, maxLength: 3 },
		)
		.map(by((c) => c.key)),
});
