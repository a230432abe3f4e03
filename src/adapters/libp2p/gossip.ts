/** gossipsub for a small private mesh: every option that is not a default has its reason here. */
import { createHash } from 'node:crypto';
import type { GossipSub, GossipSubComponents } from '@chainsafe/libp2p-gossipsub';
import { gossipsub, StrictNoSign, TopicValidatorResult } from '@chainsafe/libp2p-gossipsub';
import type { Connection, Stream } from '@libp2p/interface';
import { PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { GossipVerdict } from '../../ports/mesh.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Conduct } from './conduct.ts';
import { EntryCounter } from './entry-counter.ts';
import { guarded } from './registrar-guard.ts';
import { type StreamWatch, watchFrames } from './stream-watch.ts';
import { TokenBucket } from './token-bucket.ts';

export const GOSSIP_PROTOCOLS: readonly string[] = ['/meshsub/1.0.0', '/meshsub/1.1.0', '/meshsub/1.2.0'];

export interface GossipOptions {
	readonly topic: string;
	readonly metrics: Metrics;
	readonly conduct: Conduct;
	readonly watch: StreamWatch;
}

const ENTRIES = limits.gossipRpcEntries;
/** Label of its counters. */
const GOSSIP = 'gossip';

export function gossip(options: GossipOptions): (components: GossipSubComponents) => GossipSub {
	const create = gossipsub({
		// Our envelope is signed once, by its author; signing again for each hop would cost 2 to 4 times the CPU.
		globalSignaturePolicy: StrictNoSign,
		// Twenty observers that publish the same bytes make one message.
		msgIdFn: ({ data }) => createHash('sha256').update(data).digest(),
		ignoreDuplicatePublishError: true,
		allowPublishToZeroTopicPeers: true,
		emitSelf: false,
		fallbackToFloodsub: false,
		floodPublish: true,
		allowedTopics: [options.topic],
		D: 8,
		Dlo: 6,
		// The hub of a star must hold all of a small mesh: above Dhi it prunes, with a minute of backoff.
		Dhi: 32,
		maxInboundDataLength: limits.gossipRpcBytes,
		maxOutboundBufferSize: limits.gossipOutboundBytes,
		decodeRpcLimits: {
			maxSubscriptions: ENTRIES,
			maxMessages: ENTRIES,
			maxControlMessages: ENTRIES,
			maxIhaveMessageIDs: ENTRIES,
			maxIwantMessageIDs: ENTRIES,
			maxIdontwantMessageIDs: ENTRIES,
			maxPeerInfos: 16,
		},
		// Many nodes share an address (one host, NAT); the default fines more than ten of them by the square. No
		// parameters per topic: the default threshold of mesh deliveries punishes a topic that is merely quiet.
		scoreParams: { IPColocationFactorWeight: 0 },
	});
	return guarded(create, {
		watch: options.watch,
		opened: (stream, connection) => {
			const counter = new EntryCounter(limits.gossipRpcBytes);
			watchQuota(stream, connection, counter, options.conduct);
			watchFrames(stream, connection, counter, options.watch);
		},
	});
}

/** Counted at the stream, before anything is parsed: gossipsub takes whatever arrives into an unbounded queue. */
function watchQuota(stream: Stream, connection: Connection, counter: EntryCounter, conduct: Conduct): void {
	const peer = nodeId(connection.remotePeer.toString());
	stream.addEventListener('message', (event) => {
		const spoiled = counter.spoiled;
		const entries = counter.count(event.data);
		const readable = counter.spoiled === spoiled;
		if (!readable) conduct.garbage(peer, GOSSIP, 'unparsable');
		if (entries === undefined) conduct.flooded(peer, GOSSIP, 'stream-too-long');
		const allowed =
			entries !== undefined &&
			readable &&
			conduct.spend(peer, GOSSIP, 'gossip-bytes', event.data.byteLength) &&
			conduct.spend(peer, GOSSIP, 'gossip-entries', entries);
		if (allowed) return;
		event.stopImmediatePropagation();
		stream.abort(new PosterError('mesh-refused', 'unreadable gossip, or more than its quota'));
	});
}

const RESULTS: Readonly<Record<GossipVerdict, TopicValidatorResult>> = {
	accept: TopicValidatorResult.Accept,
	ignore: TopicValidatorResult.Ignore,
	reject: TopicValidatorResult.Reject,
	flood: TopicValidatorResult.Ignore,
};

/** Joins the topic; `judge` sees each new message once, before it is passed on. */
export function joinTopic(
	pubsub: GossipSub,
	{ topic, metrics, conduct, clock }: Pick<GossipOptions, 'topic' | 'metrics' | 'conduct'> & { readonly clock: Clock },
	judge: (relay: NodeId, bytes: Uint8Array) => GossipVerdict,
): void {
	const relayed = {
		messages: new TokenBucket(clock, limits.relayedMessages),
		bytes: new TokenBucket(clock, limits.relayedBytes),
	};
	pubsub.topicValidators.set(topic, (from, message) => {
		const relay = nodeId(from.toString());
		const tooLong = message.data.byteLength > limits.gossipBytes;
		const verdict = tooLong ? 'reject' : judge(relay, message.data);
		metrics.count('poster_gossip_received_total', { verdict });
		// Whoever relays has judged by the same rules: what they refuse comes from a liar, not from a victim of one.
		if (verdict === 'reject') conduct.garbage(relay, GOSSIP, tooLong ? 'stream-too-long' : 'rejected');
		if (verdict === 'flood') conduct.flooded(relay, GOSSIP, 'flood-statements');
		if (verdict === 'accept' && !(relayed.messages.take(1) && relayed.bytes.take(message.data.byteLength))) {
			metrics.count('poster_gossip_not_relayed_total');
			return TopicValidatorResult.Ignore;
		}
		return RESULTS[verdict];
	});
	pubsub.subscribe(topic);
}
