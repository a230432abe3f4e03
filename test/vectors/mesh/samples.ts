/** One envelope of each kind, written out; its bytes stand in envelopes.json and change only with the protocol version. */
import { submissionOf } from '../../../src/codec/submission.ts';
import { encodeMinerCall } from '../../../src/codec/miner-params.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import type { Envelope, EnvelopeBody } from '../../../src/domain/envelope.ts';
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
import { challengeKeyOf } from '../../../src/domain/work.ts';

const challenge = {
	kind: 'post' as const,
	nonce: 0,
	miner: actorId(1000),
	periodStart: epoch(154),
	deadline: deadlineIndex(2),
	challenge: epoch(254),
	open: epoch(274),
	close: epoch(334),
	randomness: hex32(`${'a1'.repeat(31)}3f`),
	proofType: 13,
};
const work = workIdOf('b2'.repeat(32));
const proof = Uint8Array.from({ length: 192 }, (_, i) => i);
const submitCall = encodeMinerCall({
	kind: 'submit-post',
	params: {
		deadline: deadlineIndex(2),
		partition: partitionIndex(1),
		skipped: Bitfield.of([7]),
		proofType: 13,
		proof,
		commitEpoch: epoch(280),
		commitRandomness: hex32('c3'.repeat(32)),
	},
});
const signed = {
	message: {
		version: 0 as const,
		to: 'f01000',
		from: 'f0100',
		nonce: 5,
		value: attoFil(0n),
		gasLimit: 20_000_000,
		gasFeeCap: attoFil(1_000_000_000n),
		gasPremium: attoFil(100_000n),
		...submitCall,
	},
	signatureType: 1 as const,
	signature: new Uint8Array(65).fill(4),
};

const bodies: readonly EnvelopeBody[] = [
	{
		kind: 'ann',
		body: {
			challenge,
			items: [
				{ partition: partitionIndex(0), sectorCount: 2349, sectorRoot: hex32('d4'.repeat(32)) },
				{ partition: partitionIndex(1), sectorCount: 12, sectorRoot: hex32('d5'.repeat(32)) },
			],
		},
	},
	{
		kind: 'rec',
		body: {
			rosterVersion: 3,
			rosterHash: hex32('e6'.repeat(32)),
			slots: 2,
			idle: 1,
			health: 0,
			chain: true,
			synced: true,
			keys: hex32('e7'.repeat(32)),
			estimates: [{ proofType: 13, p95Ms: 300_000, p99Ms: 420_000 }],
			leases: [
				{ work, term: 2, backup: false, phase: 'prove', permille: 400, workSeconds: 61, replaces: nodeId('12D3KooWfirst') },
			],
			ended: [{ work: workIdOf('b3'.repeat(32)), reason: 'incomplete' }],
			have: [{ key: challengeKeyOf('f8'.repeat(16)), partitions: Bitfield.of([0, 1, 2, 9]) }],
			submissions: ['a9'.repeat(8)],
			objections: [{ work, sector: sectorNumber(7), holder: nodeId('12D3KooWhaver') }],
			suspects: [nodeId('12D3KooWgone')],
		},
	},
	{ kind: 'res', body: { work, proof, skipped: Bitfield.of([7]), refusals: [Uint8Array.of(1, 2, 3)], proveMs: 301_000 } },
	{ kind: 'sub', body: submissionOf(work, signed) },
	{ kind: 'tomb', body: { challenge, reason: 'reorg', works: [work] } },
	{ kind: 'ref', body: { work, sectors: Bitfield.of([7, 8]), first: epoch(256) } },
	{ kind: 'hold', body: { miner: actorId(1000), sectors: Bitfield.ofRuns([{ start: 0, end: 5_000 }]) } },
];

export const samples: readonly Envelope[] = bodies.map((body, i) => ({
	network: 'devnet',
	from: nodeId('12D3KooWSender'),
	incarnation: 4,
	sequence: 1_000 + i,
	epoch: epoch(260),
	...body,
}));
