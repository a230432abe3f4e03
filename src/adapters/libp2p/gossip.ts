/** gossipsub for a small private mesh: every option that is not a default has its reason here. */
import { createHash } from 'node:crypto';
import type { GossipSub, GossipSubComponents } from '@chainsafe/libp2p-gossipsub';
import { gossipsub, StrictNoSign, TopicValidatorResult } from '@chainsafe/libp2p-gossipsub';
import type { Connection } from '@libp2p/interface';
import type { NodeId } from '../../domain/ids.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { GossipVerdict } from '../../ports/mesh.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Conduct } from './conduct.ts';
import { GossipQuota } from './gossip-quota.ts';
import type { RegistrarGuard } from './registrar-guard.ts';
import { guarded } from './registrar-guard.ts';

export const GOSSIP_PROTOCOLS: readonly string[] = ['/meshsub/1.0.0', '/meshsub/1.1.0', '/meshsub/1.2.0'];

export interface GossipOptions {
	readonly topic: string;
	readonly clock: Clock;
	readonly metrics: Metrics;
	readonly conduct: Conduct;
	readonly garbage: RegistrarGuard['garbage'];
}

const ENTRIES = limits.gossipRpcEntries;

export function gossip(options: GossipOptions): (components: GossipSubComponents) => GossipSub {
	const quotas = new WeakMap<Connection, GossipQuota>();
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
		garbage: options.garbage,
		opened: (stream, connection) => {
			const quota = quotas.get(connection) ?? new GossipQuota(options.clock);
			quotas.set(connection, quota);
			const peer = nodeId(connection.remotePeer.toString());
			quota.watch(stream, (reason) => {
				if (connection.status === 'open') options.conduct.flooded(peer, reason);
			});
		},
	});
}

const RESULTS: Readonly<Record<GossipVerdict, TopicValidatorResult>> = {
	accept: TopicValidatorResult.Accept,
	ignore: TopicValidatorResult.Ignore,
	reject: TopicValidatorResult.Reject,
};

/** Joins the topic; `judge` sees each new message once, before it is passed on. */
export function joinTopic(
	pubsub: GossipSub,
	{ topic, metrics }: Pick<GossipOptions, 'topic' | 'metrics'>,
	judge: (relay: NodeId, bytes: Uint8Array) => GossipVerdict,
): void {
	pubsub.topicValidators.set(topic, (relay, message) => {
		const tooLong = message.data.byteLength > limits.gossipBytes;
		const verdict = tooLong ? 'reject' : judge(nodeId(relay.toString()), message.data);
		metrics.count('poster_gossip_received_total', { verdict });
		return RESULTS[verdict];
	});
	pubsub.subscribe(topic);
}
