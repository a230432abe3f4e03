/** The sending process of the streams benchmark: the same frames over libp2p and over plain http. */
import '../../src/node/young-generation.ts';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Bitfield } from '../../src/domain/bitfield.ts';
import { nodeId } from '../../src/domain/ids.ts';
import { VanillaServer } from '../../src/node/vanilla-server/vanilla-server.ts';
import { createNode, LOOPBACK } from '../support/libp2p-nodes.ts';
import { systemClock } from '../support/system-clock.ts';
import { workOf } from '../support/work-items.ts';
import { ZERO_SECTOR_TYPE, ZeroSectorSource, zeroManifest } from '../support/zero-sectors.ts';
import { BENCH_COMMITMENTS } from './gather.ts';
import type { ServerMessage } from './streams.ts';
import { BULK_PROTOCOL, FRAME_BYTES, FRAME_KINDS, FRAMES } from './streams.ts';

const client = nodeId(process.argv[2] ?? '');
const frames = Array.from({ length: FRAME_KINDS }, (_, index) => Buffer.alloc(FRAME_BYTES, `frame ${index}`));
const frameAt = (index: number): Buffer => frames[index % FRAME_KINDS] ?? Buffer.alloc(0);
const tell = (message: ServerMessage): void => void process.send?.(message);

const node = await createNode(2, { listen: [LOOPBACK], dht: false });
await node.start();
node.mesh.setMembers([{ id: client, addresses: [] }]);
node.streams.onPull(BULK_PROTOCOL, 16, async (_, __, writer) => {
	for (let index = 0; index < FRAMES; index += 1) await writer.write(frameAt(index));
});
/** Opened ahead, as storage nodes do: nothing is computed while it is measured. */
const vanilla = new VanillaServer(
	{ source: new ZeroSectorSource(), clock: systemClock, log: node.log, metrics: node.metrics },
	{ cacheBytes: 3 * FRAMES * FRAME_BYTES, threads: undefined, emit: () => undefined },
);
vanilla.openAhead(
	BENCH_COMMITMENTS.map((commR, partition) => {
		const manifest = zeroManifest(FRAMES, commR);
		const work = workOf(manifest, { partition, proofType: ZERO_SECTOR_TYPE });
		return { work, manifest, sectors: Bitfield.of(manifest.map(({ number }) => number)) };
	}),
);
vanilla.serveOn(node.streams);

const server = createServer((_, response) => {
	const send = async (): Promise<void> => {
		for (let index = 0; index < FRAMES; index += 1) {
			if (!response.write(frameAt(index))) await once(response, 'drain');
		}
		response.end();
	};
	send().catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

process.on('message', () => tell({ kind: 'rss', bytes: process.memoryUsage.rss() }));
process.on('disconnect', () => process.exit(0));
tell({ kind: 'ready', addresses: [...node.mesh.addresses()], port: (server.address() as AddressInfo).port });
