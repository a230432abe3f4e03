/**
 * How long proofs and their phases take here, by slot and proof type: the newest of each, kept over restarts. From them
 * follow the progress that is told, when a phase hangs, and the figures that people and `bench prove` see.
 */
import { z } from 'zod';
import { percentile } from '../core/timing.ts';
import { isPosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { circuitName } from '../domain/parameters.ts';
import type { PoStProofType } from '../domain/proof.ts';
import type { Log } from '../ports/log.ts';
import type { ProofEngine } from '../ports/prover.ts';
import type { Store } from '../ports/store.ts';

const PREFIX = 't/';
/**
 * The library takes up to 3 times as long as our own prover (docs/proving.md). Which of them makes a proof is told at its
 * end: after an alarm, an upgrade or while a self-test runs it is the library, whoever made the last one.
 */
const LIBRARY_TIMES = 4;

/** Percentiles by nearest rank. */
export interface Spread {
	readonly p50Ms: number;
	readonly p95Ms: number;
	readonly p99Ms: number;
	/** Of how many proofs. */
	readonly proofs: number;
}

/** What one slot takes for one proof type, as `/status` tells it. */
export interface SlotTimes {
	readonly slot: string;
	/** `window 32GiB` */
	readonly proof: string;
	readonly device: string;
	/** Which prover makes them; null where the program does not tell. */
	readonly engine: ProofEngine | null;
	readonly whole: Spread;
	readonly phases: Readonly<Record<string, Spread>>;
}

/** The newest last. */
const Known = z.object({
	slot: z.string(),
	proofType: z.int(),
	device: z.string(),
	engine: z.enum(['own', 'stock']).nullable().default(null),
	whole: z.array(z.number()).max(limits.durations),
	phases: z.record(z.string(), z.array(z.number()).max(limits.durations)),
});
type Known = z.infer<typeof Known>;

export interface ProofDone {
	readonly ms: number;
	readonly phaseMs: Readonly<Record<string, number>>;
	readonly device: string;
	readonly engine?: ProofEngine;
}

export class ProofTimes {
	readonly #store: Store;
	readonly #log: Log;
	readonly #known = new Map<string, Known>();

	/** With what earlier runs of the node learned. */
	static async load(store: Store, log: Log): Promise<ProofTimes> {
		const times = new ProofTimes(store, log);
		for await (const [key, value] of store.entries(PREFIX)) {
			const known = Known.safeParse(parse(value));
			// Of an older version of this program: learned anew.
			if (known.success) times.#known.set(key, known.data);
			else log.warn({ key }, 'stored proof times cannot be read');
		}
		return times;
	}

	private constructor(store: Store, log: Log) {
		this.#store = store;
		this.#log = log;
	}

	async learn(slot: string, proofType: PoStProofType, done: ProofDone): Promise<void> {
		const { ms, phaseMs, device, engine = null } = done;
		const key = keyOf(slot, proofType);
		const last = this.#known.get(key);
		// What one prover takes says nothing about the other.
		const before = last?.engine === engine ? last : undefined;
		const phases = Object.entries(phaseMs).slice(0, limits.proofPhases);
		const known: Known = {
			slot,
			proofType,
			device,
			engine,
			whole: added(before?.whole, ms),
			phases: Object.fromEntries(phases.map(([name, took]) => [name, added(before?.phases[name], took)])),
		};
		this.#known.set(key, known);
		try {
			await this.#store.write([{ type: 'put', key, value: Buffer.from(JSON.stringify(known)) }]);
		} catch (error) {
			// Known in this run all the same; the next proof is written again.
			if (!isPosterError(error)) throw error;
			this.#log.warn({ error, code: error.code, slot }, 'proof times could not be stored');
		}
	}

	/** Undefined before the first proof of this slot and type. */
	whole(slot: string, proofType: PoStProofType): Spread | undefined {
		const known = this.#known.get(keyOf(slot, proofType));
		return known && spreadOf(known.whole);
	}

	/** Of each phase, in their order; empty before the first proof. */
	phases(slot: string, proofType: PoStProofType): Readonly<Record<string, Spread>> {
		return spreads(this.#known.get(keyOf(slot, proofType))?.phases ?? {});
	}

	/**
	 * What each phase takes at most in a healthy proof, whoever makes it. No phase of the library takes longer than its
	 * whole proof, but one may take many times what it takes us: synthesis does.
	 */
	bounds(slot: string, proofType: PoStProofType): Readonly<Record<string, Spread>> {
		const known = this.#known.get(keyOf(slot, proofType));
		if (known?.engine !== 'own') return this.phases(slot, proofType);
		const whole = spreadOf(known.whole.map((ms) => ms * LIBRARY_TIMES));
		return Object.fromEntries(Object.keys(known.phases).map((name) => [name, whole]));
	}

	/** Whether the newest proof was our own prover's. */
	isOwn(slot: string, proofType: PoStProofType): boolean {
		return this.#known.get(keyOf(slot, proofType))?.engine === 'own';
	}

	all(): readonly SlotTimes[] {
		return [...this.#known.values()]
			.sort((a, b) => (a.slot < b.slot ? -1 : a.slot > b.slot ? 1 : a.proofType - b.proofType))
			.map(({ slot, proofType, device, engine, whole, phases }) => ({
				slot,
				proof: circuitName(proofType),
				device,
				engine,
				whole: spreadOf(whole),
				phases: spreads(phases),
			}));
	}
}

function keyOf(slot: string, proofType: PoStProofType): string {
	return `${PREFIX}${encodeURIComponent(slot)}/${proofType}`;
}

function added(before: readonly number[] = [], ms: number): number[] {
	return [...before, Math.max(1, Math.round(ms))].slice(-limits.durations);
}

export function spreadOf(values: readonly number[]): Spread {
	const of = (percent: number): number => percentile(values, percent);
	return { p50Ms: of(50), p95Ms: of(95), p99Ms: of(99), proofs: values.length };
}

function spreads(phases: Readonly<Record<string, readonly number[]>>): Readonly<Record<string, Spread>> {
	return Object.fromEntries(Object.entries(phases).map(([name, values]) => [name, spreadOf(values)]));
}

function parse(value: Uint8Array): unknown {
	try {
		return JSON.parse(Buffer.from(value).toString('utf8'));
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
