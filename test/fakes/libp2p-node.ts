/**
 * A node in a process of its own, for tests that kill it or measure it: prints its addresses, then serves.
 * Arguments: seed of its key, then the ids of further members.
 */

import { nodeId } from '../../src/domain/ids.ts';
import { createNode } from '../support/libp2p-nodes.ts';

const [seed, listen, ...members] = process.argv.slice(2);
const node = await createNode(Number(seed), { listen: [listen ?? ''] });
await node.start();
node.mesh.setMembers([...members.map(nodeId), node.id].map((id) => ({ id, addresses: [] })));
process.stdout.write(`${node.mesh.addresses().join(' ')}\n`);
// Whoever started it closes its input: it must not outlive the test.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
