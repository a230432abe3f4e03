/**
 * Measures one proof of every type of which no duration is known, so that the node knows before its first deadline what
 * it can promise. Real work goes first: a measurement is given up as soon as its slot is wanted, and made anew in the
 * next free one, until a real proof has told the same.
 */
import { rm } from 'node:fs/promises';
import type { Event } from '../core/api.ts';
import { isPosterError, PosterError } from '../domain/errors.ts';
import { type PoStProofType, proofShape } from '../domain/proof.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { ProofJob, ProofMade, ProofPhase, ProverSlot } from '../ports/prover.ts';
import type { Verifier } from '../ports/verifier.ts';
import type { ProofDone } from './proof-times.ts';
import { engineEvents, type Paused, standing } from './proving.ts';

export interface MeasuringPorts {
	readonly slots: readonly ProverSlot[];
	readonly verifier: Verifier;
	/** A job of one made-up sector, as slow to prove as a full partition; its file is removed here. */
	readonly sample: (proofType: PoStProofType, signal: AbortSignal) => Promise<ProofJob>;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
}

export interface MeasuringOptions {
	readonly proofTypes: readonly PoStProofType[];
	/** Those whose duration is known from an earlier run. */
	readonly known: Iterable<PoStProofType>;
	/** Whether the slot proves samples of the type. @default every slot all of them */
	readonly takes?: (slot: string, proofType: PoStProofType) => boolean;
	/** Hears what each measured proof took. */
	readonly learn?: (slot: string, proofType: PoStProofType, done: ProofDone) => Promise<void>;
	/** @default no slot */
	readonly paused?: Paused;
	readonly enqueue: (event: Event) => void;
}

/** What was measured, without what the slot stood still. */
interface Measured extends ProofMade {
	readonly ms: number;
	readonly slot: string;
	readonly wasPaused: boolean;
}

export class Measuring {
	/** The slots for real work. */
	readonly slots: readonly ProverSlot[];
	readonly #shared: readonly SharedSlot[];
	readonly #ports: MeasuringPorts;
	readonly #options: MeasuringOptions;
	readonly #known: Set<PoStProofType>;
	readonly #stop = new AbortController();
	readonly #stopped = Promise.withResolvers<void>();
	#running: Promise<void> | undefined;

	constructor(ports: MeasuringPorts, options: MeasuringOptions) {
		this.#ports = ports;
		this.#options = options;
		this.#known = new Set(options.known);
		this.#shared = ports.slots.map((slot) => new SharedSlot(slot, (proofType) => this.#known.add(proofType)));
		this.slots = this.#shared;
	}

	/** Goes on in the background; `fatal` hears of what is no failure of a measurement. */
	start(fatal: (error: unknown) => void): void {
		this.#running ??= this.#run().catch(fatal);
	}

	/** Ends a measurement that runs. Idempotent. */
	async stop(): Promise<void> {
		this.#stop.abort(new PosterError('prover-cancelled', 'the node stops'));
		this.#stopped.resolve();
		await this.#running;
	}

	async #run(): Promise<void> {
		const { log, metrics } = this.#ports;
		if (this.#shared.length === 0) return;
		for (const proofType of this.#options.proofTypes) {
			try {
				await this.#measure(proofType);
			} catch (error) {
				if (this.#stop.signal.aborted) return;
				if (!isPosterError(error)) throw error;
				metrics.count('poster_measurements_failed_total', { code: error.code });
				log.warn({ error, code: error.code, proofType }, 'a proof could not be measured');
			}
		}
	}

	async #measure(proofType: PoStProofType): Promise<void> {
		const { sample, verifier, log } = this.#ports;
		if (this.#known.has(proofType)) return;
		const { signal } = this.#stop;
		const job = await sample(proofType, signal);
		try {
			const done = await this.#prove(job);
			if (done === undefined) return;
			const { ok, detail } = await verifier.verifyPost(job.statement, done.proof, signal);
			if (!ok) {
				throw new PosterError('measure-refused', `the measured proof does not verify: ${detail}`, {
					advice: 'This machine proves wrongly: check its parameters, its memory and its GPU before it takes part.',
				});
			}
			for (const event of engineEvents(done.slot, proofType, done)) this.#options.enqueue(event);
			// The next real proof tells what the library takes.
			if (done.alarm !== undefined) return;
			const { partitionSectors: sectors } = proofShape(proofType);
			log.info({ proofType, sectors, ms: done.ms, slot: done.slot }, 'measured a proof');
			this.#options.enqueue({ type: 'measured', proofType, sectors, ms: done.ms });
			// The phases that stood still are not told.
			if (!done.wasPaused) await this.#options.learn?.(done.slot, proofType, done);
		} finally {
			await rm(job.spool.path, { force: true });
		}
	}

	/** Undefined when a real proof of the type was faster. */
	async #prove(job: ProofJob): Promise<Measured | undefined> {
		const { clock } = this.#ports;
		const { signal } = this.#stop;
		const { takes = () => true, paused } = this.#options;
		const fitting = this.#shared.filter(({ name }) => takes(name, job.statement.proofType));
		while (fitting.length > 0 && !this.#known.has(job.statement.proofType)) {
			signal.throwIfAborted();
			const slot = fitting.find(({ busy }) => !busy);
			if (slot === undefined) {
				await Promise.race([this.#stopped.promise, ...fitting.map((shared) => shared.idle())]);
				continue;
			}
			const startedMs = clock.now();
			const pausedMs = standing(paused, slot.name);
			const made = await slot.measure(job, signal);
			if (made === undefined) continue;
			const stoodMs = pausedMs();
			return { ...made, ms: clock.now() - startedMs - stoodMs, slot: slot.name, wasPaused: stoodMs > 0 };
		}
		return undefined;
	}
}

const ignore = (): void => undefined;

/** A slot whose real work displaces a measurement. */
class SharedSlot implements ProverSlot {
	readonly name: string;
	readonly #slot: ProverSlot;
	readonly #proven: (proofType: PoStProofType) => void;
	/** Real jobs in it or about to be. */
	#jobs = 0;
	#idle = Promise.withResolvers<void>();
	/** Ends the measurement that runs; resolves when the slot is free of it. */
	#displace: (() => Promise<void>) | undefined;

	constructor(slot: ProverSlot, proven: (proofType: PoStProofType) => void) {
		this.name = slot.name;
		this.#slot = slot;
		this.#proven = proven;
	}

	get busy(): boolean {
		return this.#jobs > 0;
	}

	/** Resolves when no real job is in it any more. */
	async idle(): Promise<void> {
		if (this.busy) await this.#idle.promise;
	}

	watch(changed: Parameters<ProverSlot['watch']>[0]): void {
		this.#slot.watch(changed);
	}

	async prove(job: ProofJob, onPhase: (phase: ProofPhase) => void, signal: AbortSignal): Promise<ProofMade> {
		this.#jobs++;
		try {
			await this.#displace?.();
			const made = await this.#slot.prove(job, onPhase, signal);
			this.#proven(job.statement.proofType);
			return made;
		} finally {
			if (--this.#jobs === 0) {
				this.#idle.resolve();
				this.#idle = Promise.withResolvers();
			}
		}
	}

	/** Undefined when real work displaced it. */
	async measure(job: ProofJob, signal: AbortSignal): Promise<ProofMade | undefined> {
		const wanted = new AbortController();
		const run = this.#slot.prove(job, ignore, AbortSignal.any([signal, wanted.signal]));
		this.#displace = () => {
			wanted.abort(new PosterError('prover-cancelled', 'real work needs the slot'));
			return run.then(ignore, ignore);
		};
		try {
			return await run;
		} catch (error) {
			if (wanted.signal.aborted) return undefined;
			throw error;
		} finally {
			this.#displace = undefined;
		}
	}

	close(): Promise<void> {
		return this.#slot.close();
	}
}
