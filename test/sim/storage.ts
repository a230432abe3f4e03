/** A machine's sealed sectors: opened ahead and on request, slowly, falsely, or not at all. */
import type { EffectOf, SectorFault } from '../../src/core/api.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { SectorNumber, WorkId } from '../../src/domain/ids.ts';
import type { SimNode } from './node.ts';
import type { Random } from './random.ts';

/** Before the first sector of a stream and while a troubled disk is read. */
const STREAM_MS = [50, 600] as const;
const SLOW_MS = [5_000, 20_000] as const;
const OPEN_MS = [20, 200] as const;

/** What a stream brought: null when it broke. */
export type Served = { readonly ok: Bitfield; readonly failed: readonly SectorFault[] } | null;

export class SimStorage {
	readonly held: Bitfield;
	readonly #node: SimNode;
	readonly #random: Random;
	/** Opens only what somebody streams, and so never objects. */
	lazy = false;
	readonly #opened = new Map<WorkId, Bitfield>();
	/** Troubles at the moment. */
	slow = 0;
	refusing = 0;
	lying = 0;
	offline = 0;
	/** How long streams wait in line before the first sector comes. */
	lineMs = 0;

	constructor(node: SimNode, held: Bitfield, random: Random) {
		this.#node = node;
		this.held = held;
		this.#random = random;
	}

	/** How long a stream takes. */
	streamMs(): number {
		return this.#random.between(...STREAM_MS) + this.lineMs + (this.slow > 0 ? this.#random.between(...SLOW_MS) : 0);
	}

	/** What the reader's checker makes of the stream. */
	serve(sectors: Bitfield): Served {
		if (this.offline > 0) return null;
		if (this.refusing > 0) return { ok: Bitfield.empty, failed: faults(sectors, 'missing') };
		const ok = sectors.intersect(this.held).subtract(this.#node.world.lost);
		if (this.lying > 0) return { ok: Bitfield.empty, failed: faults(ok, 'merkle') };
		return { ok, failed: faults(sectors.subtract(ok), 'missing') };
	}

	/** Answers for what is not open yet; what failed is read again. */
	openAhead({ works }: EffectOf<'open-ahead'>): void {
		if (this.lazy) return;
		const wanted = new Set(works.map(({ work }) => work.id));
		for (const id of this.#opened.keys()) if (!wanted.has(id)) this.#opened.delete(id);
		for (const { work, sectors } of works) {
			const fresh = sectors.subtract(this.#opened.get(work.id) ?? Bitfield.empty);
			if (fresh.size === 0) continue;
			this.#opened.set(work.id, sectors);
			this.#node.later(this.#random.between(...OPEN_MS), () => this.#open(work.id, fresh));
		}
	}

	#open(work: WorkId, sectors: Bitfield): void {
		const readable = this.refusing > 0 || this.offline > 0 ? Bitfield.empty : sectors.intersect(this.held);
		const ok = readable.subtract(this.#node.world.lost);
		const bad = sectors.subtract(ok);
		const opened = this.#opened.get(work);
		if (opened !== undefined) this.#opened.set(work, opened.subtract(bad));
		this.#node.give({ type: 'opened', work, ok, failed: faults(bad, 'missing') });
	}

	/** A new process has opened nothing. */
	stop(): void {
		this.#opened.clear();
	}
}

function faults(sectors: Bitfield, code: string): readonly SectorFault[] {
	return [...sectors].map((sector) => ({ sector: sector as SectorNumber, code }));
}
