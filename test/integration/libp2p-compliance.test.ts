/** The three ports over real libp2p on loopback sockets. */
import { directoryCompliance } from '../compliance/directory.ts';
import { meshCompliance } from '../compliance/mesh.ts';
import { streamsCompliance } from '../compliance/streams.ts';
import type { TestNode } from '../support/libp2p-nodes.ts';
import { connectAll, createNode, idOf, stopAll } from '../support/libp2p-nodes.ts';

const ABSENT_SEED = 99;

async function nodesOf(count: number): Promise<TestNode[]> {
	return await Promise.all(Array.from({ length: count }, (_, index) => createNode(index + 1)));
}

meshCompliance('libp2p', async (count) => {
	const nodes = await nodesOf(count);
	return { nodes, close: () => stopAll(nodes) };
});

streamsCompliance('libp2p', async () => {
	const nodes = await nodesOf(2);
	await connectAll(nodes);
	const [client, server] = nodes as [TestNode, TestNode];
	const absentId = await idOf(ABSENT_SEED);
	const members = [...nodes.map(({ id }) => id), absentId].map((id) => ({ id, addresses: [] }));
	client.mesh.setMembers(members);
	return {
		client: client.streams,
		server: server.streams,
		clientId: client.id,
		serverId: server.id,
		absentId,
		close: () => stopAll(nodes),
	};
});

directoryCompliance('libp2p', async () => {
	const nodes = await nodesOf(4);
	await connectAll(nodes);
	return { nodes, close: () => stopAll(nodes) };
});
