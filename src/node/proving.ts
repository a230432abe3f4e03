/** Carries out what the core decides about proofs: prove in a slot, cancel, verify. */
import type { EffectOf, Event, SlotOut } from '../core/api.ts';
import type { Bitfield } from '../domain/bitfield.ts';
import { isPosterError, PosterError } from '../domain/errors.ts';
import type { WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { PoStProofType } from '../domain/proof.ts';
import type { WorkItem } from '../domain/work.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ProofMade, ProverSlot } from '../ports/prover.ts';
import type { Spool } from '../ports/vanilla.ts';
import type { PostStatement, Verifier } from '../ports/verifier.ts';
import type { EventHub } from './event-hub.ts';
import type { ManifestBook } from './manifest-book.ts';
import { PhaseWatch } from './phase-watch.ts';
import { trackProgress } from './proof-progress.ts';
import type { ProofTimes } from './proof-times.ts';
import type { StepTimes } from './step-times.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface ProvingPorts {
	readonly slots: readonly ProverSlot[];
	readonly verifier: Verifier;
	readonly book: ManifestBook;
	readonly clock: Clock;
	readonly log: Log;
}

/** Slots that are made to stand still for a block, and for how many milliseconds they were so far. */
export interface Paused {
	readonly slots: ReadonlySet<string>;
	readonly ms: () => number;
}

export interface ProvingOptions {
	/** The spool that a complete gather left, closed for writing. Rejects `spool-missing`. */
	readonly spool: (work: WorkItem) => Promise<Spool>;
	readonly times: StepTimes;
	readonly proofTimes: ProofTimes;
	readonly enqueue: (event: Event) => void;
	/** @default no slot */
	readonly paused?: Paused;
	/** Hears of every phase of a proof. */
	readonly progressed: Pick<EventHub, 'emit'>;
}

const HUNG = 'prover-hung';

export class Proving {
	readonly #ports: ProvingPorts;
	readonly #options: ProvingOptions;
	/** By slot. */
	readonly #running = new Map<string, { readonly work: WorkId; readonly abort: AbortController }>();
	/** Times that a work's proof hung here, in the order of the last time. */
	readonly #hung = new Map<WorkId, number>();

	constructor(ports: ProvingPorts, options: ProvingOptions) {
		this.#ports = ports;
		this.#options = options;
	}

	/** Tells the core which slots are in service, and why the others are not, whenever that changes. */
	watchSlots(): void {
		const { slots, log } = this.#ports;
		const out = new Map<string, SlotOut>();
		for (const slot of slots) {
			slot.watch((inService, why) => {
				if (inService) out.delete(slot.name);
				else out.set(slot.name, outFor(slot.name, why));
				log.warn({ slot: slot.name, inService, reason: out.get(slot.name)?.reason }, 'a slot changed');
				const names = slots.map(({ name }) => name).filter((name) => !out.has(name));
				this.#options.enqueue({ type: 'slots', slots: names, out: [...out.values()] });
			});
		}
	}

	/** Effect `prove`. */
	async prove({ work, slot: name, skipped, stock, spareMs }: EffectOf<'prove'>): Promise<void> {
		const { log, clock } = this.#ports;
		const { enqueue, times, proofTimes, progressed } = this.#options;
		const abort = new AbortController();
		this.#running.set(name, { work: work.id, abort });
		const startedMs = clock.now();
		const pausedMs = standing(this.#options.paused, name);
		const wasOwn = proofTimes.isOwn(name, work.proofType);
		const watch = new PhaseWatch(clock, {
			known: proofTimes.bounds(name, work.proofType),
			attempts: this.#hung.get(work.id) ?? 0,
			pausedMs,
			hung: (phase) => {
				if (clock.now() - startedMs < spareMs) this.#giveUp(work.id, name, phase, abort);
				else log.warn({ work: work.id, slot: name, phase }, 'a proof hangs, and another one would come too late');
			},
		});
		try {
			const slot = this.#ports.slots.find((candidate) => candidate.name === name);
			if (slot === undefined) throw new PosterError('prover-unavailable', `there is no slot ${name}`);
			const spool = await unlessAborted(this.#options.spool(work), abort.signal);
			const statement = await this.#statement(work, skipped);
			const permilleOf = trackProgress(proofTimes.phases(name, work.proofType));
			const made = await slot.prove(
				{ statement, spool, stock },
				(phase) => {
					watch.heard(phase);
					const permille = permilleOf(phase);
					progressed.emit('progress', { work: work.id, slot: name, phase: phase.phase, state: phase.state, permille });
					// The core knows only what proofs took here, whoever made them.
					const anew = wasOwn || watch.isAnew ? ({ anew: true } as const) : {};
					enqueue({ type: 'prove-progress', work: work.id, slot: name, phase: phase.phase, permille, ...anew });
				},
				abort.signal,
			);
			const wasPaused = pausedMs() > 0;
			const proveMs = clock.now() - startedMs - pausedMs();
			this.#running.delete(name);
			times.set(work.id, 'prove', proveMs);
			const anew = wasOwn && made.engine === 'stock' ? ({ anew: true } as const) : {};
			enqueue({ type: 'proved', work: work.id, slot: name, proof: made.proof, proveMs, ...anew });
			for (const event of engineEvents(name, work.proofType, made)) enqueue(event);
			// With the attempt of our own prover before it the time is nobody's; and the phases that stood still are not told.
			if (made.alarm === undefined && !wasPaused)
				await proofTimes.learn(name, work.proofType, { ms: proveMs, ...made });
		} catch (error) {
			if (!isPosterError(error)) throw error;
			// The slot tells that the proof was cancelled, whoever did it.
			const code = isPosterError(abort.signal.reason, HUNG) ? HUNG : error.code;
			log.warn({ error, code, work: work.id, slot: name }, 'a proof failed');
			// Before the answer: the core may give the slot its next work on it.
			this.#running.delete(name);
			const ownEngine = error.meta['ownEngine'] === true;
			enqueue({ type: 'prove-failed', work: work.id, slot: name, code, ...(ownEngine && { ownEngine }) });
		} finally {
			watch.end();
		}
	}

	#giveUp(work: WorkId, slot: string, phase: string, abort: AbortController): void {
		const before = this.#hung.get(work) ?? 0;
		this.#hung.delete(work);
		this.#hung.set(work, before + 1);
		const oldest = this.#hung.keys().next();
		if (this.#hung.size > limits.stepTimes && oldest.done !== true) this.#hung.delete(oldest.value);
		abort.abort(new PosterError(HUNG, `the phase ${phase} takes more than twice its usual time in ${slot}`));
	}

	/** Slots stand still for a block, or did until now: the core is not to take that for hanging. */
	stoodStill(): void {
		for (const [slot, { work }] of this.#running) {
			if (this.#options.paused?.slots.has(slot) !== true) continue;
			this.#options.enqueue({ type: 'prove-progress', work, slot, phase: 'paused', permille: 0 });
		}
	}

	/** Effect `prove-cancel`. */
	cancel({ work, slot }: EffectOf<'prove-cancel'>): void {
		const running = this.#running.get(slot);
		if (running?.work !== work) return;
		running.abort.abort(new PosterError('prover-cancelled', 'the core gave the proof up'));
	}

	/** Effect `verify`. */
	async verify({ work, hash, proof, skipped }: EffectOf<'verify'>): Promise<void> {
		const { verifier, clock, log } = this.#ports;
		const startedMs = clock.now();
		const answer = (verdict: 'good' | 'bad' | 'unavailable'): void =>
			this.#options.enqueue({ type: 'verified', work: work.id, hash, verdict });
		try {
			const { ok, detail } = await verifier.verifyPost(await this.#statement(work, skipped), proof);
			this.#options.times.set(work.id, 'verify', clock.now() - startedMs);
			if (!ok) log.warn({ work: work.id, hash, detail }, 'a proof does not verify');
			answer(ok ? 'good' : 'bad');
		} catch (error) {
			if (!isPosterError(error)) throw error;
			log.error({ error, code: error.code, work: work.id }, 'a proof could not be verified');
			answer('unavailable');
		}
	}

	async #statement({ sectorRoot, proofType, miner, randomness }: WorkItem, skipped: Bitfield): Promise<PostStatement> {
		const manifest = await this.#ports.book.require(sectorRoot);
		const sectors = manifest.filter(({ number }) => !skipped.has(number));
		return { proofType, miner, randomness, sectors };
	}
}

function outFor(slot: string, why: unknown): SlotOut {
	const reason = (why instanceof Error ? why.message : String(why)).slice(0, limits.errorChars);
	return { slot, reason, ...(isPosterError(why) && why.advice !== undefined && { advice: why.advice }) };
}

/** Counts the milliseconds that the slot was made to stand still from now on: no proof's fault, and no part of its time. */
export function standing(paused: Paused | undefined, slot: string): () => number {
	const soFarMs = (): number => (paused?.slots.has(slot) === true ? paused.ms() : 0);
	const beforeMs = soFarMs();
	return () => soFarMs() - beforeMs;
}

/** What the core is to know of our own prover after a proof: nothing where it had no part in it. */
export function engineEvents(slot: string, proofType: PoStProofType, { engine, alarm }: ProofMade): readonly Event[] {
	if (alarm !== undefined) return [{ type: 'own-prover', slot, proofType, failure: alarm }];
	return engine === 'own' ? [{ type: 'own-prover', slot, proofType, failure: null }] : [];
}
