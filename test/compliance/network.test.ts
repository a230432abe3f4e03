/** The network in memory passes what the network over libp2p passes (test/integration/libp2p-compliance.test.ts). */
import { nodeId } from '../../src/domain/ids.ts';
import type { MemoryNode } from '../fakes/memory-mesh.ts';
import { MemoryNetwork } from '../fakes/memory-mesh.ts';
import { until } from '../support/until.ts';
import { directoryCompliance } from './directory.ts';
import { meshCompliance } from './mesh.ts';
import { streamsCompliance } from './streams.ts';

function nodesOf(count: number): MemoryNode[] {
	const network = new MemoryNetwork();
	return Array.from({ length: count }, (_, index) => network.node(nodeId(`node-${index}`)));
}

async function connect(nodes: readonly MemoryNode[]): Promise<void> {
	for (const { mesh } of nodes) {
		await mesh.start({ gossip: () => 'accept', connected: () => undefined, disconnected: () => undefined });
		mesh.setMembers(nodes.map(({ id }) => ({ id, addresses: [] })));
	}
	await until('all connected', () => nodes.every(({ peers }) => peers.size === nodes.length - 1));
}

async function close(nodes: readonly MemoryNode[]): Promise<void> {
	await Promise.all(nodes.map((node) => node.stop()));
}

meshCompliance('memory', async (count) => {
	const nodes = nodesOf(count);
	return { nodes, close: () => close(nodes) };
});

streamsCompliance('memory', async () => {
	const nodes = nodesOf(2);
	await connect(nodes);
	const [client, server] = nodes as [MemoryNode, MemoryNode];
	return {
		client: client.streams,
		server: server.streams,
		clientId: client.id,
		serverId: server.id,
		absentId: nodeId('nobody'),
		close: () => close(nodes),
	};
});

directoryCompliance('memory', async () => {
	const nodes = nodesOf(4);
	await connect(nodes);
	return { nodes, close: () => close(nodes) };
});
