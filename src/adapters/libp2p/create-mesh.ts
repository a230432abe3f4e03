/** Builds the three network ports on one libp2p node. */
import type { PosterError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Directory } from '../../ports/directory.ts';
import type { Log } from '../../ports/log.ts';
import type { Mesh } from '../../ports/mesh.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Streams } from '../../ports/streams.ts';
import { parseAddress } from './addresses.ts';
import { CloneWatch } from './clone-watch.ts';
import { Conduct } from './conduct.ts';
import { Dialer } from './dialer.ts';
import { DhtDirectory } from './directory.ts';
import { HostPatience } from './host-patience.ts';
import { createNode, readPrivateKey } from './libp2p-node.ts';
import { Membership } from './membership.ts';
import { Libp2pMesh } from './mesh.ts';
import { PeerExchange } from './peer-exchange.ts';
import { PeerQuotas } from './peer-quotas.ts';
import { type AddressFile, RememberedAddresses } from './remembered-addresses.ts';
import { StreamServer } from './stream-server.ts';
import { Libp2pStreams } from './streams.ts';
import { YamuxGuard } from './yamux-guard.ts';

export interface Libp2pMeshComponents {
	readonly log: Log;
	readonly metrics: Metrics;
	readonly clock: Clock;
}

export interface Libp2pMeshOptions {
	/** Ed25519 key in libp2p's protobuf form. */
	readonly privateKey: Uint8Array;
	/** 32 bytes that every node of the mesh has: part of the noise handshake. */
	readonly meshKey: Uint8Array;
	/** Network name of the roster; part of the topic. */
	readonly network: string;
	/** Multiaddrs; none makes a node that only dials. */
	readonly listen: readonly string[];
	/** What others are told instead of the addresses listened at; needed behind NAT. */
	readonly announce?: readonly string[];
	/** Where to begin: multiaddrs of members, with or without `/p2p/ID`. */
	readonly bootstrap?: readonly string[];
	/** Where addresses of members are kept over a restart; undefined: nowhere. */
	readonly addressFile?: AddressFile;
	/** False: no DHT; members are found through the roster and each other, holders by asking connected peers. */
	readonly dht?: boolean;
	/** Another process runs with this identity (`mesh-cloned`); may be called again. */
	readonly onCloned: (error: PosterError) => void;
}

export interface Libp2pMeshParts {
	readonly mesh: Mesh;
	readonly streams: Streams;
	readonly directory: Directory;
	/** Hangs up in order and releases everything; the same as `mesh.stop()`. */
	stop(): Promise<void>;
}

/**
 * Nothing listens or dials before `mesh.start()`; protocols may be registered on `streams` from now on.
 * Rejects `mesh-bad-key` and `mesh-bad-address`.
 */
export async function createLibp2pMesh(
	components: Libp2pMeshComponents,
	options: Libp2pMeshOptions,
): Promise<Libp2pMeshParts> {
	const { listen, announce = [], bootstrap = [] } = options;
	for (const address of [...listen, ...announce, ...bootstrap]) parseAddress(address);

	const { clock, metrics } = components;
	const log = components.log.child({ part: 'libp2p' });
	const membership = new Membership(clock, metrics);
	const key = readPrivateKey(options.privateKey);
	const clones = new CloneWatch(key, clock, options.onCloned);
	const quotas = new PeerQuotas(clock, membership);
	const conduct = new Conduct({ membership, quotas, metrics, log }, (peer) => mesh.drop(peer));
	const hosts = new HostPatience(clock);
	const yamux = new YamuxGuard(metrics, conduct);
	const topic = `poster/${options.network}/1`;
	const node = await createNode(
		{ key, log, metrics, clock, membership, conduct, clones, hosts, yamux },
		options,
		topic,
	);

	const remembered = new RememberedAddresses({ node, membership, file: options.addressFile, log });
	const dialer = new Dialer({ node, membership, remembered, clock, log, metrics }, bootstrap);
	const exchange = new PeerExchange({ node, clones, conduct, log, metrics, learned: (peer) => dialer.learned(peer) });
	const server = new StreamServer({ node, clock, log, metrics, conduct });
	const directory = new DhtDirectory({ dht: node.services.dht, self: node.peerId, clock, log, metrics });
	const { pubsub, identify, publicAddresses } = node.services;
	const hooks = {
		listening: () => publicAddresses.confirm(),
		stopping: () => {
			for (const part of [server, directory, clones]) part.stop();
		},
	};
	const mesh = new Libp2pMesh(
		{ node, pubsub, identify, membership, conduct, yamux, dialer, remembered, exchange, clock, log, metrics, ...hooks },
		topic,
	);
	const streams = new Libp2pStreams({ node, membership, server, clock, metrics });
	return { mesh, streams, directory, stop: () => mesh.stop() };
}
