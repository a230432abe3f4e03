/**
 * The demo from start to end: prepare, start a chain and seven nodes, prove a deadline while one of them is killed,
 * dispute everything, sum up. Whatever happens on the way, all processes are ended.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClock } from '../../adapters/observe/clock.ts';
import { createLog } from '../../adapters/observe/log.ts';
import { isPosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { ClaimsReport } from '../../node/control-api.ts';
import { unlessAborted } from '../../node/unless-aborted.ts';
import { duration } from '../render/duration.ts';
import { openScratch } from '../scratch.ts';
import type { Receipt } from './chain-desk.ts';
import { Cluster } from './cluster.ts';
import { submitTampered } from './control-experiment.ts';
import { judge, measure } from './judge.ts';
import { listenToKeys } from './keyboard.ts';
import { Observer } from './observer.ts';
import {
	BOOTSTRAP,
	CHALLENGE,
	CLOSE,
	CONTROL_MINER,
	DEADLINE,
	demoGenesis,
	demoMesh,
	EPOCH_MS,
	FULL_NODES,
	MINER,
	NETWORK,
	OPEN,
	PARTITIONS,
	START,
} from './plan.ts';
import { type Prepared, prepareDemo } from './prepare-demo.ts';
import type { Screen } from './screen.ts';
import type { DemoSummary } from './summary.ts';
import { type VictimKind, victimOfKey } from './victim-kinds.ts';
import { Victims } from './victims.ts';

export interface DemoOptions {
	/** Keeps logs and homes also when all held. */
	readonly keep: boolean;
	/** Who is killed if no key chooses another. */
	readonly victim: VictimKind;
	readonly screen: Screen;
	/** Ends the demo early, in order; the demo rejects its reason. */
	readonly signal: AbortSignal;
	readonly interrupt: () => void;
}

/** Epochs after close in which the chain has drawn its conclusions. */
const SETTLE_EPOCHS = 2;
const STDERR = 2;

export async function runDemo(options: DemoOptions): Promise<DemoSummary> {
	const startedMs = performance.now();
	const { screen } = options;
	const prepared = await prepareDemo((progress) => screen.progress(progress), options.signal);
	const scratch = await openScratch('poster-demo-');
	const folder = scratch.path;
	screen.note(`Files of this run: ${folder}`);
	// What went wrong is read in the logs; what ended well, or by a key, leaves nothing to read.
	let keep = true;
	try {
		const summary = await runIn(folder, options, prepared, startedMs);
		keep = options.keep || !summary.ok;
		return keep ? { ...summary, folder } : summary;
	} catch (error) {
		keep = options.keep || !isPosterError(error, 'demo-interrupted');
		throw error;
	} finally {
		await (keep ? scratch.keep() : scratch.remove());
	}
}

async function runIn(
	folder: string,
	options: DemoOptions,
	prepared: Prepared,
	startedMs: number,
): Promise<DemoSummary> {
	const cluster = await Cluster.start(folder, {
		genesis: demoGenesis(prepared.sectors),
		network: NETWORK,
		epochMs: EPOCH_MS,
		startEpoch: START,
		fullNodes: 1 + Object.keys(FULL_NODES).length,
		testParameters: prepared.testParameters,
		native: prepared.native,
	});
	try {
		const run = new DemoRun(options, prepared, cluster);
		return await unlessAborted(run.play(startedMs), options.signal);
	} finally {
		options.screen.done();
		await cluster.close();
	}
}

class DemoRun {
	readonly #options: DemoOptions;
	readonly #prepared: Prepared;
	readonly #cluster: Cluster;
	readonly #observer = new Observer();
	readonly #victims: Victims;
	/** Newest report with claims: after close the nodes have other things to show. */
	#lastReport: ClaimsReport | undefined;
	/** The control's proof is on the chain. */
	#tampered = false;

	constructor(options: DemoOptions, prepared: Prepared, cluster: Cluster) {
		this.#options = options;
		this.#prepared = prepared;
		this.#cluster = cluster;
		const { victim: first, screen, signal } = options;
		const note = (text: string): void => screen.note(text);
		this.#victims = new Victims(cluster, this.#observer, { first, clock: createClock(), note, signal });
	}

	async play(startedMs: number): Promise<DemoSummary> {
		const { screen, interrupt } = this.#options;
		const { chain } = this.#cluster;
		await this.#startNodes();
		const stopKeys = listenToKeys((key) => {
			const kind = victimOfKey(key);
			if (kind !== undefined) this.#victims.press(kind);
		}, interrupt);
		try {
			screen.note(`All nodes are connected. The challenge comes in ${duration((CHALLENGE - START) * EPOCH_MS)}.`);
			await chain.call('Devnet.Resume');
			const control = this.#tamper();
			// Awaited below; until then a failure must not end the process.
			control.catch(() => undefined);
			await this.#watch();
			await this.#victims.settled();
			screen.done();
			screen.note('The deadline is closed. Disputing every accepted proof.');
			const faults = await chain.faults(MINER);
			const tampered = await control;
			const honest = await chain.disputeAll(MINER, DEADLINE);
			const disputedControl = await chain.disputeAll(CONTROL_MINER, DEADLINE);
			return judge({
				stats: await chain.stats(),
				faults: faults.size,
				kills: this.#victims.kills,
				abandoned: this.#victims.abandoned(),
				tampered,
				honest,
				control: disputedControl,
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
		screen.note(`Starting ${names.length} nodes:\n  ${names.join(', ')}`);
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
		const receipt = await submitTampered({
			chain,
			native: this.#prepared.native,
			miner: CONTROL_MINER,
			deadline: DEADLINE,
			challenge: CHALLENGE,
			sealed: this.#prepared.sectors.control,
			folder,
			log,
		});
		this.#tampered = true;
		return receipt;
	}

	/** Until the deadline is closed, which is brought forward when there is nothing left to see before. */
	async #watch(): Promise<void> {
		const { screen, signal } = this.#options;
		const { chain } = this.#cluster;
		const end = CLOSE + SETTLE_EPOCHS;
		for (let height = await chain.height(); height < end; height = await chain.height()) {
			const report = await this.#look();
			this.#victims.tellTakeovers();
			if (report !== undefined) screen.table(report, this.#victims.hint());
			if (report !== undefined && this.#isOver(report)) {
				screen.note(`All is final at epoch ${height}: the epochs until the close are made at once.`);
				await chain.call('Devnet.Mine', [end - height, 0]);
			}
			await sleep(limits.watchMs, undefined, { signal });
		}
	}

	/** Undefined when nobody who sees the chain answers: whether the nodes live is judged at the end. */
	async #look(): Promise<ClaimsReport | undefined> {
		try {
			const report = await this.#victims.witness()?.claims();
			if (report !== undefined && report.claims.length > 0) this.#lastReport = report;
			return report;
		} catch (error) {
			if (isPosterError(error, 'node-not-running')) return undefined;
			throw error;
		}
	}

	#isOver({ claims }: ClaimsReport): boolean {
		const final = claims.filter(({ kind, phase }) => kind === 'post' && phase === 'done');
		return final.length === PARTITIONS && this.#tampered && this.#victims.idle;
	}

	/** Nodes that ended though nobody killed them. */
	#died(): readonly string[] {
		return [...this.#cluster.nodes.values()].flatMap(({ name, died }) =>
			died === undefined ? [] : [`${name}: ${died}`],
		);
	}
}
