/** One chaos run from start to judgement. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClaimRow } from '../../src/node/control-api.ts';
import { Random } from '../sim/random.ts';
import { type Judgement, judge } from './checker.ts';
import { FAULT_KINDS, type Fault, type FaultKind } from './faults.ts';
import { claimMs, duplicates, type Spread, takeoverMs } from './figures.ts';
import { Journal } from './journal.ts';
import { ChaosMesh, EIGHT } from './mesh.ts';
import { Nemesis } from './nemesis.ts';
import { prepare } from './prepare.ts';
import { type Takeover, takeoversOf } from './takeovers.ts';

export interface ChaosOptions {
	readonly seed: number;
	/** Minutes in which deadlines open. */
	readonly minutes: number;
	readonly kinds: readonly FaultKind[];
	/** Mean time between two faults. */
	readonly gapMs: number;
	/** Median of the drawn proving times. */
	readonly proveMs: number;
	/** Keeps logs and homes; they are kept anyway when something is wrong. */
	readonly keep: boolean;
}

type Counts = Readonly<Record<string, number>>;

export interface ChaosReport {
	readonly seeds: 1;
	readonly kind: 'chaos';
	readonly nodes: number;
	/** Of the wall clock. */
	readonly virtualSeconds: number;
	readonly items: number;
	readonly missed: number;
	readonly excused: number;
	readonly excusedBy: Counts;
	readonly violations: number;
	readonly faults: Counts;
	readonly duplicateGpuPermille: number;
	readonly duplicateStartsPer1000: number;
	readonly paidTwice: number;
	readonly claimMs: Spread;
	readonly takeoverResetMs: Spread;
	readonly takeoverSilentMs: Spread;
	readonly messagesPerNodeSecond: number;
	readonly bytesPerNodeSecond: number;
	readonly seedsPerHour: number;
	readonly seed: number;
	readonly injected: Counts;
	readonly survived: Counts;
	readonly notInjected: Readonly<Record<string, string>>;
	/** Losses of a lease that are no measure of the takeover, by cause and outcome. */
	readonly takeoverApart: Counts;
	/** What was wrong, for people. */
	readonly problems: readonly string[];
}

/** Deadlines of this shape keep a small machine busy for a third of its time, the faults aside. */
const MINERS = 4;
const PARTITIONS = 6;
const EPOCH_MS = 1_000;
const STRAGGLER_PERMILLE = 20;
/** The last of the run is without faults: before the last deadlines close. */
const CALM_EPOCHS = 45;
/** Every link is this slow at all times: a network of one region. */
const LINK = { delayMs: 2, jitterMs: 20 };
/** For the oracle: the longest proof that is drawn is 1.5 times three times the median, and a takeover comes before. */
const LONGEST_PROOF = 4.5;
const BEFORE_PROOF_MS = 20_000;

export async function runChaos(options: ChaosOptions, say: (line: string) => void): Promise<ChaosReport> {
	const shape = { miners: MINERS, deadlines: options.minutes, partitions: PARTITIONS, epochMs: EPOCH_MS };
	const prepared = await prepare(shape, say);
	const { plan } = prepared;
	const mesh = await ChaosMesh.found({
		...{ prepared, shape: EIGHT, seed: options.seed, proveMs: options.proveMs },
		...{ stragglerPermille: STRAGGLER_PERMILLE, smallDisks: options.kinds.includes('disk-full') },
	});
	say(`files of this run: ${mesh.folder}`);
	const { chain } = mesh.cluster;
	const observer = await mesh.observe();
	slowLinks(mesh);
	const nemesis = new Nemesis(mesh, new Journal(mesh), new Random(options.seed), {
		kinds: options.kinds.filter((kind) => kind !== 'disk-full' || mesh.diskRefusal === undefined),
		gapMs: options.gapMs,
	});
	let judgement: Judgement | undefined;
	let rows: readonly ClaimRow[] = [];
	let left: readonly number[] = [];
	const started = { ms: 0, bytes: 0, statements: 0 };
	const ended = { ms: 0, bytes: 0, statements: 0 };
	const note = (at: typeof started): void => {
		Object.assign(at, { ms: Date.now(), bytes: mesh.proxy.bytes, statements: observer.statements });
	};
	try {
		await mesh.start();
		say('everyone is connected');
		note(started);
		await chain.call('Devnet.Resume');
		const breaking = nemesis.run();
		await chain.until(plan.endEpoch - CALM_EPOCHS);
		await nemesis.calm();
		await breaking;
		say('the faults are over');
		await chain.until(plan.endEpoch + 2);
		note(ended);
		rows = await claimsOf(mesh);
		await observer.stop();
		await Promise.all(mesh.shape.map(({ name }) => mesh.node(name).stop()));
		judgement = await judge({
			...{ mesh, plan, faults: nemesis.faults, observer, rows },
			needs: { proveMs: LONGEST_PROOF * options.proveMs, beforeMs: BEFORE_PROOF_MS },
			wallOf: (epoch) => started.ms + (epoch - plan.startEpoch) * EPOCH_MS,
		});
	} finally {
		await writeRecords(mesh, nemesis.faults);
		left = await mesh.close();
	}
	const report = reportOf(options, mesh, nemesis.faults, judgement, left, rows, started, ended);
	if (options.keep || report.problems.length > 0) say(`logs and homes: ${mesh.folder}`);
	else await mesh.remove();
	return report;
}

function slowLinks({ proxy, shape }: ChaosMesh): void {
	for (const { name: a } of shape) for (const { name: b } of shape) if (a !== b) proxy.impair(a, b, LINK);
}

async function claimsOf(mesh: ChaosMesh): Promise<readonly ClaimRow[]> {
	for (const { name, roles } of mesh.shape) {
		if (!roles.includes('chain') || !mesh.node(name).running) continue;
		return (await mesh.node(name).claims()).claims;
	}
	return [];
}

async function writeRecords(mesh: ChaosMesh, faults: readonly Fault[]): Promise<void> {
	const lines = (all: readonly unknown[]): string => all.map((one) => `${JSON.stringify(one)}\n`).join('');
	await writeFile(join(mesh.folder, 'events.jsonl'), lines(mesh.events));
	await writeFile(join(mesh.folder, 'faults.jsonl'), lines(faults));
}

interface Mark {
	readonly ms: number;
	readonly bytes: number;
	readonly statements: number;
}

function reportOf(
	options: ChaosOptions,
	mesh: ChaosMesh,
	faults: readonly Fault[],
	judgement: Judgement,
	left: readonly number[],
	rows: readonly ClaimRow[],
	started: Mark,
	ended: Mark,
): ChaosReport {
	const seconds = (ended.ms - started.ms) / 1_000;
	const perNodeSecond = (amount: number): number => Math.round((amount / mesh.shape.length / seconds) * 10) / 10;
	const takeovers = takeoversOf(mesh.events, faults, mesh.shape);
	const { gpuPermille, startsPer1000 } = duplicates(mesh.events, faults);
	const failures = faults.flatMap(({ kind, failure }) => (failure === undefined ? [] : [`${kind}: ${failure}`]));
	const violations = [...judgement.violations, ...failures, ...left.map((pid) => `process ${pid} is left`)];
	const injected = countBy(faults.map(({ kind }) => kind));
	return {
		seeds: 1,
		kind: 'chaos',
		nodes: mesh.shape.length,
		virtualSeconds: Math.round(seconds),
		items: judgement.items,
		missed: judgement.missed.length,
		excused: Object.values(judgement.excusedBy).reduce((sum, count) => sum + count, 0),
		excusedBy: judgement.excusedBy,
		violations: violations.length,
		faults: injected,
		duplicateGpuPermille: gpuPermille,
		duplicateStartsPer1000: startsPer1000,
		paidTwice: judgement.paidTwice,
		claimMs: claimMs(mesh.events, rows),
		takeoverResetMs: takeoverMs(takeovers, 'reset'),
		takeoverSilentMs: takeoverMs(takeovers, 'silent'),
		messagesPerNodeSecond: perNodeSecond(ended.statements - started.statements),
		bytesPerNodeSecond: perNodeSecond(ended.bytes - started.bytes),
		seedsPerHour: Math.round((3_600 / seconds) * 10) / 10,
		seed: options.seed,
		injected,
		survived: countBy(faults.flatMap(({ kind, failure }) => (failure === undefined ? [kind] : []))),
		notInjected: notInjected(options, mesh, faults),
		takeoverApart: countBy(takeovers.flatMap(apart)),
		problems: [...judgement.missed.map((name) => `${name} was missed`), ...violations],
	};
}

/** Nothing that measures the rule. */
function apart({ cause, outcome, apart: why }: Takeover): readonly string[] {
	if (outcome === 'taken' && why === undefined) return [];
	return [`${cause}, ${why === undefined ? outcome : `${why}, ${outcome}`}`];
}

function notInjected(
	{ kinds }: ChaosOptions,
	{ diskRefusal }: ChaosMesh,
	faults: readonly Fault[],
): Readonly<Record<string, string>> {
	const missing = FAULT_KINDS.filter((kind) => !faults.some((fault) => fault.kind === kind));
	const why = (kind: FaultKind): string => {
		if (!kinds.includes(kind)) return 'not asked for';
		if (kind === 'disk-full' && diskRefusal !== undefined) return diskRefusal;
		return 'its turn did not come, or no victim could be spared';
	};
	return Object.fromEntries(missing.map((kind) => [kind, why(kind)]));
}

function countBy(names: readonly string[]): Counts {
	const counts: Record<string, number> = {};
	for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
	return counts;
}
