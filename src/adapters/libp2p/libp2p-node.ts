/**
 * The libp2p node under the ports. Every option of libp2p that matters to a private mesh is set here and in `gossip.ts`;
 * `docs/network.md` has the measurements behind them.
 */
import type { ServerOpts } from 'node:net';
import type { GossipSub } from '@chainsafe/libp2p-gossipsub';
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import type { Identify, IdentifyComponents } from '@libp2p/identify';
import { identify, identifyPush } from '@libp2p/identify';
import type { Connection, Ed25519PrivateKey, Libp2p } from '@libp2p/interface';
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht';
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht';
import { noise } from '@libp2p/noise';
import type { Ping, PingComponents } from '@libp2p/ping';
import { ping } from '@libp2p/ping';
import { type TCPSocketOptions, tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { assert, PosterError } from '../../domain/errors.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { CloneWatch } from './clone-watch.ts';
import type { Conduct } from './conduct.ts';
import { watchUpgrades } from './connection-guard.ts';
import type { Libp2pMeshOptions } from './create-mesh.ts';
import { gossip } from './gossip.ts';
import { type HostPatience, RefusedHosts } from './host-patience.ts';
import { componentLogger } from './logger.ts';
import type { Membership } from './membership.ts';
import type { Quota } from './peer-quotas.ts';
import { boundPeerStore } from './peer-store-guard.ts';
import { ProviderRecords } from './provider-records.ts';
import { boundBytes, boundFrames, boundPush, guarded } from './registrar-guard.ts';
import type { StreamWatch } from './stream-watch.ts';
import type { YamuxGuard } from './yamux-guard.ts';

const MESH_KEY_BYTES = 32;
const KAD_PROTOCOL = '/poster/kad/1.0.0';
/** Two connections to one peer identify at the same time, and the repair of gossip may do it once more. */
const IDENTIFY_STREAMS = { maxInboundStreams: 4, maxOutboundStreams: 4 };
const PING_STREAMS = { maxInboundStreams: limits.pingStreams, maxOutboundStreams: limits.pingStreams };
/** The longest timer that Node has: 24 days. */
const NEVER_MS = 2 ** 31 - 1;

export interface NodeComponents {
	readonly key: Ed25519PrivateKey;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
	readonly membership: Membership;
	readonly conduct: Conduct;
	readonly clones: CloneWatch;
	readonly hosts: HostPatience;
	readonly yamux: YamuxGuard;
}

export interface PosterServices {
	readonly [service: string]: unknown;
	readonly pubsub: GossipSub;
	readonly identify: Identify;
	readonly dht?: KadDHT;
	readonly publicAddresses: PublicAddresses;
}

export async function createNode(
	components: NodeComponents,
	options: Libp2pMeshOptions,
	topic: string,
): Promise<Libp2p<PosterServices>> {
	const { key, log, metrics, clock, membership, conduct, clones, hosts, yamux } = components;
	const garbage: StreamWatch['garbage'] = ({ remotePeer }, protocol, reason) =>
		conduct.garbage(nodeId(remotePeer.toString()), protocol, reason);
	const spending =
		(quota: Quota) =>
		({ remotePeer }: Connection, protocol: string, cost: number): boolean =>
			conduct.spend(nodeId(remotePeer.toString()), protocol, quota, cost);
	const late = (): void => metrics.count('poster_stream_failures_total', { side: 'server', reason: 'stream-timeout' });
	const watch: StreamWatch = { clock, late, garbage };
	const blockList = new RefusedHosts((host) => {
		if (hosts.hasPatience(host)) return false;
		metrics.count('poster_mesh_refused_total', { reason: 'host' });
		return true;
	});
	const listenOpts: TCPSocketOptions & Pick<ServerOpts, 'blockList'> = { blockList };
	const bounds = [limits.serviceMessageBytes, watch, spending('service-frames')] as const;
	return await createLibp2p({
		start: false,
		privateKey: key,
		logger: componentLogger(log),
		nodeInfo: { userAgent: 'poster-node' },
		addresses: { listen: [...options.listen], announce: [...(options.announce ?? [])] },
		transports: [tcp({ listenOpts })],
		// The mesh key in the prologue and no pnet: pnet 3.0.27 leaks shared memory per connection and costs 60 % of the speed.
		connectionEncrypters: [noise({ prologueBytes: readMeshKey(options.meshKey) })],
		streamMuxers: [yamux.muxer],
		connectionGater: membership.gater(),
		connectionManager: {
			maxConnections: limits.connections,
			maxIncomingPendingConnections: limits.pendingConnections,
			inboundConnectionThreshold: limits.connectionsPerSecondPerHost,
			inboundUpgradeTimeout: limits.handshakeMs,
			dialTimeout: limits.dialMs,
			addressDialTimeout: limits.dialAddressMs,
			maxParallelDials: 2 * limits.parallelDials,
			connectionCloseTimeout: limits.closeMs,
			// The dialer keeps the mesh; libp2p's own queue would give up after five tries.
			reconnectRetries: 0,
		},
		connectionMonitor: {
			pingInterval: limits.pingIntervalMs,
			pingTimeout: { minTimeout: limits.pingTimeoutMs, maxTimeout: limits.pingTimeoutMs },
		},
		services: {
			watch: ({ upgrader, peerStore, peerId }) => {
				watchUpgrades(upgrader, { metrics, clones, hosts });
				boundPeerStore(peerStore, peerId, membership);
				return {};
			},
			identify: guarded<IdentifyComponents, Identify>(
				identify(IDENTIFY_STREAMS),
				boundBytes(watch, spending('ping-bytes')),
			),
			identifyPush: guarded(identifyPush(IDENTIFY_STREAMS), boundPush(...bounds)),
			ping: guarded<PingComponents, Ping>(ping(PING_STREAMS), boundBytes(watch, spending('ping-bytes'))),
			pubsub: gossip({ topic, metrics, conduct, watch }),
			publicAddresses: announceListened,
			...(options.dht === false
				? {}
				: { dht: guarded(dht(new ProviderRecords(clock, metrics)), boundFrames(...bounds)) }),
		},
	});
}

/** Three traps of kad-dht's defaults: private addresses dropped, client mode, queries that wait for a first peer. */
function dht(records: ProviderRecords): ReturnType<typeof kadDHT> {
	const create = kadDHT({
		protocol: KAD_PROTOCOL,
		clientMode: false,
		peerInfoMapper: passthroughMapper,
		allowQueryWithZeroPeers: true,
		// Of 10 at a time, that would be a flood to everybody else: the directory renews its keys itself, in step.
		reprovide: { interval: NEVER_MS },
	});
	return (components) => create(Object.create(components, { datastore: { value: records.datastore } }));
}

export interface PublicAddresses {
	confirm(): void;
}

/** libp2p announces a public address it listens at only after AutoNAT confirmed it; a private mesh has none. */
function announceListened({
	addressManager,
	transportManager,
}: {
	readonly addressManager: KadDHTComponents['addressManager'];
	readonly transportManager: { getAddrs(): ReturnType<KadDHTComponents['addressManager']['getAddresses']> };
}): PublicAddresses {
	return {
		confirm: () => {
			for (const address of transportManager.getAddrs()) {
				addressManager.confirmObservedAddr(address, { type: 'transport' });
			}
		},
	};
}

function readMeshKey(bytes: Uint8Array): Uint8Array {
	if (bytes.byteLength === MESH_KEY_BYTES) return bytes;
	throw new PosterError('mesh-bad-key', 'the mesh key has not 32 bytes', { meta: { bytes: bytes.byteLength } });
}

/** Throws `mesh-bad-key`. */
export function readPrivateKey(bytes: Uint8Array): Ed25519PrivateKey {
	try {
		const key = privateKeyFromProtobuf(bytes);
		assert(key.type === 'Ed25519', 'the key is an Ed25519 key');
		return key;
	} catch (cause) {
		throw new PosterError('mesh-bad-key', 'the identity key is no Ed25519 key in protobuf form', { cause });
	}
}
