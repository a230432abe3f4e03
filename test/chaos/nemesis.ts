/**
 * Breaks things: draws kinds of faults, moments, victims and durations from a seed, and mends what it broke. Whom it hits
 * may depend on who works at that moment, which no seed decides. It leaves enough alive that everything can be proven:
 * one node of each role, and all but two provers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../sim/random.ts';
import { DEATHS, type Fault, type FaultKind, SILENCES } from './faults.ts';
import { INJECTORS } from './injectors.ts';
import type { Journal } from './journal.ts';
import type { ChaosMesh, NodeShape } from './mesh.ts';

export interface NemesisOptions {
	readonly kinds: readonly FaultKind[];
	/** Mean time between the beginnings of two faults. */
	readonly gapMs: number;
}

/** What an injector works with. */
export interface Injection {
	readonly mesh: ChaosMesh;
	readonly random: Random;
	/** Aborted when the run is to become quiet: whatever waits then mends at once. */
	readonly quiet: AbortSignal;
	/** The node to hit; link faults draw their own. */
	readonly victim: string;
	/** Notes the fault; the injector ends it. */
	readonly began: (victims: readonly string[], detail: string) => Fault;
	/** All of the run so far. */
	readonly faults: readonly Fault[];
}

/** Provers that may be lost at a time: of three the mesh thinks that the network is split. */
const PROVERS_LOST = 2;
/** Of a node that dies or falls silent is expected that it was at work. */
const BUSY_PERMILLE = 900;

export class Nemesis {
	readonly faults: Fault[] = [];
	readonly #mesh: ChaosMesh;
	readonly #journal: Journal;
	readonly #random: Random;
	readonly #options: NemesisOptions;
	readonly #quiet = new AbortController();
	readonly #running = new Set<Promise<void>>();
	/** Nodes with a fault of their own right now. */
	readonly #hit = new Set<string>();
	/** Kinds that hit the mesh as a whole, one at a time. */
	readonly #active = new Set<FaultKind>();

	constructor(mesh: ChaosMesh, journal: Journal, random: Random, options: NemesisOptions) {
		this.#mesh = mesh;
		this.#journal = journal;
		this.#random = random;
		this.#options = options;
	}

	/** Breaks things until told to be quiet. Rejects when mending failed in a way that nobody foresaw. */
	async run(): Promise<void> {
		const { kinds, gapMs } = this.#options;
		while (!this.#quiet.signal.aborted && kinds.length > 0) {
			await pause(this.#random.between(gapMs / 2, (gapMs * 3) / 2), this.#quiet.signal);
			if (this.#quiet.signal.aborted) break;
			const kind = this.#random.pick(kinds);
			const task = this.#inject(kind);
			this.#running.add(task);
			void task.finally(() => this.#running.delete(task)).catch(() => undefined);
		}
	}

	/** Mends everything and resolves when it is whole. */
	async calm(): Promise<void> {
		this.#quiet.abort();
		await Promise.all(this.#running);
	}

	async #inject(kind: FaultKind): Promise<void> {
		const { wholeMesh, inject } = INJECTORS[kind];
		if (wholeMesh && this.#active.has(kind)) return;
		const victim = wholeMesh ? '' : this.#victim(kind);
		if (victim === undefined) return;
		this.#active.add(kind);
		if (!wholeMesh) this.#hit.add(victim);
		const began = (victims: readonly string[], detail: string): Fault => {
			const fault: Fault = { kind, victims, atMs: Date.now(), endMs: undefined, failure: undefined, detail };
			this.faults.push(fault);
			if (DEATHS.includes(kind)) for (const name of victims) this.#journal.died(name);
			return fault;
		};
		try {
			const { signal } = this.#quiet;
			await inject({ mesh: this.#mesh, random: this.#random, quiet: signal, victim, began, faults: this.faults });
		} finally {
			this.#active.delete(kind);
			this.#hit.delete(victim);
		}
	}

	/** A node that the mesh can do without now. */
	#victim(kind: FaultKind): string | undefined {
		const spare = this.#mesh.shape.filter(({ name }) => this.#isSpare(name)).map(({ name }) => name);
		if (spare.length === 0) return undefined;
		const busy = spare.filter((name) => this.#journal.held(name) > 0);
		const loss = DEATHS.includes(kind) || SILENCES.includes(kind);
		const prefersBusy = loss && this.#random.chance(BUSY_PERMILLE);
		if (!prefersBusy || busy.length === 0) return this.#random.pick(spare);
		// Two draws, the busier of them: much is seen, and no partition is hunted down by every fault.
		const [a, b] = [this.#random.pick(busy), this.#random.pick(busy)];
		return this.#journal.held(a) >= this.#journal.held(b) ? a : b;
	}

	#isSpare(name: string): boolean {
		if (this.#hit.has(name)) return false;
		const left = this.#mesh.shape.filter((node) => node.name !== name && !this.#hit.has(node.name));
		const roles: readonly NodeShape['roles'][number][] = ['chain', 'submitter', 'storage'];
		const provers = this.#mesh.shape.filter(({ slots }) => slots > 0).length;
		return (
			roles.every((role) => left.some((node) => node.roles.includes(role))) &&
			left.filter(({ slots }) => slots > 0).length >= provers - PROVERS_LOST
		);
	}
}

/** Ends early, without an error, when it becomes quiet. */
export async function pause(ms: number, quiet: AbortSignal): Promise<void> {
	try {
		await sleep(ms, undefined, { signal: quiet });
	} catch (error) {
		if (!quiet.aborted) throw error;
	}
}
