/**
 * Every way in which a member can flood a node: on the topic, on each protocol that the node says it speaks, and below
 * the streams. Each goes on at full speed until its connection is cut.
 */
import { randomBytes } from 'node:crypto';
import { sealEnvelope } from '../../src/codec/envelope.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { EnvelopeBody } from '../../src/domain/envelope.ts';
import { epoch, workIdOf } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import { PROOF_BYTES } from '../../src/domain/proof.ts';
import type { Identity } from '../../src/ports/identity.ts';
import type { HostilePeer } from '../fakes/hostile-peer.ts';
import { idleRecord } from '../support/core.ts';
import { immediately, isOpen, many, pour, pourBelow, repeat, yamuxFrame } from '../support/flooding.ts';
import { field, gossipFrame, gossipMessage } from '../support/protobuf.ts';
import { prefixed, requestOf } from '../support/requests.ts';
import { until } from '../support/until.ts';

const MESHSUB = '/meshsub/1.2.0';
/** Messages of one frame. */
const FRAME_MESSAGES = 64;
/** Frames sealed before the flood begins: above what the author's quota lets through. */
const SEALED_FRAMES = 120;

export interface Flooder {
	readonly hostile: HostilePeer;
	readonly address: string;
	readonly network: string;
	/** The flooder's own, and another member's: what that one signs is honest. */
	readonly own: Identity;
	readonly other: Identity;
}

export interface FloodKind {
	readonly name: string;
	/** What takes time before the first byte; the flood itself begins when the answer is called. */
	readonly prepare: (flooder: Flooder) => () => Promise<void>;
}

export function floodKinds(protocols: readonly string[]): readonly FloodKind[] {
	return [...gossipKinds(), ...protocols.toSorted().flatMap(protocolKinds), ...kindsBelow()];
}

const kind = (name: string, flood: (flooder: Flooder) => Promise<void>): FloodKind => ({
	name,
	prepare: (flooder) => () => flood(flooder),
});

function gossipKinds(): readonly FloodKind[] {
	const messages = (name: string, make: (flooder: Flooder) => Uint8Array, count = FRAME_MESSAGES): FloodKind =>
		kind(`gossip: ${name}`, (flooder) => {
			const topic = topicOf(flooder);
			return pour(flooder.hostile, MESHSUB, () =>
				gossipFrame(Array.from({ length: count }, () => gossipMessage(topic, make(flooder)))),
			);
		});
	const fixed = randomBytes(limits.gossipBytes);
	return [
		statements('own records, signed', ({ own }) => own, record),
		statements('own results of unknown work, signed', ({ own }) => own, result),
		statements("another member's records, signed by it", ({ other }) => other, record),
		statements('records with forged signatures', ({ other }) => ({ id: other.id, sign: forged }), record),
		messages('random bytes', () => randomBytes(100)),
		messages('random bytes, the largest messages', () => randomBytes(limits.gossipBytes), 1),
		messages('one message again and again', () => fixed, 1),
		kind('gossip: messages of other topics', ({ hostile }) =>
			pour(hostile, MESHSUB, () => gossipFrame(many64((i) => gossipMessage(`poster/none-${i}/1`, randomBytes(100))))),
		),
		kind('gossip: empty frames', ({ hostile }) => pour(hostile, MESHSUB, () => Buffer.alloc(2000, Buffer.of(1, 0)))),
		kind('gossip: subscriptions', ({ hostile }) =>
			pour(hostile, MESHSUB, () =>
				prefixed(many(512, () => field(1, Buffer.concat([Buffer.of(0x08, 1), field(2, randomBytes(16))])))),
			),
		),
		kind('gossip: ihave and iwant', (flooder) => {
			const ids = Buffer.concat(many64(() => field(2, randomBytes(32))));
			const have = field(1, Buffer.concat([field(1, Buffer.from(topicOf(flooder))), ids]));
			const want = field(2, Buffer.concat(many64(() => field(1, randomBytes(32)))));
			const frame = prefixed(field(3, Buffer.concat([have, want])));
			return pour(flooder.hostile, MESHSUB, () => frame);
		}),
		kind('gossip: graft and prune', (flooder) =>
			pour(flooder.hostile, MESHSUB, () => {
				const topic = field(1, Buffer.from(topicOf(flooder)));
				return prefixed(
					field(
						3,
						many(256, () => Buffer.concat([field(3, topic), field(4, topic)])),
					),
				);
			}),
		),
	];
}

const many64 = (make: (index: number) => Uint8Array): Uint8Array[] =>
	Array.from({ length: FRAME_MESSAGES }, (_, index) => make(index));

const topicOf = ({ network }: Flooder): string => `poster/${network}/1`;
const forged = (): Uint8Array => new Uint8Array(64).fill(1);

type Signer = Pick<Identity, 'id' | 'sign'>;

/** Sealed ahead: signing is slower than checking. */
function statements(name: string, signer: (flooder: Flooder) => Signer, body: () => EnvelopeBody): FloodKind {
	return {
		name: `gossip: ${name}`,
		prepare: (flooder) => {
			const by = signer(flooder);
			let sequence = 1;
			const seal = (): Uint8Array => {
				const head = { network: flooder.network, from: by.id, incarnation: 1, sequence: sequence++, epoch: epoch(0) };
				return sealEnvelope({ ...head, ...body() }, (bytes) => by.sign(bytes));
			};
			const frame = (): Uint8Array => gossipFrame(many64(() => gossipMessage(topicOf(flooder), seal())));
			const sealed = Array.from({ length: SEALED_FRAMES }, frame);
			return () => pour(flooder.hostile, MESHSUB, () => sealed.pop() ?? frame());
		},
	};
}

const record = (): EnvelopeBody => ({ kind: 'rec', body: idleRecord({ slots: 0, idle: 0 }) });

function result(): EnvelopeBody {
	const work = workIdOf(randomBytes(32).toString('hex'));
	const proof = randomBytes(PROOF_BYTES);
	return { kind: 'res', body: { work, proof, skipped: Bitfield.empty, refusals: [], proveMs: 1000 } };
}

function protocolKinds(protocol: string): readonly FloodKind[] {
	return [
		kind(`${protocol}: streams opened and reset`, ({ hostile }) =>
			atOnce(hostile, async () => {
				const stream = await hostile.connection.newStream(protocol);
				stream.abort(new Error('enough'));
			}),
		),
		kind(`${protocol}: good requests`, ({ hostile, other }) =>
			atOnce(hostile, async () => {
				const request = requestOf(protocol, other.id);
				const stream = await hostile.send(protocol, request ?? new Uint8Array(0), request === null);
				await until('answered', () => stream.status !== 'open' || !isOpen(hostile), 10_000);
			}),
		),
		kind(`${protocol}: frames of random bytes, as long as a window`, ({ hostile }) =>
			atOnce(hostile, async () => {
				await hostile.send(protocol, randomBytes(limits.streamWindowBytes), true);
			}),
		),
	];
}

/** Sixteen at a time. */
async function atOnce(hostile: HostilePeer, act: () => Promise<unknown>): Promise<void> {
	await Promise.all(Array.from({ length: 16 }, () => repeat(hostile, act)));
}

function kindsBelow(): readonly FloodKind[] {
	return [
		kind('streams of no protocol', ({ hostile }) =>
			atOnce(hostile, () => hostile.connection.newStream('/poster/none/1')),
		),
		kind('yamux: streams opened and reset', ({ hostile }) => {
			let next = 100_001;
			return repeat(hostile, async () => {
				const from = next;
				next += 100;
				hostile.sendBelowStreams(many(50, (index) => yamuxFrame(1, 1 | 8, from + 2 * index, 0)));
				await immediately();
			});
		}),
		below('yamux: pings', () => many(200, (index) => yamuxFrame(2, 1, 0, index))),
		below('yamux: window updates', () => many(2000, () => yamuxFrame(1, 0, 99_999, 1))),
		below('yamux: data of streams that are not open', () =>
			Buffer.concat([yamuxFrame(0, 0, 99_999, 60_000), Buffer.alloc(60_000)]),
		),
		kind('echoes on one stream', ({ hostile }) => pour(hostile, '/ipfs/ping/1.0.0', () => randomBytes(8192))),
		kind('questions to the DHT on one stream', ({ hostile, other }) =>
			pour(hostile, '/poster/kad/1.0.0', () => many(50, () => requestOf('/poster/kad/1.0.0', other.id) as Uint8Array)),
		),
		kind('connections', ({ hostile, address }) => repeat(hostile, () => hostile.reconnect(address))),
	];
}

function below(name: string, piece: () => Uint8Array): FloodKind {
	return kind(name, ({ hostile }) => pourBelow(hostile, piece()));
}
