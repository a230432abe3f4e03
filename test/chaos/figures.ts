/** The figures of a run, from what the nodes told. */
import type { ClaimRow } from '../../src/node/control-api.ts';
import { DEATHS, type Fault, SILENCES } from './faults.ts';
import type { SeenEvent } from './mesh.ts';
import { CLAIMS, type Takeover } from './takeovers.ts';

export interface Spread {
	readonly n: number;
	readonly p50: number | null;
	readonly p99: number | null;
	readonly max: number | null;
}

export function spread(values: readonly number[]): Spread {
	const sorted = [...values].sort((a, b) => a - b);
	const at = (permille: number): number | null =>
		sorted[Math.max(0, Math.ceil((sorted.length * permille) / 1000) - 1)] ?? null;
	return { n: sorted.length, p50: at(500), p99: at(990), max: sorted.at(-1) ?? null };
}

/** Times of those that measure the rule. */
export function takeoverMs(takeovers: readonly Takeover[], cause: Takeover['cause']): Spread {
	return spread(
		takeovers.flatMap((one) =>
			one.cause === cause && one.apart === undefined && one.ms !== undefined ? [one.ms] : [],
		),
	);
}

/** From the first announcement of a deadline that a node told of to the first claim of each of its partitions. */
export function claimMs(events: readonly SeenEvent[], rows: readonly ClaimRow[]): Spread {
	const deadlineOf = new Map(rows.map(({ work, miner, deadline }) => [work, `${Number(miner.slice(2))}/${deadline}`]));
	const announced = new Map<string, number>();
	const claimed = new Map<string, number>();
	for (const { type, wallMs, facts } of events) {
		const { work } = facts;
		if (type === 'announce') earliest(announced, `${facts['miner']}/${facts['deadline']}`, wallMs);
		if (CLAIMS.includes(type) && typeof work === 'string') earliest(claimed, work, wallMs);
	}
	return spread(
		[...claimed].flatMap(([work, atMs]) => {
			const fromMs = announced.get(deadlineOf.get(work) ?? '');
			return fromMs === undefined ? [] : [atMs - fromMs];
		}),
	);
}

function earliest(times: Map<string, number>, key: string, atMs: number): void {
	times.set(key, Math.min(atMs, times.get(key) ?? atMs));
}

export interface Duplicates {
	/** Time of proofs that were not the first of their work and that no fault ended, of all proving time. */
	readonly gpuPermille: number;
	/** Proofs begun while another node's proof of the same work ran, of 1,000 begun. */
	readonly startsPer1000: number;
}

interface Proof {
	readonly node: string;
	readonly work: string;
	readonly fromMs: number;
	toMs: number;
	end: 'first' | 'late' | 'fault' | 'released';
}

export function duplicates(events: readonly SeenEvent[], faults: readonly Fault[]): Duplicates {
	const proofs = proofsOf(events, faults);
	const lengthOf = ({ fromMs, toMs }: Proof): number => Math.max(0, toMs - fromMs);
	const total = proofs.reduce((sum, proof) => sum + lengthOf(proof), 0);
	const wasted = proofs
		.filter(({ end }) => end === 'late' || end === 'released')
		.reduce((sum, proof) => sum + lengthOf(proof), 0);
	const doubled = proofs.filter((proof) =>
		proofs.some(
			(other) =>
				other.work === proof.work &&
				other.node !== proof.node &&
				other.fromMs < proof.fromMs &&
				other.toMs > proof.fromMs,
		),
	);
	const permille = (part: number, all: number): number => (all === 0 ? 0 : Math.round((part * 10_000) / all) / 10);
	return { gpuPermille: permille(wasted, total), startsPer1000: permille(doubled.length, proofs.length) };
}

function proofsOf(events: readonly SeenEvent[], faults: readonly Fault[]): readonly Proof[] {
	const ended: Proof[] = [];
	const running = new Map<string, Proof>();
	const proven = new Set<string>();
	const finish = (key: string, atMs: number, end: Proof['end']): void => {
		const proof = running.get(key);
		if (proof === undefined) return;
		running.delete(key);
		ended.push(Object.assign(proof, { toMs: atMs, end }));
	};
	const losses = faults.filter(({ kind }) => DEATHS.includes(kind) || SILENCES.includes(kind));
	const moments = [
		...events.map((event) => ({ atMs: event.wallMs, event, fault: undefined })),
		...losses.map((fault) => ({ atMs: fault.atMs, event: undefined, fault })),
	].sort((a, b) => a.atMs - b.atMs);
	for (const { atMs, event, fault } of moments) {
		if (fault !== undefined) {
			for (const [key, { node }] of [...running]) if (fault.victims.includes(node)) finish(key, atMs, 'fault');
			continue;
		}
		const { type, node, facts } = event;
		const { work } = facts;
		if (typeof work !== 'string') continue;
		const key = `${node}/${work}`;
		if (type === 'prove') running.set(key, { node, work, fromMs: atMs, toMs: atMs, end: 'released' });
		if (type === 'release' || type === 'yield') finish(key, atMs, proven.has(work) ? 'late' : 'released');
		if (type === 'result-stored') {
			finish(key, atMs, proven.has(work) ? 'late' : 'first');
			proven.add(work);
		}
	}
	return ended;
}
