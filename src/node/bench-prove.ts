/**
 * Measures what the slots of a machine take for a partition, outside of a running node, and leaves it to the node as its
 * first estimate. Every proof is verified: a fast wrong one counts nothing.
 */
import { rm } from 'node:fs/promises';
import { openStore } from '../adapters/level/store.ts';
import type { SlotFilter } from '../core/api.ts';
import { keys, readNumbers, writeNumbers } from '../core/keys.ts';
import { PosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { circuitName } from '../domain/parameters.ts';
import { type PoStProofType, proofShape } from '../domain/proof.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ProofEngine, ProverSlot } from '../ports/prover.ts';
import type { Home } from './home.ts';
import { lockHome } from './lock.ts';
import { ProofTimes, type Spread, spreadOf } from './proof-times.ts';
import { takesSamples } from './slot-filters.ts';
import type { Workers } from './workers.ts';

const HOUR_MS = 3_600_000;

export interface BenchStep {
	readonly slot: string;
	readonly proof: string;
	/** Of how many, this one included; the proof that warms the slot up is number 0. */
	readonly repetition: number;
	readonly repetitions: number;
	/** The phase that begins; null when the proof is verified. */
	readonly phase: string | null;
}

export interface BenchResult {
	readonly slot: string;
	readonly proofType: PoStProofType;
	/** `window 32GiB` */
	readonly proof: string;
	/** Of the circuit: a partition that is not full takes as long. */
	readonly sectors: number;
	readonly device: string;
	/** Which prover made them; null where the program does not tell. */
	readonly engine: ProofEngine | null;
	/** The first proof of the slot, which starts the program and reads the parameters. */
	readonly firstMs: number;
	readonly repetitions: number;
	readonly whole: Spread;
	readonly phases: Readonly<Record<string, Spread>>;
	/** Most memory that the program had; null where it does not tell. */
	readonly peakRssMb: number | null;
	/** This slot alone, one proof after another. */
	readonly partitionsPerHour: number;
	/** Milliseconds of each proof and each phase, in their order. */
	readonly samples: readonly { readonly ms: number; readonly phaseMs: Readonly<Record<string, number>> }[];
}

export interface BenchOptions {
	readonly workers: Pick<Workers, 'slots' | 'sample' | 'verifier'>;
	readonly proofTypes: readonly PoStProofType[];
	readonly slotFilters: readonly SlotFilter[];
	readonly repetitions: number;
	readonly tell: (step: BenchStep) => void;
	readonly signal: AbortSignal;
}

/** Slot by slot and type by type, nothing at the same time. Rejects `bench-refused`, `prover-…`, the signal's reason. */
export async function benchProve(clock: Clock, options: BenchOptions): Promise<readonly BenchResult[]> {
	const results: BenchResult[] = [];
	for (const slot of options.workers.slots) {
		for (const proofType of options.proofTypes) {
			if (!takesSamples(options.slotFilters, slot.name, proofType)) continue;
			results.push(await benchSlot(clock, slot, proofType, options));
		}
	}
	return results;
}

async function benchSlot(
	clock: Clock,
	slot: ProverSlot,
	proofType: PoStProofType,
	{ workers, repetitions, tell, signal }: BenchOptions,
): Promise<BenchResult> {
	const proof = circuitName(proofType);
	const job = await workers.sample(proofType, signal);
	/** Phases as they follow one another. */
	const order = new Set<string>();
	const one = async (repetition: number) => {
		const step = { slot: slot.name, proof, repetition, repetitions };
		const startedMs = clock.now();
		const begins = ({ phase, state }: { phase: string; state: string }): void => {
			if (state !== 'start') return;
			order.add(phase);
			tell({ ...step, phase });
		};
		const made = await slot.prove(job, begins, signal);
		const ms = clock.now() - startedMs;
		tell({ ...step, phase: null });
		const { ok, detail } = await workers.verifier.verifyPost(job.statement, made.proof, signal);
		if (!ok) throw refused(slot.name, proof, detail);
		return { ...made, ms };
	};
	try {
		const first = await one(0);
		const samples: (typeof first)[] = [];
		for (let n = 1; n <= repetitions; n++) samples.push(await one(n));
		const whole = spreadOf(samples.map(({ ms }) => ms));
		const names = [...new Set([...order, ...Object.keys(first.phaseMs)])];
		return {
			slot: slot.name,
			proofType,
			proof,
			sectors: proofShape(proofType).partitionSectors,
			device: first.device,
			engine: samples.at(-1)?.engine ?? null,
			firstMs: first.ms,
			repetitions,
			whole,
			phases: Object.fromEntries(
				names.map((name) => [name, spreadOf(samples.map(({ phaseMs }) => phaseMs[name] ?? 0))]),
			),
			peakRssMb: Math.max(0, ...samples.map(({ peakRssMb = 0 }) => peakRssMb)) || null,
			partitionsPerHour: Math.round((HOUR_MS * 10) / whole.p50Ms) / 10,
			samples: samples.map(({ ms, phaseMs }) => ({ ms, phaseMs })),
		};
	} finally {
		await rm(job.spool.path, { force: true });
	}
}

/** What the node of this home begins with. Rejects `home-in-use` while it runs, `store-…`. */
export async function keepBench(home: Home, results: readonly BenchResult[], log: Log): Promise<void> {
	const lock = await lockHome(home.paths.lock);
	try {
		const store = await openStore(home.paths.store, home.identity.id);
		try {
			const times = await ProofTimes.load(store, log);
			for (const { slot, proofType, device, engine, samples } of results) {
				const by = { device, ...(engine !== null && { engine }) };
				for (const sample of samples) await times.learn(slot, proofType, { ...sample, ...by });
				const key = keys.durations(proofType);
				const known = await store.get(key);
				const all = [...(known === undefined ? [] : readNumbers(known)), ...samples.map(({ ms }) => Math.max(1, ms))];
				await store.write([{ type: 'put', key, value: writeNumbers(all.slice(-limits.durations)) }]);
			}
		} finally {
			await store.close();
		}
	} finally {
		await lock.release();
	}
}

function refused(slot: string, proof: string, detail: string | undefined): PosterError {
	return new PosterError('bench-refused', `a proof of ${proof} from ${slot} does not verify: ${detail ?? 'wrong'}`, {
		advice: 'Nothing was kept. Check the parameters (`poster-node params verify`), then the prover of that slot.',
		meta: { slot, proof },
	});
}
