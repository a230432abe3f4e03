/**
 * The demo from start to end: prepare, start a chain and seven nodes, prove a deadline while one of them is killed,
 * dispute everything, sum up. Whatever happens on the way, all processes are ended.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '../../adapters/observe/log.ts';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { ClaimsReport } from '../../node/control-api.ts';
import { duration } from '../render/duration.ts';
import type { Receipt } from './chain-desk.ts';
import { Cluster } from './cluster.ts';
import { submitTampered } from './control-experiment.ts';
import { judge, measure } from './judge.ts';
import { listenToKeys } from './keyboard.ts';
import { Observer } from './observer.ts';
import {
	CHALLENGE,
	CLOSE,
	CONTROL_MINER,
	DEADLINE,
	demoGenesis,
	demoMesh,
	EPOCH_MS,
	MINER,
	NETWORK,
	OPEN,
	START,
} from './plan.ts';
import { type Prepared, prepareDemo } from './prepare-demo.ts';
import type { Screen } from './screen.ts';
import type { DemoSummary } from './summary.ts';
import { VICTIM_KEYS, Victims } from './victims.ts';

export interface DemoOptions {
	/** Keeps logs and homes also when all held. */
	readonly keep: boolean;
	readonly screen: Screen;
	/** Ends the demo early, in order. */
	readonly signal: AbortSignal;
	readonly interrupt: () => void;
}

const BOOTSTRAP = 'bootstrap-1';
const HINT = 'Kill another: p prover, s submitter, t storage, f full node. Ctrl-C ends.';
/** Epochs after close in which the chain has drawn its conclusions. */
const SETTLE_EPOCHS = 2;
const STDERR = 2;

export async function runDemo(options: DemoOptions): Promise<DemoSummary> {
	const startedMs = performance.now();
	const { screen } = options;
	const prepared = await prepareDemo((progress) => screen.progress(progress));
	const folder = await mkdtemp(join(tmpdir(), 'poster-demo-'));
	screen.note(`Files of this run: ${folder}`);
	const cluster = await Cluster.start(folder, {
		genesis: demoGenesis(prepared.sectors),
		network: NETWORK,
		epochMs: EPOCH_MS,
		startEpoch: START,
		testParameters: prepared.testParameters,
		native: prepared.native,
	});
	let summary: DemoSummary;
	try {
		const run = new DemoRun(options, prepared, cluster);
		summary = await raceAbort(run.play(startedMs), options.signal);
	} finally {
		screen.done();
		await cluster.close();
	}
	if (!summary.ok || options.keep) return { ...summary, folder };
	await rm(folder, { recursive: true });
	return summary;
}

class DemoRun {
	readonly #options: DemoOptions;
	readonly #prepared: Prepared;
	readonly #cluster: Cluster;
	readonly #observer = new Observer();
	readonly #victims: Victims;
	/** Newest report with claims: after close the nodes have other things to show. */
	#lastReport: ClaimsReport | undefined;

	constructor(options: DemoOptions, prepared: Prepared, cluster: Cluster) {
		this.#options = options;
		this.#prepared = prepared;
		this.#cluster = cluster;
		this.#victims = new Victims(cluster, this.#observer, (text) => options.screen.note(text));
	}

	async play(startedMs: number): Promise<DemoSummary> {
		const { screen, signal, interrupt } = this.#options;
		await this.#startNodes();
		const stopKeys = listenToKeys((key) => {
			const kind = VICTIM_KEYS[key];
			if (kind !== undefined) this.#victims.press(kind);
		}, interrupt);
		try {
			screen.note(`All nodes are connected. The challenge comes in ${duration((CHALLENGE - START) * EPOCH_MS)}.`);
			await this.#cluster.chain.call('Devnet.Resume');
			const control = this.#tamper();
			// Awaited below; until then a failure must not end the process.
			control.catch(() => undefined);
			await this.#watchUntil(CLOSE + SETTLE_EPOCHS, signal);
			await this.#victims.settled();
			screen.done();
			screen.note('The deadline is closed. Disputing every accepted proof.');
			const [tampered, honestReceipts] = [await control, await this.#disputeAll(MINER)];
			const controlReceipts = await this.#disputeAll(CONTROL_MINER);
			const stats = await this.#cluster.chain.stats();
			return judge({
				stats,
				victims: this.#victims,
				tampered,
				honestReceipts,
				controlReceipts,
				stageMs: await measure(this.#cluster, this.#observer, this.#lastReport),
				died: this.#died(),
				wallMs: Math.round(performance.now() - startedMs),
			});
		} finally {
			stopKeys();
		}
	}

	async #startNodes(): Promise<void> {
		const { screen } = this.#options;
		const cluster = this.#cluster;
		const mesh = demoMesh(join(cluster.folder, 'homes'), cluster.chain.started, this.#prepared.sectors);
		await cluster.found(mesh);
		for (const node of cluster.nodes.values()) {
			node.onEvent((event, from) => {
				this.#observer.take(event, from);
				this.#victims.onEvent(event, from);
			});
		}
		const names = mesh.members.map(({ name }) => name);
		screen.note(`Starting ${names.length} nodes: ${names.join(', ')}.`);
		await cluster.startNodes([BOOTSTRAP], []);
		const others = names.filter((name) => name !== BOOTSTRAP);
		await cluster.startNodes(others, cluster.node(BOOTSTRAP).addresses);
		await cluster.untilConnected(names, limits.demoConnectMs);
	}

	/** The second miner's proof, sent while its deadline is open. */
	async #tamper(): Promise<Receipt> {
		const { chain, folder } = this.#cluster;
		// The first epoch in which the chain takes proofs has begun once a tipset of the open deadline is the head.
		await chain.until(OPEN + 1, this.#options.signal);
		const log = createLog({ level: 'error', base: { node: 'demo' }, destination: STDERR });
		return submitTampered({
			chain,
			native: this.#prepared.native,
			miner: CONTROL_MINER,
			deadline: DEADLINE,
			challenge: CHALLENGE,
			sealed: this.#prepared.sectors.control,
			folder,
			log,
		});
	}

	async #watchUntil(height: number, signal: AbortSignal): Promise<void> {
		const { chain, nodes } = this.#cluster;
		while ((await chain.height()) < height) {
			const witness = [...nodes.values()].findLast(({ running }) => running);
			const report = await witness?.claims();
			if (report !== undefined) {
				if (report.claims.length > 0) this.#lastReport = report;
				this.#options.screen.table(report, HINT);
			}
			await sleep(limits.watchMs, undefined, { signal });
		}
	}

	async #disputeAll(miner: typeof MINER): Promise<readonly Receipt[]> {
		const { chain } = this.#cluster;
		const receipts: Receipt[] = [];
		const proofs = await chain.disputable(miner, DEADLINE);
		for (let index = 0; index < proofs; index++) receipts.push(await chain.dispute(miner, DEADLINE, index));
		return receipts;
	}

	/** Nodes that ended though nobody killed them. */
	#died(): readonly string[] {
		return [...this.#cluster.nodes.values()].flatMap(({ name, died }) =>
			died === undefined ? [] : [`${name}: ${died}`],
		);
	}
}

async function raceAbort<T>(run: Promise<T>, signal: AbortSignal): Promise<T> {
	const { promise, reject } = Promise.withResolvers<never>();
	const stop = (): void => reject(new PosterError('demo-interrupted', 'the demo was interrupted'));
	signal.addEventListener('abort', stop, { once: true });
	if (signal.aborted) stop();
	// What the run does after that, on processes that are being ended, is of no interest.
	run.catch(() => undefined);
	return Promise.race([run, promise]).finally(() => signal.removeEventListener('abort', stop));
}
