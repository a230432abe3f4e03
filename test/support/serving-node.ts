/**
 * A whole node as `start` composes it, with its store, its loop and its network, that serves every protocol: beside what
 * each node serves, vanilla proofs of zero sectors and dry runs of an embedded chain that stands still.
 */
import { LotusChain } from '../../src/adapters/chain/lotus-chain.ts';
import { startDevnet } from '../../src/devnet/devnet.ts';
import { loadConfig } from '../../src/node/config.ts';
import type { Home } from '../../src/node/home.ts';
import { openOutside } from '../../src/node/outside.ts';
import { loadRoster } from '../../src/node/roster-file.ts';
import { runNode } from '../../src/node/run-node.ts';
import { FakeChecker } from '../fakes/fake-vanilla.ts';
import { TagVerifier } from '../fakes/tag-verifier.ts';
import { BENCH_MINER, SHORT_POLICY } from './devnet-bench.ts';
import { silentLog } from './silent-log.ts';
import { ZeroSectorSource } from './zero-sectors.ts';

export type ServingNode = Awaited<ReturnType<typeof startServingNode>>;

/** The home's config is that of a bootstrap node. Resolves when it listens; rejects `ended` when it fails later. */
export async function startServingNode(home: Home, bootstrap: readonly string[] = []) {
	const stack = new AsyncDisposableStack();
	const end = new AbortController();
	const roster = await loadRoster(home);
	// What a [winning] section turns on, without the keys that a real one needs.
	const config = { ...(await loadConfig(home.paths.config)), winning: { perEpoch: 4 } };
	const options = { home, config, roster, bootstrap, version: 'test', signal: end.signal };
	const outside = await openOutside({ ...options, config: { ...config, winning: undefined } }, stack);
	const { clock, metrics } = outside;
	const log = silentLog;
	const devnet = await startDevnet(
		{ miners: [BENCH_MINER], policy: SHORT_POLICY, running: false, networkName: roster.roster.network },
		{ clock, log, verifier: new TagVerifier() },
	);
	stack.defer(() => devnet.close());
	const chain = new LotusChain(
		{ clock, log, metrics },
		{ endpoints: [{ url: devnet.url, token: devnet.tokens.read }] },
	);
	stack.defer(() => chain.close());
	const workers = { ...outside.workers, source: new ZeroSectorSource(), checker: new FakeChecker() };
	const winningTypes = { provable: [], verifiable: [0] };
	const node = await runNode(options, { ...outside, workers, winningTypes, chain }, stack);
	return { ...node, stop: () => end.abort(), id: home.identity.id, net: outside.net, metrics };
}
