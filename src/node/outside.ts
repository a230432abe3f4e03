/** Opens and checks everything outside of the program that one node needs: disk, workers, full node, network. */
import { join } from 'node:path';
import { LotusChain } from '../adapters/chain/lotus-chain.ts';
import type { EndpointOptions } from '../adapters/chain/rpc-endpoint.ts';
import { openStore } from '../adapters/level/store.ts';
import { createLibp2pMesh } from '../adapters/libp2p/create-mesh.ts';
import { createClock } from '../adapters/observe/clock.ts';
import { createLog, type NodeLog } from '../adapters/observe/log.ts';
import { createMetrics, type NodeMetrics } from '../adapters/observe/metrics.ts';
import { PosterError } from '../domain/errors.ts';
import type { Roster } from '../domain/roster.ts';
import type { Chain } from '../ports/chain.ts';
import type { Clock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';
import { addressFile } from './address-file.ts';
import type { Config } from './config.ts';
import { readSecretFile } from './files.ts';
import { lockHome } from './lock.ts';
import { ManifestBook } from './manifest-book.ts';
import { gpuCommand, nativeCommand, verifies } from './native-command.ts';
import { NO_KEYS, type ProofKeys, readProofKeys, readWinningTypes, type WinningTypes } from './proof-keys.ts';
import { ProofTimes } from './proof-times.ts';
import { Quarantine } from './quarantine.ts';
import { checkResources, thisMachine } from './resources.ts';
import { loadRoster } from './roster-file.ts';
import type { StartOptions } from './start-options.ts';
import { unlessAborted } from './unless-aborted.ts';
import { openWallets, type RosterWallet } from './wallets.ts';
import { startWorkers, type Workers } from './workers.ts';

const STDERR = 2;
/** The longest token of a full node is some hundred bytes. */
const TOKEN_BYTES = 4096;

/** Outside things of one node, opened and checked. */
export interface Outside extends ProofKeys {
	readonly clock: Clock;
	readonly log: NodeLog;
	readonly metrics: NodeMetrics;
	readonly store: Store;
	readonly book: ManifestBook;
	readonly quarantine: Quarantine;
	readonly proofTimes: ProofTimes;
	readonly workers: Workers;
	/** Undefined without [winning]. */
	readonly winningTypes: WinningTypes | undefined;
	readonly chain: Chain | undefined;
	readonly blockDelaySeconds: number | undefined;
	readonly wallet: RosterWallet | undefined;
	readonly net: Awaited<ReturnType<typeof createLibp2pMesh>>;
	/** Resolves when another process with this node's key was met. */
	readonly cloned: Promise<PosterError>;
}

/** What was opened is closed by `stack`, also when a later step rejects. The signal ends every step that may take long. */
export async function openOutside(
	{ home, config, bootstrap, signal }: StartOptions,
	stack: AsyncDisposableStack,
): Promise<Outside> {
	const clock = createClock();
	const lock = await lockHome(home.paths.lock);
	stack.defer(() => lock.release());
	// Read again under the lock: a node that just ended may have stored a newer one.
	const { roster } = await loadRoster(home);
	const name = roster.peers.find(({ id }) => id === home.identity.id)?.name ?? home.identity.id.slice(-8);
	const log = createLog({ level: config.logLevel, base: { node: name }, destination: STDERR });
	stack.defer(() => log.flush());
	const metrics = createMetrics();
	const store = await openStore(home.paths.store, home.identity.id);
	stack.defer(() => store.close());
	const quarantine = await Quarantine.load(join(home.paths.root, 'quarantine.json'));

	const command = await nativeCommand(config, log, signal);
	const commands = { command, gpuCommand: await gpuCommand(config, log, signal) };
	const workers = startWorkers(
		{ clock, log },
		{ config, ...commands, scratch: join(home.paths.root, 'workers'), decoded: home.paths.decoded },
	);
	stack.defer(() => workers.close());
	const keys = verifies(config) ? await unlessAborted(readProofKeys(config, workers.verifier), signal) : NO_KEYS;
	const winningTypes = config.winning && (await unlessAborted(readWinningTypes(config, workers.verifier), signal));
	await unlessAborted(workers.requireProvers(), signal);
	const winning = winningTypes?.provable ?? [];
	checkResources({ config, members: roster.peers.length, ...keys, winning }, await thisMachine());

	const chain = config.chain && (await openChain(config.chain, { clock, log, metrics }, roster));
	if (chain !== undefined) {
		stack.defer(() => chain.close());
		await unlessAborted(chain.admit(), signal);
	}
	const wallet =
		chain === undefined || config.submitter === undefined
			? undefined
			: await unlessAborted(openWallets(config.submitter, roster, chain, workers.verifier), signal);

	const cloned = Promise.withResolvers<PosterError>();
	const net = await createLibp2pMesh(
		{ log, metrics, clock },
		{
			privateKey: home.identity.toProtobuf(),
			meshKey: home.meshKey,
			network: roster.network,
			listen: config.network.listen,
			announce: config.network.announce,
			bootstrap,
			addressFile: addressFile(home.paths.knownAddresses),
			dht: config.network.dht,
			onCloned: (error) => {
				log.error({ error, code: error.code }, 'another process runs with the key of this node');
				cloned.resolve(error);
			},
		},
	);
	stack.defer(() => net.stop());
	return {
		clock,
		log,
		metrics,
		store,
		book: new ManifestBook(store),
		quarantine,
		proofTimes: await ProofTimes.load(store, log),
		workers,
		...keys,
		winningTypes,
		chain,
		blockDelaySeconds: chain && (await unlessAborted(chain.version(), signal)).blockDelaySeconds,
		wallet,
		net,
		cloned: cloned.promise,
	};
}

async function openChain(
	{ fallback, ...first }: NonNullable<Config['chain']>,
	components: ConstructorParameters<typeof LotusChain>[0],
	{ network }: Roster,
): Promise<LotusChain> {
	return new LotusChain(components, { endpoints: await Promise.all([first, ...fallback].map(endpoint)), network });
}

async function endpoint({ url, tokenFile }: { url: string; tokenFile?: string | undefined }): Promise<EndpointOptions> {
	return tokenFile === undefined ? { url } : { url, token: await readToken(tokenFile) };
}

async function readToken(path: string): Promise<string> {
	const bytes = await readSecretFile(path, TOKEN_BYTES);
	const token = bytes?.toString('utf8').trim() ?? '';
	if (token !== '') return token;
	throw new PosterError('chain-token', `${path} holds no token`, {
		advice: 'Write the output of `lotus auth create-token` into it.',
		meta: { path },
	});
}
