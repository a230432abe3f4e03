/** Eight real nodes on an embedded chain, every link of them through the proxy, every process of them known. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Cluster } from '../../src/cli/demo/cluster.ts';
import type { ClusterNode } from '../../src/cli/demo/cluster-node.ts';
import type { MemberPlan, MeshPlan } from '../../src/cli/demo/mesh-homes.ts';
import { actorId } from '../../src/domain/ids.ts';
import type { ControlEvent } from '../../src/node/control-api.ts';
import { Random } from '../sim/random.ts';
import { freePort } from '../support/free-port.ts';
import { LinkProxy } from './link-proxy.ts';
import { OBSERVER, Observer } from './observer.ts';
import type { Prepared } from './prepare.ts';

const run = promisify(execFile);
const NETWORK = 'poster-chaos';
const FAKE_PROVER = resolve(import.meta.dirname, 'fake-prover.ts');
/** Every process of a run inherits it: so those that are left are found. */
const MARK = 'POSTER_CHAOS_RUN';
/** Of a home's own file system. LevelDB and a node's recovery from a full disk need some tens of MiB. */
const HOME_MIB = 96;
const CONNECT_MS = 120_000;

export interface NodeShape {
	readonly name: string;
	readonly roles: readonly ('chain' | 'submitter' | 'storage' | 'prover')[];
	readonly slots: number;
}

/** Two full nodes' neighbours, two machines with the sectors, six provers, two of which are the machines with the sectors. */
export const EIGHT: readonly NodeShape[] = [
	...['chain-1', 'chain-2'].map((name): NodeShape => ({ name, roles: ['chain', 'submitter'], slots: 0 })),
	...['storage-1', 'storage-2'].map((name): NodeShape => ({ name, roles: ['storage', 'prover'], slots: 2 })),
	...['prover-1', 'prover-2', 'prover-3', 'prover-4'].map((name): NodeShape => ({ name, roles: ['prover'], slots: 3 })),
];

export interface SeenEvent extends ControlEvent {
	readonly node: string;
}

export interface MeshOptions {
	readonly prepared: Prepared;
	readonly shape: readonly NodeShape[];
	readonly seed: number;
	/** Median of the drawn proving times. */
	readonly proveMs: number;
	readonly stragglerPermille: number;
	/** Gives each home a small file system of its own, where the kernel allows. */
	readonly smallDisks: boolean;
}

export class ChaosMesh {
	readonly folder: string;
	readonly cluster: Cluster;
	readonly proxy: LinkProxy;
	readonly shape: readonly NodeShape[];
	readonly events: SeenEvent[] = [];
	/** Why no disk of a node can be filled; undefined when they can. */
	readonly diskRefusal: string | undefined;
	/** Further processes that speak for a node: this one for the observer, clones for their original. */
	readonly guests = new Map<number, string>();
	readonly #mounts: readonly string[];

	private constructor(
		parts: Pick<ChaosMesh, 'folder' | 'cluster' | 'proxy' | 'shape' | 'diskRefusal'>,
		mounts: readonly string[],
	) {
		this.folder = parts.folder;
		this.cluster = parts.cluster;
		this.proxy = parts.proxy;
		this.shape = parts.shape;
		this.diskRefusal = parts.diskRefusal;
		this.#mounts = mounts;
	}

	/** Homes of the nodes and the chain, paused; no node is started. */
	static async found(options: MeshOptions): Promise<ChaosMesh> {
		const { prepared, shape, seed } = options;
		const { plan, native, testParameters } = prepared;
		const folder = await mkdtemp(join(tmpdir(), 'poster-chaos-'));
		process.env[MARK] = folder;
		const { genesis, epochMs, startEpoch } = plan;
		const cluster = await Cluster.start(folder, {
			...{ genesis, network: NETWORK, epochMs, startEpoch, testParameters, native },
		});
		const random = new Random(seed ^ 0x11_17);
		let mesh: ChaosMesh | undefined;
		const proxy = new LinkProxy({
			nodes: () => mesh?.processes() ?? new Map(),
			random: () => random.next() / 2 ** 32,
		});
		const homes = join(folder, 'homes');
		const disks = options.smallDisks ? await mountDisks(homes, shape) : { mounts: [], refusal: undefined };
		const parts = { folder, cluster, proxy, shape, diskRefusal: disks.refusal };
		mesh = new ChaosMesh(parts, disks.mounts);
		await mesh.#makeHomes(homes, options);
		for (const node of cluster.nodes.values()) mesh.#listen(node);
		return mesh;
	}

	/** Starts all nodes; resolves when everyone is connected to everyone. */
	async start(): Promise<void> {
		const names = this.shape.map(({ name }) => name);
		// Two at a time: eight programs that load at once on a small machine answer nobody for long.
		for (let at = 0; at < names.length; at += 2) await this.cluster.startNodes(names.slice(at, at + 2), []);
		await this.cluster.untilConnected(names, CONNECT_MS);
	}

	/** Lets the observer in; it finds the nodes as they come. */
	async observe(): Promise<Observer> {
		const { home } = this.node(OBSERVER);
		this.guests.set(process.pid, OBSERVER);
		const doors = await readFile(home.paths.addresses, 'utf8');
		return Observer.join(home, doors.trim().split('\n'));
	}

	node(name: string): ClusterNode {
		return this.cluster.node(name);
	}

	/** Names by process id of all that hold ends of links. */
	processes(): ReadonlyMap<number, string> {
		const all = new Map(this.guests);
		for (const { name, running, process } of this.#started()) {
			if (running && process.pid !== undefined) all.set(process.pid, name);
		}
		return all;
	}

	/** Ends everything; answers with the processes that are left nevertheless. */
	async close(): Promise<readonly number[]> {
		await this.cluster.close();
		await this.proxy.close();
		const left = await this.left();
		for (const pid of left) process.kill(pid, 'SIGKILL');
		for (const mount of this.#mounts) await run('umount', [mount]);
		return left;
	}

	async remove(): Promise<void> {
		await rm(this.folder, { recursive: true });
	}

	/** Processes of this run but this one. */
	async left(): Promise<readonly number[]> {
		const mark = `${MARK}=${this.folder}`;
		const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
		const marked = await Promise.all(pids.map(async (pid) => (await environmentOf(pid)).includes(mark)));
		return pids.filter((pid, index) => marked[index] === true && pid !== process.pid);
	}

	/** Native children of a node, with the mode each runs in. */
	async children(name: string): Promise<readonly { readonly pid: number; readonly mode: string }[]> {
		const parent = this.node(name).process.pid;
		if (parent === undefined) return [];
		const listed = await readFile(`/proc/${parent}/task/${parent}/children`, 'latin1');
		const pids = listed.split(' ').filter(Boolean).map(Number);
		return Promise.all(pids.map(async (pid) => ({ pid, mode: modeOf(await commandOf(pid)) })));
	}

	#started(): ClusterNode[] {
		return [...this.cluster.nodes.values()].filter(({ running }) => running);
	}

	#listen(node: ClusterNode): void {
		node.onEvent((event, { name }) => void this.events.push({ ...event, node: name }));
	}

	async #makeHomes(root: string, options: MeshOptions): Promise<void> {
		const { shape, prepared } = options;
		const { started } = this.cluster.chain;
		const doors = new Map<string, { readonly listen: number; readonly proxied: number }>();
		for (const { name } of shape) {
			const listen = await freePort();
			doors.set(name, { listen, proxied: await this.proxy.open(name, listen) });
		}
		const members: MemberPlan[] = shape.map((node) => this.#member(node, doors.get(node.name), options));
		members.push({ name: OBSERVER, example: 'bootstrap', roles: ['bootstrap'] });
		const plan: MeshPlan = {
			root,
			network: NETWORK,
			miners: started.miners.map(({ miner, sender }) => ({ miner: actorId(Number(miner.slice(2))), sender })),
			members,
			// Provers hear of epochs from others alone and would take them for mainnet's 30 s.
			config: { epoch_ms: prepared.plan.epochMs, proofs: { test_parameters: prepared.testParameters } },
		};
		await this.cluster.found(plan);
		await this.#introduce(doors);
	}

	#member(
		{ name, roles, slots }: NodeShape,
		door: { readonly listen: number; readonly proxied: number } | undefined,
		options: MeshOptions,
	): MemberPlan {
		const { started } = this.cluster.chain;
		const has = (role: NodeShape['roles'][number]): boolean => roles.includes(role);
		return {
			name,
			example: 'bootstrap',
			roles,
			slots,
			config: {
				network: { listen: [localAddress(door?.listen)], announce: [localAddress(door?.proxied)] },
				...(has('chain') && {
					chain: { url: started.url.replace(/^http/, 'ws'), token_file: join(started.dir, 'token-sign') },
				}),
				...(has('submitter') && {
					submitter: { miners: started.miners.map(({ miner }) => ({ miner, wallet: 'node' })) },
				}),
				...(has('storage') && {
					storage: { paths: [...options.prepared.plan.sealed.values()].map(({ dir }) => dir), threads: 1 },
				}),
				...(has('prover') && {
					prover: { slots: Array.from({ length: slots }, () => ({ kind: 'cpu', worker: proverLine(options) })) },
				}),
			},
		};
	}

	/** Each home knows all doors, as an invitation would have told it. */
	async #introduce(doors: ReadonlyMap<string, { readonly proxied: number }>): Promise<void> {
		const all = [...doors].map(([name, { proxied }]) => ({
			name,
			address: `${localAddress(proxied)}/p2p/${this.node(name).home.identity.id}`,
		}));
		for (const { name, home } of this.cluster.nodes.values()) {
			const others = all.filter((door) => door.name !== name).map(({ address }) => address);
			await writeFile(home.paths.addresses, `${others.join('\n')}\n`);
		}
	}
}

function proverLine({ prepared, seed, proveMs, stragglerPermille }: MeshOptions): string[] {
	const { native, proofs, testParameters } = prepared;
	return [
		...[process.execPath, FAKE_PROVER, '--proofs', proofs, '--seed', String(seed), '--median-ms', String(proveMs)],
		...['--straggler-permille', String(stragglerPermille)],
		...['--', native, 'prove', '--params', testParameters, '--test-params', '--threads', '1'],
	];
}

function localAddress(port: number | undefined): string {
	return `/ip4/127.0.0.1/tcp/${port}`;
}

async function mountDisks(
	homes: string,
	shape: readonly NodeShape[],
): Promise<{ readonly mounts: readonly string[]; readonly refusal: string | undefined }> {
	const mounts: string[] = [];
	for (const { name } of shape) {
		const home = join(homes, name);
		await mkdir(home, { recursive: true });
		try {
			await run('mount', ['-t', 'tmpfs', '-o', `size=${HOME_MIB}m,mode=0700`, 'poster-chaos', home]);
		} catch (error) {
			return { mounts, refusal: `no tmpfs can be mounted: ${(error as Error).message.trim()}` };
		}
		mounts.push(home);
	}
	return { mounts, refusal: undefined };
}

/** The worker's mode, whether the real one or a fake in its place runs. */
function modeOf(command: readonly string[]): string {
	return command.find((word) => ['vanilla', 'check', 'prove', 'verify'].includes(word)) ?? 'other';
}

async function commandOf(pid: number): Promise<readonly string[]> {
	return (await procFile(pid, 'cmdline')).split('\0');
}

async function environmentOf(pid: number): Promise<readonly string[]> {
	return (await procFile(pid, 'environ')).split('\0');
}

/** Empty for a process that is gone or a zombie. */
async function procFile(pid: number, name: string): Promise<string> {
	try {
		return await readFile(`/proc/${pid}/${name}`, 'latin1');
	} catch (error) {
		if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
		throw error;
	}
}
