import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { KeyFileWallet } from '../../src/adapters/chain/key-file-wallet.ts';
import { LotusChain } from '../../src/adapters/chain/lotus-chain.ts';
import { RemoteWallet } from '../../src/adapters/chain/remote-wallet.ts';
import { memoryLog } from '../support/memory-log.ts';
import { memoryMetrics } from '../support/memory-metrics.ts';
import { scriptedNode } from '../support/scripted-node.ts';
import { systemClock } from '../support/system-clock.ts';
import { verifySignature } from '../support/verify-signature.ts';
import { walletAnswers } from '../support/wallet-answers.ts';
import { lotusKeys } from '../vectors/lotus-keys.ts';
import { walletCompliance } from './wallet.ts';

const folder = await mkdtemp(join(tmpdir(), 'poster-wallet-'));
const node = await scriptedNode({ call: walletAnswers() });
const components = { clock: systemClock, log: memoryLog(), metrics: memoryMetrics() };
const chain = new LotusChain(components, { endpoints: [{ url: node.url }] });
after(async () => {
	await chain.close();
	await node.close();
	await rm(folder, { recursive: true, force: true });
});

for (const [type, { address, keyFile }] of Object.entries(lotusKeys)) {
	const path = join(folder, type);
	await writeFile(path, `${keyFile}\n`, { mode: 0o600 });
	walletCompliance(`key file (${type})`, { address, open: (options) => KeyFileWallet.open([path], options) });
	walletCompliance(`full node (${type})`, {
		address,
		open: async (options) => new RemoteWallet({ chain, verifier: { verifySignature } }, options),
	});
}
