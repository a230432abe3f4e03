/**
 * Starts an embedded chain: genesis, full node, server, epochs. All state is in memory; a data folder only gets the
 * tokens and keys that others need. The verifier comes from outside, and is not closed here.
 */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { PosterError } from '../domain/errors.ts';
import type { ActorId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Verifier } from '../ports/verifier.ts';
import { MINIMUM_BASE_FEE } from './chain/base-fee.ts';
import { type ChainParts, controlMethods } from './control-methods.ts';
import { FullNode } from './full-node.ts';
import { CONTROL_NAMESPACE, Gate } from './gate.ts';
import { type Genesis, type GenesisMiner, makeGenesis } from './genesis.ts';
import { exportedKey } from './keys.ts';
import { checkPolicy, type Policy, REAL_POLICY } from './policy.ts';
import { authMethods } from './rpc/auth-methods.ts';
import { API_VERSION, chainMethods, nodeMethods } from './rpc/chain-methods.ts';
import { messageMethods } from './rpc/message-methods.ts';
import { type MethodTable, PERMISSIONS, type Permission } from './rpc/method.ts';
import { RpcServer } from './rpc/server.ts';
import { stateMethods } from './rpc/state-methods.ts';
import { Tokens } from './rpc/tokens.ts';
import { Ticker } from './ticker.ts';

export interface DevnetOptions {
	readonly miners: readonly GenesisMiner[];
	/** Beacon, tickets and keys follow from it. Default `poster-devnet`. */
	readonly seed?: string;
	/** Never that of a public network: test keys would be refused. Default `poster-devnet`. */
	readonly networkName?: string;
	/** Milliseconds of an epoch, 50 to 30,000. Default 1,000. */
	readonly epochMs?: number;
	/** Height of the first tipset: e.g. just before a deadline's challenge. Default 0. */
	readonly startEpoch?: number;
	/** Constants of the period and of fees. Default: those of the real chain. */
	readonly policy?: Partial<Policy>;
	/** attoFIL per gas. Default: the least, 100. */
	readonly baseFee?: bigint;
	/** Unix seconds of the first tipset. Default: a fixed time, so that equal runs have equal tipsets. */
	readonly genesisTimestamp?: number;
	/** Default 127.0.0.1. */
	readonly host?: string;
	/** Default 0: any free one. */
	readonly port?: number;
	/** Full nodes that follow the chain, each on a port of its own: from `port` on, or free ones. Default 1. */
	readonly fullNodes?: number;
	/** False leaves epochs to `Devnet.Mine` and `mine`. Default true. */
	readonly running?: boolean;
	/** Folder for token files (`token-read` …) and the miners' key files (`key-f01000`), all with mode 0600. Default: none. */
	readonly dataDir?: string;
}

export interface DevnetPorts {
	readonly verifier: Verifier;
	readonly clock: Clock;
	readonly log: Log;
}

export interface Devnet {
	/** `http://host:port/rpc/v1` of the first full node, which is there until the end. */
	readonly url: string;
	/** Of all full nodes. They share chain, message pool, keys and tokens, as neighbours that gossip at once. */
	readonly urls: readonly string[];
	/** Each holds the permissions before it too. */
	readonly tokens: Readonly<Record<Permission, string>>;
	readonly node: FullNode;
	/** Sender of each miner, and its key as `lotus wallet export` writes it. */
	readonly workers: ReadonlyMap<ActorId, { readonly address: string; readonly exportedKey: string }>;
	/** Account that no miner uses, e.g. to dispute. */
	readonly faucet: string;
	/** Drops all connections. Idempotent. */
	close(): Promise<void>;
}

const SEED = 'poster-devnet';
const GENESIS_TIMESTAMP = 1_785_245_223;
const PORT_MAX = 65_535;
const EPOCH_MS = { least: 50, most: 30_000, normal: 1_000 } as const;
/** On these networks a node refuses keys that are not the published ones, whoever asks. */
const PUBLIC_NETWORKS: readonly string[] = ['mainnet', 'testnetnet', 'calibrationnet'];

/** Rejects `devnet-options`, `devnet-genesis`, `devnet-listen`. */
export async function startDevnet(options: DevnetOptions, ports: DevnetPorts): Promise<Devnet> {
	const { host = '127.0.0.1', port = 0, fullNodes = 1, seed = SEED, networkName = SEED, startEpoch = 0 } = options;
	const { epochMs = EPOCH_MS.normal, genesisTimestamp = GENESIS_TIMESTAMP } = options;
	const policy = { ...REAL_POLICY, ...options.policy };
	checkPolicy(policy);
	checkOptions({ networkName, epochMs, startEpoch, fullNodes, port });
	const genesis = makeGenesis({ seed, policy, startEpoch }, options.miners);
	const baseFee = options.baseFee ?? MINIMUM_BASE_FEE;
	const { world, keys } = genesis;
	const node = new FullNode(ports, {
		seed,
		networkName,
		policy,
		startEpoch,
		epochMs,
		baseFee,
		genesisTimestamp,
		world,
		keys,
	});
	const ticker = new Ticker({ ...ports, node }, epochMs);
	const gate = new Gate();
	const tokens = new Tokens();
	const servers: RpcServer[] = [];
	const paths = methodPaths({ node, ticker, gate, tokens, servers });
	for (let i = 0; i < fullNodes; i++) servers.push(new RpcServer({ ...ports, node, gate, tokens, paths }));
	const closeServers = () => Promise.all(servers.map((server) => server.close()));
	const urls = await listen(servers, host, port).catch(async (error: unknown) => {
		await closeServers();
		throw error;
	});
	const devnet: Devnet = {
		url: urls[0] as string,
		urls,
		tokens: makeTokens(tokens),
		node,
		workers: exportWorkers(genesis),
		faucet: genesis.faucet.address,
		async close() {
			gate.thaw();
			await Promise.all([ticker.pause(), closeServers()]);
		},
	};
	if (options.dataDir !== undefined) await writeSecrets(options.dataDir, devnet);
	if (options.running ?? true) ticker.resume();
	return devnet;
}

/** URLs in the order of the servers. */
async function listen(servers: readonly RpcServer[], host: string, port: number): Promise<string[]> {
	const urls: string[] = [];
	for (const [i, server] of servers.entries()) {
		urls.push(`http://${host}:${await server.listen(host, port === 0 ? 0 : port + i)}/rpc/v1`);
	}
	return urls;
}

function methodPaths(parts: ChainParts & { readonly tokens: Tokens }): Readonly<Record<string, MethodTable>> {
	const { node, tokens } = parts;
	const v1 = {
		...nodeMethods(node, API_VERSION.v1),
		...chainMethods(node),
		...stateMethods(node),
		...messageMethods(node),
		...authMethods(tokens),
	};
	return {
		'/rpc/v1': {
			...inNamespace('Filecoin', v1),
			...inNamespace(CONTROL_NAMESPACE, controlMethods(parts)),
		},
		'/rpc/v0': inNamespace('Filecoin', nodeMethods(node, API_VERSION.v0)),
	};
}

function inNamespace(namespace: string, methods: MethodTable): MethodTable {
	return Object.fromEntries(Object.entries(methods).map(([name, method]) => [`${namespace}.${name}`, method]));
}

function makeTokens(tokens: Tokens): Devnet['tokens'] {
	return {
		read: tokens.upTo('read'),
		write: tokens.upTo('write'),
		sign: tokens.upTo('sign'),
		admin: tokens.upTo('admin'),
	};
}

function exportWorkers({ workers }: Genesis): Devnet['workers'] {
	return new Map([...workers].map(([miner, key]) => [miner, { address: key.address, exportedKey: exportedKey(key) }]));
}

async function writeSecrets(folder: string, { tokens, workers }: Devnet): Promise<void> {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	for (const permission of PERMISSIONS) await writeSecret(join(folder, `token-${permission}`), tokens[permission]);
	for (const [miner, key] of workers) await writeSecret(join(folder, `key-f0${miner}`), key.exportedKey);
}

/** The mode holds from the first byte on, also for a file that was there with another. */
async function writeSecret(path: string, text: string): Promise<void> {
	const file = await open(path, 'w', 0o600);
	try {
		await file.chmod(0o600);
		await file.writeFile(`${text}\n`);
	} finally {
		await file.close();
	}
}

function checkOptions(options: {
	readonly networkName: string;
	readonly epochMs: number;
	readonly startEpoch: number;
	readonly fullNodes: number;
	readonly port: number;
}): void {
	const { networkName, epochMs, startEpoch, fullNodes, port } = options;
	const wrong = (message: string): PosterError =>
		new PosterError('devnet-options', message, { advice: 'Every option with its range: poster-node devnet --help.' });
	if (PUBLIC_NETWORKS.includes(networkName)) throw wrong(`${networkName} is the name of a public network`);
	if (!Number.isSafeInteger(epochMs) || epochMs < EPOCH_MS.least || epochMs > EPOCH_MS.most) {
		throw wrong(`an epoch takes ${EPOCH_MS.least} to ${EPOCH_MS.most} ms, not ${epochMs}`);
	}
	if (!Number.isSafeInteger(startEpoch) || startEpoch < 0) throw wrong(`start epoch ${startEpoch}`);
	if (!Number.isSafeInteger(fullNodes) || fullNodes < 1 || fullNodes > limits.devnetFullNodes) {
		throw wrong(`1 to ${limits.devnetFullNodes} full nodes, not ${fullNodes}`);
	}
	if (port + fullNodes - 1 > PORT_MAX)
		throw wrong(`${fullNodes} full nodes from port ${port} on go beyond ${PORT_MAX}`);
}
