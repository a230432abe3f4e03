import { LotusChain } from '../../src/adapters/chain/lotus-chain.ts';
import { startDevnet } from '../../src/devnet/devnet.ts';
import { actorId, hex32 } from '../../src/domain/ids.ts';
import { TagVerifier } from '../fakes/tag-verifier.ts';
import { memoryLog } from '../support/memory-log.ts';
import { memoryMetrics } from '../support/memory-metrics.ts';
import { systemClock } from '../support/system-clock.ts';
import { chainCompliance } from './chain.ts';

const miners = [actorId(1001), actorId(1002)] as const;
const sectors = Array.from({ length: 6 }, (_, number) => ({
	number,
	sealProof: 5,
	commR: hex32((number + 1).toString(16).padStart(64, '0')),
}));

chainCompliance('the client on the embedded chain', async () => {
	const verifier = new TagVerifier();
	const ports = { clock: systemClock, log: memoryLog(), verifier };
	const genesis = miners.map((id) => ({ id, proofType: 10, sectors }));
	const devnet = await startDevnet({ miners: genesis, running: false, startEpoch: 100 }, ports);
	const open = (token: string): LotusChain =>
		new LotusChain({ ...ports, metrics: memoryMetrics() }, { endpoints: [{ url: devnet.url, token }] });
	const chain = open(devnet.tokens.sign);
	const reader = open(devnet.tokens.read);
	await devnet.node.mine(0);
	await devnet.node.mine(0);
	return {
		chain,
		reader,
		miners,
		mine: async (nullRounds) => {
			await devnet.node.mine(nullRounds);
		},
		reorg: async (depth) => {
			await devnet.node.reorg(depth, depth);
		},
		close: async () => {
			await Promise.all([chain.close(), reader.close()]);
			await devnet.close();
		},
	};
});
