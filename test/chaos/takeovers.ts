/**
 * How long the mesh takes to go on with what a lost node had claimed: from the signal that killed or stopped it to the
 * first claim of another node. A pure function of what was seen, so that a run can be judged again.
 */
import { DEATHS, type Fault, SILENCES } from './faults.ts';
import type { NodeShape, SeenEvent } from './mesh.ts';

export interface Takeover {
	readonly cause: 'reset' | 'silent';
	readonly work: string;
	readonly victim: string;
	readonly atMs: number;
	/**
	 * `taken`: by another node, after `ms`. `finished`: its result was out. `came-back`: it spoke again, or claimed anew,
	 * before anybody else did. `open`: none of these until the end.
	 */
	outcome: 'taken' | 'finished' | 'came-back' | 'open';
	ms: number | undefined;
	/** Why the time is no measure of the rule: no slot was free, many provers were lost at once. */
	readonly apart: 'no-free-slot' | 'mass-loss' | undefined;
}

export const CLAIMS: readonly string[] = ['claim', 'takeover', 'hedge'];
const ENDS: readonly string[] = ['release', 'yield', 'result-stored'];
/** From so many silent provers on the mesh waits for a network that may be split (`limits.massLossLeast`). */
const MASS = 3;

type Moment =
	| { readonly atMs: number; readonly event: SeenEvent }
	| { readonly atMs: number; readonly begin: Fault }
	| { readonly atMs: number; readonly end: Fault };

export function takeoversOf(
	events: readonly SeenEvent[],
	faults: readonly Fault[],
	shape: readonly NodeShape[],
): readonly Takeover[] {
	const ledger = new Ledger(shape);
	for (const moment of momentsOf(events, faults)) {
		if ('event' in moment) ledger.take(moment.event);
		else if ('begin' in moment) ledger.begin(moment.begin);
		else ledger.end(moment.end);
	}
	return ledger.takeovers;
}

function momentsOf(events: readonly SeenEvent[], faults: readonly Fault[]): readonly Moment[] {
	const losses = faults.filter(({ kind }) => DEATHS.includes(kind) || SILENCES.includes(kind));
	const moments: Moment[] = [
		...events.map((event) => ({ atMs: event.wallMs, event })),
		...losses.map((begin) => ({ atMs: begin.atMs, begin })),
		...losses.flatMap((end) => (end.endMs === undefined ? [] : [{ atMs: end.endMs, end }])),
	];
	return moments.sort((a, b) => a.atMs - b.atMs);
}

class Ledger {
	readonly takeovers: Takeover[] = [];
	readonly #shape: readonly NodeShape[];
	readonly #held = new Map<string, Set<string>>();
	readonly #lost = new Set<string>();
	readonly #proven = new Set<string>();

	constructor(shape: readonly NodeShape[]) {
		this.#shape = shape;
		for (const { name } of shape) this.#held.set(name, new Set());
	}

	take({ type, node, wallMs, facts }: SeenEvent): void {
		const work = facts['work'];
		if (typeof work !== 'string') return;
		if (CLAIMS.includes(type)) {
			this.#held.get(node)?.add(work);
			this.#settle(work, (open) =>
				open.victim === node ? { outcome: 'came-back' } : { outcome: 'taken', ms: wallMs - open.atMs },
			);
		}
		if (ENDS.includes(type)) this.#held.get(node)?.delete(work);
		if (type === 'result-stored') {
			this.#proven.add(work);
			this.#settle(work, () => ({ outcome: 'finished' }));
		}
	}

	begin({ kind, victims: [victim = ''], atMs }: Fault): void {
		this.#lost.add(victim);
		const held = this.#held.get(victim) ?? new Set();
		const apart = this.#apart();
		for (const work of held) {
			const others = [...this.#held].some(([name, works]) => name !== victim && works.has(work));
			if (this.#proven.has(work) || others) continue;
			const cause = DEATHS.includes(kind) ? 'reset' : 'silent';
			this.takeovers.push({ cause, work, victim, atMs, outcome: 'open', ms: undefined, apart });
		}
		if (DEATHS.includes(kind)) held.clear();
	}

	end({ kind, victims: [victim = ''] }: Fault): void {
		this.#lost.delete(victim);
		if (!SILENCES.includes(kind)) return;
		for (const open of this.#open()) if (open.victim === victim) open.outcome = 'came-back';
	}

	#settle(work: string, how: (open: Takeover) => Partial<Takeover>): void {
		for (const open of this.#open()) if (open.work === work) Object.assign(open, how(open));
	}

	#open(): readonly Takeover[] {
		return this.takeovers.filter(({ outcome }) => outcome === 'open');
	}

	#apart(): Takeover['apart'] {
		const provers = this.#shape.filter(({ slots }) => slots > 0);
		if (provers.filter(({ name }) => this.#lost.has(name)).length >= MASS) return 'mass-loss';
		const free = provers.some(({ name, slots }) => !this.#lost.has(name) && (this.#held.get(name)?.size ?? 0) < slots);
		return free ? undefined : 'no-free-slot';
	}
}
