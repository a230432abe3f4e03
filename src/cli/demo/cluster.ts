/**
 * A devnet and the nodes of one mesh as processes of this machine: started, asked, killed, and none of them left behind.
 * The demo and the end-to-end tests run on it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Home } from '../../node/home.ts';
import { ChainDesk, type ChainStarted } from './chain-desk.ts';
import { ClusterNode } from './cluster-node.ts';
import type { GenesisFile } from './genesis-file.ts';
import { type MeshPlan, makeMeshHomes } from './mesh-homes.ts';
import { type OwnedProcess, ownCommand, Processes } from './processes.ts';

export interface ChainPlan {
	readonly genesis: GenesisFile;
	readonly network: string;
	readonly epochMs: number;
	readonly startEpoch: number;
	/** Default 1. */
	readonly fullNodes?: number;
	readonly testParameters: string;
	/** Executable `poster-native`. */
	readonly native: string;
}

export class Cluster {
	readonly folder: string;
	readonly native: string;
	readonly chain: ChainDesk;
	readonly processes: Processes;
	readonly chainProcess: OwnedProcess;
	readonly nodes = new Map<string, ClusterNode>();

	private constructor(folder: string, native: string, chain: ChainDesk, processes: Processes, process: OwnedProcess) {
		this.folder = folder;
		this.native = native;
		this.chain = chain;
		this.processes = processes;
		this.chainProcess = process;
	}

	/** Starts the chain, paused; `chain.call('Devnet.Resume')` sets it going. All files lie under `folder`. */
	static async start(folder: string, plan: ChainPlan): Promise<Cluster> {
		const processes = new Processes(join(folder, 'logs'));
		try {
			const genesis = join(folder, 'genesis.json');
			await writeFile(genesis, JSON.stringify(plan.genesis, null, '\t'));
			const command = ownCommand(
				...['devnet', '--json', '--paused', '--port', '0', '--dir', join(folder, 'chain'), '--genesis', genesis],
				...['--test-parameters', plan.testParameters, '--network', plan.network],
				...['--epoch-ms', String(plan.epochMs), '--start-epoch', String(plan.startEpoch)],
				...['--full-nodes', String(plan.fullNodes ?? 1)],
			);
			const process = await processes.start('chain', command, environment(plan.native));
			const started = JSON.parse(await process.firstLine) as ChainStarted;
			return new Cluster(folder, plan.native, await ChainDesk.open(started), processes, process);
		} catch (error) {
			await processes.close();
			throw error;
		}
	}

	/** Homes and handles of the members; none is started. */
	async found(plan: MeshPlan): Promise<ReadonlyMap<string, Home>> {
		const homes = await makeMeshHomes(plan);
		for (const [name, home] of homes) this.add(name, home);
		return homes;
	}

	add(name: string, home: Home): ClusterNode {
		const node = new ClusterNode(name, home);
		this.nodes.set(name, node);
		return node;
	}

	node(name: string): ClusterNode {
		const node = this.nodes.get(name);
		if (node === undefined) throw new PosterError('demo-cluster', `no node ${name}`);
		return node;
	}

	/** Starts nodes side by side; each resolves when it answers. `bootstrap`: multiaddrs with peer id. */
	async startNodes(names: readonly string[], bootstrap: readonly string[]): Promise<void> {
		const options = bootstrap.flatMap((address) => ['--bootstrap', address]);
		await Promise.all(
			names.map(async (name) => {
				const node = this.node(name);
				const command = ownCommand('start', '--json', '--home', node.home.paths.root, ...options);
				await node.runs(await this.processes.start(name, command, environment(this.native)));
			}),
		);
	}

	/** Resolves when each of these nodes is connected to all others of them and has synced. */
	async untilConnected(names: readonly string[], timeoutMs: number): Promise<void> {
		const end = performance.now() + timeoutMs;
		for (;;) {
			const reports = await Promise.all(names.map((name) => this.node(name).status()));
			const waiting = reports.filter(({ connected, synced }) => connected < names.length - 1 || !synced);
			if (waiting.length === 0) return;
			if (performance.now() > end) {
				const found = waiting.map(({ name, connected, synced }) => `${name}: ${connected}, synced ${synced}`);
				throw new PosterError('demo-cluster', `the nodes did not all connect: ${found.join('; ')}`, {
					advice: `Their logs: ${join(this.folder, 'logs')}`,
				});
			}
			await sleep(limits.demoPollMs);
		}
	}

	/** Ends everything that was started. Idempotent. */
	async close(): Promise<void> {
		for (const node of this.nodes.values()) node.closing();
		await this.processes.close();
	}
}

function environment(native: string): NodeJS.ProcessEnv {
	return { ...process.env, POSTER_NATIVE: native };
}
