/**
 * For each protocol that a node serves, what an honest member sends on a stream of it, as large as it may be: what
 * tests of hostile members start from. A protocol without a row fails those tests.
 */
import { createHash, randomBytes } from 'node:crypto';
import { encodeCbor } from '../../src/codec/cbor.ts';
import { encodeDigest, encodePull } from '../../src/codec/sync.ts';
import { encodeVanillaRequest } from '../../src/codec/vanilla-wire.ts';
import { encodeWinningAsk } from '../../src/codec/winning-wire.ts';
import { actorId, hex32, type NodeId, nodeId, sectorNumber, workIdOf } from '../../src/domain/ids.ts';
import { PUBLISHED_PARAMETERS } from '../../src/domain/parameters.ts';
import { proofShape } from '../../src/domain/proof.ts';
import { challengeKeyOf } from '../../src/domain/work.ts';
import { MINER } from './devnet-bench.ts';
import { field, varint } from './protobuf.ts';
import { ZERO_SECTOR_TYPE, zeroManifest } from './zero-sectors.ts';

/** One frame of our own protocols. */
export function framed(bytes: Uint8Array): Buffer {
	const header = Buffer.alloc(4);
	header.writeUInt32BE(bytes.length);
	return Buffer.concat([header, bytes]);
}

/** One frame of libp2p's own protocols. */
export function prefixed(bytes: Uint8Array): Buffer {
	return Buffer.concat([varint(bytes.length), bytes]);
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Text in the form of a peer id, ascending with `index`. */
function madeUpId(index: number): NodeId {
	let rest = index;
	let digits = '';
	for (let i = 0; i < 4; i++) {
		digits = `${BASE58[rest % 58]}${digits}`;
		rest = Math.floor(rest / 58);
	}
	return nodeId(`12D3KooW${digits}${'x'.repeat(40)}`);
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const keyOf = (index: number) => challengeKeyOf(index.toString(16).padStart(32, '0'));

/** Of a mesh and a number of deadlines that fill the table. */
export function largestDigest(): Uint8Array {
	const hash = hashOf('digest').slice(0, 64);
	return encodeDigest({
		rosterVersion: 1,
		rosterHash: hex32(hash),
		records: Array.from({ length: 2_048 }, (_, i) => ({ node: madeUpId(i), incarnation: i, sequence: 2 ** 40 + i })),
		holdings: hex32(hash),
		challenges: Array.from({ length: 1_024 }, (_, i) => ({
			key: keyOf(i),
			announcements: hex32(hash),
			results: hex32(hash),
			submissions: hex32(hash),
			refusals: hex32(hash),
		})),
	});
}

export function largestPull(): Uint8Array {
	const works = Array.from({ length: 4_096 }, (_, i) => hashOf(`work ${i}`)).sort();
	const results = works.map((work) => ({ work: workIdOf(work), hash: work.slice(0, 16) }));
	return encodePull({
		roster: true,
		records: Array.from({ length: 1_024 }, (_, i) => madeUpId(i)),
		holdings: null,
		challenges: Array.from({ length: 4 }, (_, i) => ({
			key: keyOf(i),
			announcements: [],
			results,
			submissions: [],
			refusals: [],
		})),
	});
}

let nonce = 1;
const dryRun = (): Uint8Array => encodeCbor([nonce++, MINER, 0, null]);

/** Message {type = 1, key = 2} of kad-dht. */
const kad = (type: number, ...more: readonly Uint8Array[]): Buffer =>
	prefixed(Buffer.concat([Buffer.of(0x08, type), field(2, randomBytes(34)), ...more]));

/** Everything that is sent on one stream. `null`: whoever opens the stream says nothing. */
const REQUESTS: Readonly<Record<string, ((other: NodeId) => Uint8Array) | null>> = {
	'/poster/sync/1': () => framed(largestDigest()),
	'/poster/pull/1': () => framed(largestPull()),
	'/poster/manifest/1': () => framed(randomBytes(32)),
	'/poster/probe/1': (other) => framed(Buffer.from(other)),
	'/poster/times/1': () => framed(encodeCbor(randomBytes(32))),
	'/poster/dry-run/1': () => framed(dryRun()),
	'/poster/vanilla/1': () =>
		framed(
			encodeVanillaRequest({
				proofType: ZERO_SECTOR_TYPE,
				miner: actorId(1001),
				randomness: hex32('11'.repeat(32)),
				sectors: zeroManifest(2_349),
			}),
		),
	'/poster/params/1': () => framed(encodeCbor([PUBLISHED_PARAMETERS[0]?.name ?? '', 0])),
	'/poster/winning/1': () =>
		framed(
			encodeWinningAsk({
				kind: 'prove',
				challenge: {
					proofType: 4,
					miner: MINER,
					randomness: hex32('11'.repeat(32)),
					sector: { number: sectorNumber(1), commR: hex32('22'.repeat(32)) },
				},
				vanilla: randomBytes(proofShape(4).vanillaBytes),
			}),
		),
	'/poster/peers/1': () => framed(randomBytes(16)),
	'/poster/instance/1': () => framed(randomBytes(16)),
	'/poster/kad/1.0.0': () => kad(4),
	'/ipfs/id/1.0.0': null,
	// Identify {agentVersion = 6}
	'/ipfs/id/push/1.0.0': () => prefixed(field(6, Buffer.from('hostile'))),
	'/ipfs/ping/1.0.0': () => randomBytes(32),
	// RPC {subscriptions = 1 {subscribe = 1, topic = 2}}
	'/meshsub/1.0.0': () => subscription(),
	'/meshsub/1.1.0': () => subscription(),
	'/meshsub/1.2.0': () => subscription(),
};

function subscription(): Buffer {
	return prefixed(field(1, Buffer.concat([Buffer.of(0x08, 1), field(2, Buffer.from('poster/none/1'))])));
}

/** What is sent on a stream of the protocol. `other`: a further member. Fails for a protocol that has no row. */
export function requestOf(protocol: string, other: NodeId): Uint8Array | null {
	const make = REQUESTS[protocol];
	if (make === undefined) throw new Error(`no row for ${protocol}: say in requests.ts what an honest member sends`);
	return make === null ? null : make(other);
}
