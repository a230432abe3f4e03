/** Real nodes on loopback for tests: keys from seeds, what their handlers heard, closed together. */
import { generateKeyPairFromSeed, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import type { Libp2pMeshOptions, Libp2pMeshParts } from '../../src/adapters/libp2p/create-mesh.ts';
import { createLibp2pMesh } from '../../src/adapters/libp2p/create-mesh.ts';
import type { PosterError } from '../../src/domain/errors.ts';
import type { NodeId } from '../../src/domain/ids.ts';
import { nodeId } from '../../src/domain/ids.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { DisconnectCause, GossipVerdict } from '../../src/ports/mesh.ts';
import { memoryLog } from './memory-log.ts';
import type { MemoryMetrics } from './memory-metrics.ts';
import { memoryMetrics } from './memory-metrics.ts';
import { systemClock } from './system-clock.ts';
import { until } from './until.ts';

export const MESH_KEY: Uint8Array = new Uint8Array(32).fill(7);
export const LOOPBACK = '/ip4/127.0.0.1/tcp/0';

export interface TestNode extends Libp2pMeshParts {
	readonly id: NodeId;
	readonly metrics: MemoryMetrics;
	readonly log: ReturnType<typeof memoryLog>;
	readonly heard: { readonly relay: NodeId; readonly bytes: Uint8Array }[];
	readonly connected: NodeId[];
	readonly disconnected: { readonly peer: NodeId; readonly cause: DisconnectCause }[];
	readonly cloned: PosterError[];
	verdict: GossipVerdict;
	/** Starts with handlers that keep what they are told. */
	start(): Promise<void>;
}

export async function privateKeyOf(seed: number): Promise<Uint8Array> {
	const bytes = new Uint8Array(32);
	new DataView(bytes.buffer).setUint32(0, seed);
	return privateKeyToProtobuf(await generateKeyPairFromSeed('Ed25519', bytes));
}

export async function idOf(seed: number): Promise<NodeId> {
	const bytes = new Uint8Array(32);
	new DataView(bytes.buffer).setUint32(0, seed);
	return nodeId(peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', bytes)).toString());
}

export async function createNode(
	seed: number,
	options: Partial<Libp2pMeshOptions> = {},
	clock: Clock = systemClock,
): Promise<TestNode> {
	const metrics = memoryMetrics();
	const log = memoryLog();
	const cloned: PosterError[] = [];
	const parts = await createLibp2pMesh(
		{ log, metrics, clock },
		{
			privateKey: await privateKeyOf(seed),
			meshKey: MESH_KEY,
			network: 'test',
			listen: [LOOPBACK],
			onCloned: (error) => void cloned.push(error),
			...options,
		},
	);
	const node: TestNode = {
		...parts,
		id: parts.mesh.self,
		metrics,
		log,
		cloned,
		heard: [],
		connected: [],
		disconnected: [],
		verdict: 'accept',
		start: () =>
			parts.mesh.start({
				gossip: (relay, bytes) => {
					node.heard.push({ relay, bytes });
					return node.verdict;
				},
				connected: (peer) => void node.connected.push(peer),
				disconnected: (peer, cause) => void node.disconnected.push({ peer, cause }),
			}),
	};
	return node;
}

/** Runs `work` with nodes of seeds 1 to `count`, and stops them whatever happens. */
export async function withNodes(
	count: number,
	work: (...nodes: readonly TestNode[]) => Promise<void>,
	options: Partial<Libp2pMeshOptions> = {},
	clock: Clock = systemClock,
): Promise<void> {
	const nodes = await Promise.all(Array.from({ length: count }, (_, index) => createNode(index + 1, options, clock)));
	try {
		await work(...nodes);
	} finally {
		await stopAll(nodes);
	}
}

export async function stopAll(nodes: readonly TestNode[]): Promise<void> {
	await Promise.all(nodes.map((node) => node.stop()));
}

/** Starts all and waits until everybody is connected with everybody. */
export async function connectAll(nodes: readonly TestNode[]): Promise<void> {
	await Promise.all(nodes.map((node) => node.start()));
	const members = nodes.map(({ id, mesh }) => ({ id, addresses: mesh.addresses() }));
	for (const { mesh } of nodes) mesh.setMembers(members);
	await until('full mesh', () => nodes.every(({ mesh }) => mesh.peers().length === nodes.length - 1));
}
