/** Challenge randomness of a deadline, read with the client that the nodes use. */
import { LotusChain } from '../../src/adapters/chain/lotus-chain.ts';
import type { ChainDesk } from '../../src/cli/demo/chain-desk.ts';
import { actorId, epoch, type Hex32 } from '../../src/domain/ids.ts';
import { memoryLog } from './memory-log.ts';
import { memoryMetrics } from './memory-metrics.ts';
import { systemClock } from './system-clock.ts';

export async function readRandomness({ started, token }: ChainDesk, miner: number, challenge: number): Promise<Hex32> {
	const client = new LotusChain(
		{ clock: systemClock, metrics: memoryMetrics(), log: memoryLog() },
		{ endpoints: [{ url: started.url, token }] },
	);
	try {
		const { key } = await client.head();
		return await client.postRandomness(actorId(miner), epoch(challenge), key);
	} finally {
		await client.close();
	}
}
