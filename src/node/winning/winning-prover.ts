/**
 * The winning side of a prover: a worker of its own whose parameters stay resident, so that a block never waits behind a
 * window proof. While it proves the window provers of this machine stand still: a process that is stopped keeps its work,
 * and the whole processor is the block's. One proof at a time, one more in line.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from '../../core/api.ts';
import { isPosterError, PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { PoStProofType } from '../../domain/proof.ts';
import type { WinningChallenge } from '../../domain/winning.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { ProofJob, ProofMade, ProverSlot } from '../../ports/prover.ts';
import type { VanillaChecker } from '../../ports/vanilla.ts';
import { Slots } from '../gather/slots.ts';
import { PhaseWatch } from '../phase-watch.ts';
import type { ProofTimes } from '../proof-times.ts';
import { engineEvents } from '../proving.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { withChecked } from './checked-spool.ts';
import type { WindowPause } from './window-pause.ts';

export interface WinningProverPorts {
	readonly slot: ProverSlot;
	readonly checker: VanillaChecker;
	readonly sample: (proofType: PoStProofType, signal: AbortSignal) => Promise<ProofJob>;
	readonly pause: WindowPause;
	readonly proofTimes: ProofTimes;
	readonly clock: Clock;
	readonly log: Log;
}

export interface WinningProverOptions {
	readonly proofTypes: readonly PoStProofType[];
	/** For the files of the proofs under way. */
	readonly folder: string;
	readonly enqueue: (event: Event) => void;
}

const ignore = (): void => undefined;
/** Proofs of a type after which a worker is warm. */
const WARM = 2;
const HUNG = 'Its worker is ended and started anew. If it repeats, look at the memory of this machine.';

export class WinningProver {
	readonly #ports: WinningProverPorts;
	readonly #options: WinningProverOptions;
	readonly #turn = new Slots(1);
	readonly #stop = new AbortController();
	/** Proofs of each type by the same prover since the worker was started; ask `#madeOf`. */
	readonly #made = new Map<PoStProofType, number>();
	/** Of the worker, when `#made` was last looked at. */
	#deaths = 0;
	/** Proofs that hung since one was in time: each one is given twice the time, since the machine may only be slow. */
	#hung = 0;
	/** Jobs that have or want the worker. */
	#jobs = 0;
	#files = 0;
	#warming: Promise<void> = Promise.resolve();

	constructor(ports: WinningProverPorts, options: WinningProverOptions) {
		this.#ports = ports;
		this.#options = options;
	}

	/** Makes one proof of each type in the background, so that the first block finds everything in memory. */
	start(fatal: (error: unknown) => void): void {
		this.#warming = this.#warmUp().catch(fatal);
	}

	async stop(): Promise<void> {
		this.#stop.abort(new PosterError('prover-cancelled', 'the node stops'));
		await this.#warming;
	}

	/** Usual milliseconds of a proof that would begin now. Throws `winning-no-params`, `winning-cold`, `winning-busy`. */
	offer(proofType: PoStProofType): number {
		if (!this.#options.proofTypes.includes(proofType)) throw refusal('winning-no-params', 'of another size');
		if (this.#jobs > limits.winningQueue) throw refusal('winning-busy', 'proving for others');
		const usual = this.#ports.proofTimes.whole(this.#ports.slot.name, proofType);
		if (usual === undefined || !this.#isWarm(proofType)) throw refusal('winning-cold', 'not warm yet');
		return usual.p95Ms;
	}

	/** Rejects like `offer` (but a cold prover proves), `winning-vanilla`, `prover-…`, `check-…`, or the signal's reason. */
	async prove(challenge: WinningChallenge, vanilla: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
		signal.throwIfAborted();
		const { proofType, miner, randomness, sector } = challenge;
		if (!this.#options.proofTypes.includes(proofType)) throw refusal('winning-no-params', 'of another size');
		if (this.#jobs > limits.winningQueue) throw refusal('winning-busy', 'proving for others');
		this.#jobs++;
		const path = join(this.#options.folder, `winning-${this.#files++}.vanilla`);
		const statement = { proofType, miner, randomness, sectors: [sector] };
		const run = withChecked(this.#ports.checker, path, challenge, vanilla, (spool) =>
			this.#run({ statement, spool }, signal),
		).finally(() => this.#jobs--);
		// A proof that nobody waits for any more goes on to its end: leaving it would end the worker, and warming it up
		// again costs more.
		run.catch(ignore);
		return (await unlessAborted(run, signal)).proof;
	}

	/** `signal`: nobody waits any more. Window proofs go on then. */
	async #run(job: ProofJob, signal: AbortSignal): Promise<ProofMade> {
		const { pause } = this.#ports;
		// Before its turn: a warm-up that has to end first gets the whole processor, too.
		const resumes = [pause.begin()];
		const resume = (): void => {
			for (const each of resumes) each();
		};
		signal.addEventListener('abort', resume, { once: true });
		let giveBack = ignore;
		try {
			giveBack = await this.#turn.take(signal);
			signal.throwIfAborted();
			resumes.push(pause.begin());
			return await this.#prove(job, this.#stop.signal);
		} finally {
			signal.removeEventListener('abort', resume);
			resume();
			giveBack();
		}
	}

	async #prove(job: ProofJob, signal: AbortSignal): Promise<ProofMade> {
		const { slot, clock, proofTimes, pause } = this.#ports;
		const { proofType } = job.statement;
		const hung = new AbortController();
		const giveUp = (): void => hung.abort(new PosterError('prover-hung', 'the winning prover hangs', { advice: HUNG }));
		const cancelTimeout = clock.after(limits.winningProofMs, giveUp);
		// What is known was learned warm, mostly with the processor for itself: it measures no other proof.
		const isJudged = pause.isOn && this.#isWarm(proofType);
		const watch = new PhaseWatch(clock, {
			known: isJudged ? proofTimes.bounds(slot.name, proofType) : {},
			attempts: this.#hung,
			hung: () => {
				if (!pause.isOn) return;
				this.#hung++;
				giveUp();
			},
		});
		const startedMs = clock.now();
		try {
			const made = await slot.prove(job, (phase) => watch.heard(phase), AbortSignal.any([signal, hung.signal]));
			if (isJudged) this.#hung = 0;
			const before = this.#madeOf(proofType);
			// After an alarm it is the other prover's first one.
			const isFirst = before === 0 || made.alarm !== undefined;
			this.#made.set(proofType, isFirst ? 1 : before + 1);
			for (const event of engineEvents(slot.name, proofType, made)) this.#options.enqueue(event);
			// What a first proof takes, with reading the parameters, is no measure.
			if (!isFirst) await proofTimes.learn(slot.name, proofType, { ms: clock.now() - startedMs, ...made });
			return made;
		} finally {
			cancelTimeout();
			watch.end();
		}
	}

	/** A worker that died, idle or at work, was started anew since, and has nothing in memory. */
	#madeOf(proofType: PoStProofType): number {
		const { deaths = 0 } = this.#ports.slot;
		if (deaths !== this.#deaths) this.#made.clear();
		this.#deaths = deaths;
		return this.#made.get(proofType) ?? 0;
	}

	/** The first proof reads the parameters, the second one tells what a proof takes. */
	#isWarm(proofType: PoStProofType): boolean {
		return this.#madeOf(proofType) >= WARM;
	}

	/** Again and again, since a worker that dies is cold. */
	async #warmUp(): Promise<void> {
		const { clock, log } = this.#ports;
		const { signal } = this.#stop;
		while (!signal.aborted) {
			const cold = this.#options.proofTypes.find((type) => !this.#isWarm(type));
			try {
				if (cold === undefined || this.#jobs > 0) await clock.sleep(limits.tickMs, signal);
				else await this.#warmOne(cold, signal);
			} catch (error) {
				if (signal.aborted) return;
				if (!isPosterError(error)) throw error;
				log.warn({ error, code: error.code, proofType: cold }, 'winning PoSt could not be warmed up');
				await clock.sleep(limits.winningWarmMs, signal).catch(ignore);
			}
		}
	}

	async #warmOne(proofType: PoStProofType, signal: AbortSignal): Promise<void> {
		const job = await this.#ports.sample(proofType, signal);
		let alarm: string | undefined;
		try {
			// Window proofs go on: nobody waits for these. A block that comes waits for one of them at most; to give it up
			// would end the worker, and with it what is in memory of all types.
			for (let i = 0; i < WARM; i++) alarm = await this.#warmOnce(job, signal);
		} finally {
			await rm(job.spool.path, { force: true });
		}
		if (alarm !== undefined) throw refusal('winning-cold', alarm);
		this.#ports.log.info({ proofType }, 'winning PoSt is warm');
	}

	/** Answers with the alarm: what comes after it is cold. A block in between may have been what was missing. */
	async #warmOnce(job: ProofJob, signal: AbortSignal): Promise<string | undefined> {
		const giveBack = await this.#turn.take(signal);
		try {
			return this.#isWarm(job.statement.proofType) ? undefined : (await this.#prove(job, signal)).alarm;
		} finally {
			giveBack();
		}
	}
}

function refusal(code: string, why: string): PosterError {
	return new PosterError(code, `this node does not prove it: ${why}`, {
		advice: 'Others are asked; see [winning] in its config and docs/winning-post.md.',
	});
}
