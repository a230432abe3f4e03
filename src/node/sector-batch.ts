/**
 * Outcomes of single sectors, handed on in batches: the core hears of a partition in some dozens of events, not in
 * thousands. A batch goes out when it is full, when it is old, or when its owner says so.
 */
import type { SectorFault } from '../core/api.ts';
import { Bitfield } from '../domain/bitfield.ts';
import type { SectorNumber } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Clock } from '../ports/clock.ts';

export interface SectorOutcomes {
	readonly ok: Bitfield;
	/** Ascending by sector; the last word on each. */
	readonly failed: readonly SectorFault[];
}

export class SectorBatch {
	readonly #clock: Clock;
	readonly #emit: (outcomes: SectorOutcomes) => void;
	#ok: SectorNumber[] = [];
	#failed = new Map<SectorNumber, string>();
	#cancelTimer: (() => void) | undefined;

	constructor(clock: Clock, emit: (outcomes: SectorOutcomes) => void) {
		this.#clock = clock;
		this.#emit = emit;
	}

	/** `code` undefined: the sector is good. */
	add(sector: SectorNumber, code?: string): void {
		if (code === undefined) this.#ok.push(sector);
		else this.#failed.set(sector, code);
		if (this.#ok.length + this.#failed.size >= limits.sectorBatch) this.flush();
		else this.#cancelTimer ??= this.#clock.after(limits.sectorBatchMs, () => this.flush());
	}

	/** Hands on what is there, if anything. */
	flush(): void {
		this.#cancelTimer?.();
		this.#cancelTimer = undefined;
		if (this.#ok.length + this.#failed.size === 0) return;
		const failed = [...this.#failed].map(([sector, code]) => ({ sector, code })).sort((a, b) => a.sector - b.sector);
		const outcomes = { ok: Bitfield.of(this.#ok), failed };
		this.#ok = [];
		this.#failed = new Map();
		this.#emit(outcomes);
	}

	/** Forgets what was not handed on. */
	drop(): void {
		this.#ok = [];
		this.#failed = new Map();
		this.flush();
	}
}
