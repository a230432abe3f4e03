/**
 * What can go wrong, as a list of timed faults. Each names machines by their place in the plan; times are ms of world
 * time. Nothing here knows what the core decides.
 */
import type { Role } from '../../src/domain/roster.ts';
import type { Machine, Plan } from './plan.ts';
import { windowMs } from './plan.ts';
import type { Random } from './random.ts';

/** A span of time. */
interface Span {
	readonly at: number;
	readonly until: number;
}
interface OfNode {
	readonly node: number;
}

export const LIES = [
	'hoarder',
	'liar',
	'over-skipper',
	'equivocator',
	'replayer',
	'withholder',
	'forger',
	'false-announcer',
	'flooder',
	'staller',
] as const;
export type Lie = (typeof LIES)[number];

export type Fault =
	/** The process dies; with `silent` no connection is reset (power, cable). `until` null: it never comes back. */
	| ({ readonly kind: 'crash' | 'power'; readonly at: number; readonly until: number | null } & OfNode)
	/** The process stands still with open connections. */
	| ({ readonly kind: 'pause' } & Span & OfNode)
	/** Nothing passes between these machines and the others. */
	| ({ readonly kind: 'split'; readonly side: readonly number[] } & Span)
	/** Split and healed over and over, `periodMs` each. */
	| ({ readonly kind: 'flap'; readonly side: readonly number[]; readonly periodMs: number } & Span)
	/** What `from` say does not reach `to`; the other way round it does. */
	| ({ readonly kind: 'cut'; readonly from: readonly number[]; readonly to: readonly number[] } & Span)
	/** Everywhere: per mille lost, per mille twice, delays times `delayFactor`. */
	| ({
			readonly kind: 'weather';
			readonly lossPermille: number;
			readonly duplicatePermille: number;
			readonly delayFactor: number;
	  } & Span)
	/** From the start: the machine's clock runs at this rate and began at another time. */
	| ({ readonly kind: 'clock'; readonly at: 0; readonly ratePermille: number; readonly offsetMs: number } & OfNode)
	/** The process dies with all that its disk held, and comes back with nothing but its key and its sectors. */
	| ({ readonly kind: 'disk-loss' } & Span & OfNode)
	/** Nothing can be written. */
	| ({ readonly kind: 'disk' } & Span & OfNode)
	| { readonly kind: 'null-rounds'; readonly at: number; readonly count: number }
	/** The full node answers nobody, or answers with a head that stands still. */
	| ({ readonly kind: 'outage' | 'stale' } & Span & OfNode)
	/** These full nodes follow a branch that loses after `depth` epochs; `idle`: the winner takes in no message meanwhile. */
	| {
			readonly kind: 'reorg';
			readonly at: number;
			readonly depth: number;
			readonly nodes: readonly number[];
			readonly idle: boolean;
	  }
	/** Per mille of messages that every pool drops in each epoch, and of those lost between pools. */
	| ({ readonly kind: 'pool-loss'; readonly permille: number } & Span)
	/** The full node forgets its pool. */
	| ({ readonly kind: 'pool-wipe'; readonly at: number } & OfNode)
	| ({ readonly kind: 'base-fee'; readonly factor: number } & Span)
	/** The next messages that would succeed run out of gas. */
	| { readonly kind: 'out-of-gas'; readonly at: number; readonly count: number }
	/** Proofs begun now take six times as long. */
	| ({ readonly kind: 'straggle' } & Span & OfNode)
	/** Proofs make no progress, and the child is killed in the end. */
	| ({ readonly kind: 'hang' } & Span & OfNode)
	/** Finished proofs do not verify. */
	| ({ readonly kind: 'wrong-proof' } & Span & OfNode)
	/** Running proofs end with their child. */
	| ({ readonly kind: 'child-crash'; readonly at: number } & OfNode)
	/** One slot less. */
	| ({ readonly kind: 'slot-loss' } & Span & OfNode)
	| ({ readonly kind: 'storage-slow' | 'storage-refuse' | 'storage-lie' | 'storage-offline' } & Span & OfNode)
	/** The member lies in this way from start to end. */
	| ({ readonly kind: 'byzantine'; readonly at: 0; readonly lie: Lie } & OfNode);

export type FaultKind = Fault['kind'];

export const FAULT_CLASSES = [
	'loss',
	'crash',
	'power',
	'pause',
	'split',
	'clock',
	'disk',
	'chain',
	'reorg',
	'pool',
	'prover',
	'straggler',
	'storage',
	'byzantine',
	'disk-loss',
	'flood',
] as const;
export type FaultClass = (typeof FAULT_CLASSES)[number];

/** Classes that one seed of `all` has at most. */
const CLASSES_MOST = 5;
const STRAGGLER_PERMILLE = 50;
/** Members beside a flooder that can do without it. */
const FLOODED_LEAST = 6;

/** Faults of the classes, and the time from which on there are none. */
export function drawFaults(
	plan: Pick<Plan, 'epochMs' | 'machines' | 'firstChallenge' | 'miners' | 'deadlines'>,
	classes: readonly FaultClass[],
	random: Random,
): { readonly faults: readonly Fault[]; readonly calmMs: number } {
	const [from, close] = windowMs(plan);
	// Every second run is calm from its middle on, so that progress can be checked while there is still work to do.
	const calmMs = random.chance(500) ? close : from + Math.floor(((close - from) * random.between(30, 60)) / 100);
	const chosen = random.some(classes, random.between(1, CLASSES_MOST));
	const draw = new Draw(plan.machines, from, calmMs, plan.epochMs, chosen.length, random);
	const faults = chosen.flatMap((name) => DRAWS[name](draw));
	return { faults: faults.sort((a, b) => a.at - b.at), calmMs: faults.length === 0 ? 0 : calmMs };
}

/** What the draws of all classes share. */
class Draw {
	readonly machines: readonly Machine[];
	readonly epochMs: number;
	readonly random: Random;
	readonly calmMs: number;
	readonly #from: number;
	readonly #classes: number;

	constructor(
		machines: readonly Machine[],
		from: number,
		calmMs: number,
		epochMs: number,
		classes: number,
		random: Random,
	) {
		this.machines = machines;
		this.#from = from;
		this.calmMs = calmMs;
		this.epochMs = epochMs;
		this.#classes = classes;
		this.random = random;
	}

	/** One to `most` faults; with several classes at once fewer of each, so that what is asked for stays possible. */
	times<T>(most: number, one: () => T | readonly T[]): readonly T[] {
		const count = this.random.between(1, Math.max(1, Math.ceil(most / this.#classes)));
		return Array.from({ length: count }, one).flat() as readonly T[];
	}

	/** Most faults fall where work is done: in the first third. */
	time(): number {
		const span = this.calmMs - this.#from;
		return this.#from + this.random.between(0, this.random.chance(600) ? Math.floor(span / 3) : span - 1);
	}

	/** From one second to `percent` of the window. */
	span(percent: number): Span {
		const at = this.time();
		const most = Math.max(2_000, Math.floor(((this.calmMs - this.#from) * percent) / 100));
		return { at, until: Math.min(this.calmMs, at + this.random.between(1_000, most)) };
	}

	node(role?: Role): number {
		return this.random.pick(this.nodes(role));
	}

	nodes(role?: Role): readonly number[] {
		return this.machines.flatMap(({ roles }, i) => (role === undefined || roles.includes(role) ? [i] : []));
	}

	/** Some of the machines, never all. */
	side(): readonly number[] {
		const all = this.nodes();
		return this.random.some(all, this.random.between(1, Math.max(1, all.length - 1)));
	}
}

const DRAWS: Readonly<Record<FaultClass, (draw: Draw) => readonly Fault[]>> = {
	loss: (draw) =>
		draw.times(4, () => ({
			kind: 'weather',
			...draw.span(30),
			lossPermille: draw.random.between(0, 300),
			duplicatePermille: draw.random.between(0, 500),
			delayFactor: draw.random.pick([1, 1, 3, 10]),
		})),
	crash: (draw) => deaths(draw, 'crash'),
	power: (draw) => deaths(draw, 'power'),
	pause: (draw) =>
		draw.times(Math.ceil(draw.machines.length / 3), () => ({ kind: 'pause', node: draw.node(), ...draw.span(20) })),
	split: (draw) => (draw.machines.length < 2 ? [] : draw.times(4, () => separation(draw))),
	clock: (draw) =>
		draw.nodes().map((node) => ({
			kind: 'clock',
			at: 0,
			node,
			ratePermille: draw.random.between(900, 1_100),
			offsetMs: draw.random.between(0, 7_200_000),
		})),
	disk: (draw) => draw.times(4, () => ({ kind: 'disk', node: draw.node(), ...draw.span(10) })),
	chain: (draw) => [
		...draw.times<Fault>(4, () => ({ kind: 'null-rounds', at: draw.time(), count: draw.random.between(1, 3) })),
		...draw.times<Fault>(draw.nodes('chain').length, () => ({
			kind: draw.random.pick(['outage', 'outage', 'stale']),
			node: draw.node('chain'),
			...draw.span(20),
		})),
	],
	reorg: (draw) =>
		draw.times(4, () => {
			const all = draw.nodes('chain');
			const depth = draw.random.between(1, 4);
			const nodes = draw.random.chance(500) ? all : draw.random.some(all, draw.random.between(1, all.length));
			const at = Math.min(draw.time(), draw.calmMs - (depth + 1) * draw.epochMs);
			return { kind: 'reorg', at, depth, nodes, idle: draw.random.chance(500) };
		}),
	pool: (draw) => [
		...draw.times<Fault>(2, () => ({
			kind: 'pool-loss',
			permille: draw.random.between(50, 300),
			...draw.span(40),
		})),
		...draw.times<Fault>(3, () => ({ kind: 'pool-wipe', node: draw.node('chain'), at: draw.time() })),
		...draw.times<Fault>(2, () => {
			const at = draw.time();
			const until = Math.min(draw.calmMs, at + draw.random.between(2, 12) * draw.epochMs);
			return { kind: 'base-fee', factor: draw.random.between(5, 60), at, until };
		}),
		...draw.times<Fault>(2, () => ({ kind: 'out-of-gas', at: draw.time(), count: draw.random.between(1, 2) })),
	],
	prover: (draw) =>
		draw.times<Fault>(Math.ceil(draw.nodes('prover').length / 2), () => {
			const node = draw.node('prover');
			const kind = draw.random.pick(['hang', 'wrong-proof', 'child-crash', 'slot-loss'] as const);
			return kind === 'child-crash' ? { kind, node, at: draw.time() } : { kind, node, ...draw.span(25) };
		}),
	straggler: (draw) =>
		draw.nodes('prover').flatMap((node): readonly Fault[] =>
			// Spans as long as a few proofs: about one proof of twenty is begun in one.
			Array.from({ length: 20 }, () => draw.span(4)).flatMap((span): readonly Fault[] =>
				draw.random.chance(STRAGGLER_PERMILLE * 2) ? [{ kind: 'straggle', node, ...span }] : [],
			),
		),
	storage: (draw) =>
		draw.times<Fault>(Math.ceil(draw.nodes('storage').length / 2), () => {
			const kind = draw.random.pick(['storage-slow', 'storage-refuse', 'storage-lie', 'storage-offline'] as const);
			return { kind, node: draw.node('storage'), ...draw.span(30) };
		}),
	byzantine: (draw) => liars(draw),
	'disk-loss': (draw) =>
		draw.times(Math.ceil(draw.machines.length / 4), () => ({ kind: 'disk-loss', node: draw.node(), ...draw.span(10) })),
	flood: (draw) =>
		draw.machines.length < FLOODED_LEAST
			? []
			: [{ kind: 'byzantine', at: 0, node: draw.node('prover'), lie: 'flooder' }],
};

/** A third of all machines at most die for good. */
function deaths(draw: Draw, kind: 'crash' | 'power'): readonly Fault[] {
	let lasting = Math.floor(draw.machines.length / 4);
	return draw.times<Fault>(Math.ceil(draw.machines.length / 2), () => {
		const { at, until } = draw.span(20);
		const forGood = draw.random.chance(200) && lasting-- > 0;
		return { kind, node: draw.node(), at, until: forGood ? null : until };
	});
}

function separation(draw: Draw): Fault {
	const side = draw.side();
	const kind = draw.random.pick(['split', 'split', 'flap', 'cut', 'cut'] as const);
	if (kind === 'split') return { kind, side, ...draw.span(30) };
	if (kind === 'flap') return { kind, side, periodMs: draw.random.between(1_000, 12_000), ...draw.span(30) };
	return { kind, from: side, to: draw.side(), ...draw.span(30) };
}

/** What a member can lie about depends on its roles. */
const LIES_OF: Readonly<Partial<Record<Role, readonly Lie[]>>> = {
	prover: ['hoarder', 'liar', 'over-skipper', 'withholder'],
	submitter: ['forger'],
	chain: ['false-announcer'],
};
const LIES_OF_ALL: readonly Lie[] = ['equivocator', 'replayer', 'liar'];

/** At most a third of the members, and never all of a role. */
function liars(draw: Draw): readonly Fault[] {
	const { machines, random } = draw;
	const honest = new Set(draw.nodes());
	const faults: Fault[] = [];
	const most = Math.floor(machines.length / 3);
	for (let i = most === 0 ? 0 : random.between(1, most); i > 0; i--) {
		const node = draw.node();
		const { roles } = machines[node] as Machine;
		const others = [...honest].filter((id) => id !== node);
		const isLast = roles.some((role) => !others.some((id) => machines[id]?.roles.includes(role)));
		if (isLast || !honest.delete(node)) continue;
		const lies = [...roles.flatMap((role) => LIES_OF[role] ?? []), ...LIES_OF_ALL];
		faults.push({ kind: 'byzantine', at: 0, node, lie: random.pick(lies) });
	}
	return faults;
}
