/** A machine's proving children: how long proofs take, and all the ways in which they do not come. */
import type { EffectOf } from '../../src/core/api.ts';
import type { SimNode } from './node.ts';
import { makeProof } from './proofs.ts';
import type { Random } from './random.ts';

/** Quantiles of a lognormal distribution with sigma 0.2, in thousandths of its median. */
const TIMES = [650, 720, 770, 810, 850, 880, 910, 940, 970, 1000, 1030, 1060, 1100, 1140, 1180, 1230, 1300, 1390, 1540];
/** The longest of them; the oracle reckons with it. */
export const SLOWEST_PERMILLE = 1_540;
export const STRAGGLER_FACTOR = 6;
const START_MS = 20;
const CANCEL_MS = 50;

interface Attempt {
	readonly effect: EffectOf<'prove'>;
	readonly startedAt: number;
}

export class SimProver {
	readonly #node: SimNode;
	readonly #random: Random;
	readonly #medianMs: number;
	readonly #running = new Map<string, Attempt>();
	#attempts = 0;
	/** Troubles at the moment, and slots out of service. */
	straggling = 0;
	hanging = 0;
	wrong = 0;
	lostSlots = 0;

	constructor(node: SimNode, random: Random, medianMs: number) {
		this.#node = node;
		this.#random = random;
		this.#medianMs = medianMs;
	}

	/** By slot. */
	get running(): ReadonlyMap<string, Attempt> {
		return this.#running;
	}

	begin(effect: EffectOf<'prove'>): void {
		const { work, slot, skipped } = effect;
		const attempt = { effect, startedAt: this.#node.world.heap.now };
		const number = this.#attempts++;
		this.#running.set(slot, attempt);
		this.#node.world.watch.proofStarted(this.#node, work);
		const { strayPermille = 0 } = this.#node.world.plan;
		const strays = this.straggling > 0 || (strayPermille > 0 && this.#random.chance(strayPermille));
		const factor = strays ? STRAGGLER_FACTOR : 1;
		const ms = Math.ceil((this.#medianMs * this.#random.pick(TIMES) * factor) / 1_000);
		this.#progress(START_MS, attempt, 'synthesis', 0);
		this.#progress(Math.floor(ms / 2), attempt, 'groth16', 500);
		this.#node.later(ms, () => {
			if (!this.#moves(attempt)) return;
			this.#end(slot);
			const proof = makeProof(work.id, skipped, `${this.#node.id}/${this.#node.life}/${number}`);
			if (this.wrong > 0) proof[0] = ((proof[0] ?? 0) + 1) & 0xff;
			else this.#node.world.watch.proofMade(this.#node, work);
			this.#node.give({ type: 'proved', work: work.id, slot, proof, proveMs: this.#node.clock.localMs(ms) });
		});
	}

	#progress(ms: number, attempt: Attempt, phase: string, permille: number): void {
		const { slot, work } = attempt.effect;
		this.#node.later(ms, () => {
			if (this.#moves(attempt)) this.#node.give({ type: 'prove-progress', work: work.id, slot, phase, permille });
		});
	}

	/** Still runs, and is not one of those that hang. */
	#moves(attempt: Attempt): boolean {
		return this.#running.get(attempt.effect.slot) === attempt && this.hanging === 0;
	}

	cancel({ work, slot }: EffectOf<'prove-cancel'>): void {
		if (this.#running.get(slot)?.effect.work.id !== work) return;
		this.#end(slot);
		this.#node.answer(CANCEL_MS, { type: 'prove-failed', work, slot, code: 'prover-cancelled' });
	}

	/** The children die, each with its proof. */
	fail(code: string): void {
		for (const [slot, { effect }] of [...this.#running]) {
			this.#end(slot);
			this.#node.give({ type: 'prove-failed', work: effect.work.id, slot, code });
		}
	}

	/** The machine is gone. */
	stop(): void {
		for (const slot of [...this.#running.keys()]) this.#end(slot);
	}

	#end(slot: string): void {
		const attempt = this.#running.get(slot);
		if (attempt === undefined) return;
		this.#running.delete(slot);
		this.#node.world.watch.proofEnded(this.#node, attempt.effect.work.id);
	}

	/** Slots that are in service. */
	slots(): readonly string[] {
		const all = this.#node.config.slots;
		return all.slice(0, Math.max(0, all.length - this.lostSlots));
	}
}
