/**
 * A mesh of real processes on an embedded chain, as the demo runs it, with what a test needs around it: sectors spread
 * over storage folders, all events kept, facts of the chain, and the proof that no process is left.
 */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { defaultCacheDir } from '../../src/adapters/native/build.ts';
import { Cluster } from '../../src/cli/demo/cluster.ts';
import type { ClusterNode } from '../../src/cli/demo/cluster-node.ts';
import type { GenesisFile } from '../../src/cli/demo/genesis-file.ts';
import type { MeshPlan } from '../../src/cli/demo/mesh-homes.ts';
import {
	prepareNative,
	prepareParameters,
	prepareSectors,
	type SealedSectors,
} from '../../src/cli/demo/preparation.ts';
import type { PartitionStatistics } from '../../src/devnet/statistics.ts';
import { isPosterError } from '../../src/domain/errors.ts';
import { actorId, deadlineIndex } from '../../src/domain/ids.ts';
import type { ControlEvent } from '../../src/node/control-api.ts';
import { readSecretFile } from '../../src/node/files.ts';
import { until } from './until.ts';

const EPOCH_MS = 800;
const NETWORK = 'poster-e2e';
const WINDOW_2KIB = 10;
const PERIOD_EPOCHS = 48 * 60;
/** Heads before the first challenge, from which the nodes learn how long an epoch is. */
const LEAD_EPOCHS = 8;
/** After a deadline's close: its faults are told. */
export const SETTLE_EPOCHS = 2;
/** Every wait has a bound that only a fault reaches, also on a machine that is busy with other things. */
export const PATIENCE_MS = 180_000;
/** Between two questions to a node: asking is work, too, on a machine that has little time for it. */
const ASK_MS = 50;

export interface MinerLayout {
	readonly id: number;
	/** Sector numbers of each deadline, two to a partition. */
	readonly deadlines: Readonly<Record<number, readonly number[]>>;
}

export interface SeenEvent extends ControlEvent {
	readonly node: string;
}

export interface DeadlineEpochs {
	readonly challenge: number;
	readonly open: number;
	readonly close: number;
}

/** Of the first whole proving period. */
export function epochsOf(deadline: number): DeadlineEpochs {
	const open = PERIOD_EPOCHS + deadline * 60;
	return { challenge: open - 20, open, close: open + 60 };
}

export class MeshBench {
	readonly folder: string;
	readonly cluster: Cluster;
	readonly native: string;
	readonly testParameters: string;
	readonly sealed: ReadonlyMap<number, SealedSectors>;
	readonly events: SeenEvent[] = [];
	plan: MeshPlan | undefined;
	/** True once the test came to its end: then its logs are of interest only if a rule failed. */
	#finished = false;
	#failed = false;

	private constructor(
		folder: string,
		cluster: Cluster,
		prepared: { readonly native: string; readonly testParameters: string },
		sealed: ReadonlyMap<number, SealedSectors>,
	) {
		this.folder = folder;
		this.cluster = cluster;
		this.native = prepared.native;
		this.testParameters = prepared.testParameters;
		this.sealed = sealed;
	}

	/** The chain, paused before the first challenge of deadline 1; everything ends and vanishes with the test. */
	static async start(t: TestContext, miners: readonly MinerLayout[], epochMs = EPOCH_MS): Promise<MeshBench> {
		const native = await prepareNative(() => undefined);
		const testParameters = await prepareParameters(native, () => undefined);
		const sealed = new Map<number, SealedSectors>();
		for (const { id, deadlines } of miners) {
			const dir = join(defaultCacheDir(process.env), 'test-sectors', `f0${id}`);
			const numbers = Object.values(deadlines).flat();
			sealed.set(id, await prepareSectors(native, { dir, miner: id, numbers }, () => undefined));
		}
		const folder = await mkdtemp(join(tmpdir(), 'poster-e2e-'));
		const cluster = await Cluster.start(folder, {
			genesis: genesisOf(miners, sealed),
			network: NETWORK,
			epochMs,
			startEpoch: epochsOf(1).challenge - LEAD_EPOCHS,
			testParameters,
			native,
		});
		const bench = new MeshBench(folder, cluster, { native, testParameters }, sealed);
		t.after(async () => {
			const pids = cluster.processes.running.map(({ pid }) => pid);
			await cluster.close();
			for (const pid of pids) assert.equal(isAlive(pid), false, `process ${pid} is left`);
			if (bench.#finished && !bench.#failed) await rm(folder, { recursive: true });
			else await bench.#keep(t);
		});
		return bench;
	}

	/** A subtest whose failure keeps the logs. */
	async rule(t: TestContext, what: string, check: () => Promise<void> | void): Promise<void> {
		await t.test(what, async () => {
			try {
				await check();
			} catch (error) {
				this.#failed = true;
				throw error;
			}
		});
	}

	/** What happened, beside the logs. */
	async #keep(t: TestContext): Promise<void> {
		await writeFile(
			join(this.folder, 'events.jsonl'),
			this.events.map((event) => `${JSON.stringify(event)}\n`).join(''),
		);
		t.diagnostic(`events, logs and homes: ${this.folder}`);
	}

	finish(): void {
		this.#finished = true;
	}

	/** Plan of a mesh on this chain for all its miners. */
	mesh(members: MeshPlan['members'], config: MeshPlan['config'] = {}): MeshPlan {
		const { started } = this.cluster.chain;
		return {
			root: join(this.folder, 'homes'),
			network: NETWORK,
			miners: started.miners.map(({ miner, sender }) => ({ miner: actorId(Number(miner.slice(2))), sender })),
			members,
			config: {
				network: { listen: ['/ip4/127.0.0.1/tcp/0'], ...(config['network'] as object) },
				proofs: { test_parameters: this.testParameters },
			},
		};
	}

	/** Makes the homes and listens to all of them. */
	async found(plan: MeshPlan): Promise<void> {
		this.plan = plan;
		await this.cluster.found(plan);
		for (const node of this.cluster.nodes.values()) this.listen(node);
	}

	listen(node: ClusterNode): void {
		node.onEvent((event, { name }) => void this.events.push({ ...event, node: name }));
	}

	/** `[chain]` and `[submitter]` for all miners, signing in the full node. `url`: of a proxy before it. */
	chainConfig(url: string = this.cluster.chain.started.url) {
		const { miners, dir } = this.cluster.chain.started;
		return {
			chain: { url: url.replace(/^http/, 'ws'), token_file: join(dir, 'token-sign') },
			submitter: { miners: miners.map(({ miner }) => ({ miner, wallet: 'node' })) },
		};
	}

	/** A storage folder with copies of these sectors. */
	async storage(name: string, holdings: Readonly<Record<number, readonly number[]>>): Promise<string> {
		const target = join(this.folder, 'storage', name);
		for (const [miner, numbers] of Object.entries(holdings)) {
			const { dir } = this.sealedOf(Number(miner));
			for (const number of numbers) {
				for (const kind of ['sealed', 'cache']) {
					await mkdir(join(target, kind), { recursive: true });
					const entry = join(kind, `s-t0${miner}-${number}`);
					await cp(join(dir, entry), join(target, entry), { recursive: true });
				}
			}
		}
		return target;
	}

	sealedOf(miner: number): SealedSectors {
		const found = this.sealed.get(miner);
		assert.ok(found, `no miner ${miner}`);
		return found;
	}

	/** Resolves once the nodes say so; one that has no time for an answer is asked again. */
	async told(what: string, holds: () => Promise<boolean>): Promise<void> {
		const asked = async (): Promise<boolean> => {
			try {
				return await holds();
			} catch (error) {
				// Whether all live is judged at the end.
				if (isPosterError(error, 'node-not-running')) return false;
				throw error;
			}
		};
		await until(what, asked, PATIENCE_MS, ASK_MS);
	}

	/** Resolves with the first event that fits, also one of before. */
	async event(what: string, fits: (event: SeenEvent) => boolean): Promise<SeenEvent> {
		await until(what, () => this.events.some(fits), PATIENCE_MS);
		return this.events.find(fits) as SeenEvent;
	}

	/** Work id of a partition, once the node knows it. */
	async workOf(node: string, miner: number, deadline: number, partition: number): Promise<string> {
		let work: string | undefined;
		await this.told(`work of f0${miner}/${deadline}/${partition}`, async () => {
			const { claims } = await this.cluster.node(node).claims();
			work = claims.find(
				(row) => row.miner === `f0${miner}` && row.deadline === deadline && row.partition === partition,
			)?.work;
			return work !== undefined;
		});
		return work as string;
	}

	/** After the close, whose epochs are made at once when the node sees that all is final. */
	async closed(witness: string, deadline: number, partitions: number): Promise<void> {
		await this.told(`all of deadline ${deadline} is final`, async () => {
			const { claims } = await this.cluster.node(witness).claims();
			return claims.filter((row) => row.deadline === deadline && row.phase === 'done').length === partitions;
		});
		const { chain } = this.cluster;
		const end = epochsOf(deadline).close + SETTLE_EPOCHS;
		await chain.call('Devnet.Mine', [Math.max(0, end - (await chain.height())), 0]);
	}

	/** What became of a deadline's partitions, by what stands on the chain after its close. */
	async outcome(miner: number, deadline: number): Promise<readonly PartitionStatistics[]> {
		const { partitions } = await this.cluster.chain.stats();
		return partitions
			.filter((row) => row.miner === `f0${miner}` && row.deadline === deadline)
			.sort((a, b) => a.partition - b.partition);
	}

	/** Every partition was accepted once, paid for once, and its proof survives a dispute. */
	async assertProven(miner: number, deadline: number, partitions: number): Promise<void> {
		const outcome = await this.outcome(miner, deadline);
		assert.deepEqual(
			outcome.map(({ partition, accepted, messages, missed }) => ({ partition, accepted, messages, missed })),
			Array.from({ length: partitions }, (_, partition) => ({ partition, accepted: 1, messages: 1, missed: false })),
		);
		const disputes = await this.cluster.chain.disputeAll(actorId(miner), deadlineIndex(deadline));
		assert.deepEqual(disputes, { made: partitions, survived: partitions, lost: 0 });
	}

	/** Faulty sectors of the miner. */
	async faults(miner: number): Promise<readonly number[]> {
		return [...(await this.cluster.chain.faults(actorId(miner)))];
	}

	async metricAtLeast(node: string, name: string, least: number): Promise<void> {
		await this.told(`${name} of ${node}`, async () => (await this.metric(node, name)) >= least);
	}

	/** Sum of a metric's series of one node whose labels hold the text. */
	async metric(node: string, name: string, labels: RegExp = /.*/): Promise<number> {
		const bytes = await readSecretFile(this.cluster.node(node).home.paths.control, 4096);
		const { url } = JSON.parse(String(bytes)) as { url: string };
		const text = await (await fetch(`${url}/metrics`)).text();
		return text
			.split('\n')
			.filter((line) => line.startsWith(name) && labels.test(line))
			.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
	}
}

function genesisOf(miners: readonly MinerLayout[], sealed: ReadonlyMap<number, SealedSectors>): GenesisFile {
	return {
		miners: miners.map(({ id, deadlines }) => ({
			id,
			proofType: WINDOW_2KIB,
			periodOffset: 0,
			sectors: Object.entries(deadlines).flatMap(([deadline, numbers]) =>
				numbers.map((number) => {
					const sector = sealed.get(id)?.sectors.find((candidate) => candidate.number === number);
					assert.ok(sector?.commR, `sector ${number} of f0${id} is sealed`);
					const { commR, sealProof } = sector;
					return { number, commR, sealProof, deadline: Number(deadline) };
				}),
			),
		})),
	};
}

function isAlive(pid: number | undefined): boolean {
	if (pid === undefined) return false;
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
		throw error;
	}
}
