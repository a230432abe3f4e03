/**
 * Could this item have been proven at all? Judged from the plan alone: who was up, awake, connected, with a chain and in
 * good order, and when. It knows nothing of what any core decided. It promises only what is beyond doubt: wherever it
 * says that there was time, a miss is a fault of the protocol; elsewhere it names the faults that stood in the way.
 */
import { Bitfield } from '../../src/domain/bitfield.ts';
import { limits } from '../../src/domain/limits.ts';
import { FAULT_CLASSES, type Fault, type FaultClass, type FaultKind } from './faults.ts';
import { extend, intersect, lasting, NEVER, type Spans, spans, subtract, union } from './intervals.ts';
import { closeEpoch, type Machine, openEpoch, type Plan, sectorsOf } from './plan.ts';
import { SLOWEST_PERMILLE, STRAGGLER_FACTOR } from './prover.ts';

/** After a start: connections and the first sync. */
const BOOT_MS = limits.firstSyncMs + 5_000;
/** After connections came back: dialling and a round of digests, with one that failed. */
const HEAL_MS = 5_000 + limits.syncMs + limits.syncTimeoutMs;
/** A lease of a member that fell silent, its probe, and all ranks before the one that is left. */
const TAKEOVER_MS = limits.leaseMs + limits.probeMs + limits.rankSteps * limits.rankStepMs;
/** Streams of one item, with holders that are tried in vain first. */
const GATHER_MS = 2 * limits.gatherStallMs;
/** Clocks that are a tenth slow. */
const SKEW_PERMILLE = 1_100;
/** From a result to its message on the chain: inclusion and one message that fails or is lost, beside the ranks. */
const INCLUSION_EPOCHS = 6;
/** A spell of high fees is over for a message once it was found stuck and replaced, twice at worst. */
const FEE_EPOCHS = limits.stuckEpochs + 2 * limits.fallbackEpochs;

/** What stood in the way, or `several`. */
export type Excuse = FaultClass | 'several';

/** Null when the item of this partition could have been proven and submitted whatever else happened. */
export function excuseFor(plan: Plan, miner: number, deadline: number, partition: number): Excuse | null {
	const sectors = Bitfield.of(sectorsOf(plan, miner, deadline, partition));
	const span = [openEpoch(plan, miner, deadline), closeEpoch(plan, miner, deadline)] as const;
	if (isPossible(plan, plan.faults, sectors, span)) return null;
	for (const name of FAULT_CLASSES) {
		const without = plan.faults.filter(({ kind }) => CLASS_OF[kind] !== name);
		if (without.length < plan.faults.length && isPossible(plan, without, sectors, span)) return name;
	}
	return 'several';
}

/** Null when some holder of the sector was in good order, and reached by all others, all the time from challenge to close. */
export function excuseForSkip(plan: Plan, miner: number, deadline: number, sector: number): Excuse | null {
	const close = closeEpoch(plan, miner, deadline) * plan.epochMs;
	const view = new View(plan, plan.faults, [0, close]);
	const undisturbed = plan.machines.some((_, node) => {
		if (plan.holdings[node]?.has(sector) !== true || view.lies(node)) return false;
		const good = plan.machines.map((__, other) => (other === node ? view.storing(node) : view.cutFree(node, other)));
		return good.every((set) => set.length === 1 && set[0]?.[0] === 0 && set[0][1] === close);
	});
	return undisturbed && !plan.faults.some(({ kind }) => CLASS_OF[kind] === 'loss') ? null : 'several';
}

function isPossible(plan: Plan, faults: readonly Fault[], sectors: Bitfield, [open, close]: readonly [number, number]) {
	const closeMs = close * plan.epochMs;
	const view = new View(plan, faults, [(plan.firstChallenge + 2) * plan.epochMs, closeMs]);
	const submitters = view.honest('submitter').length;
	const fallbacks = Math.max(0, submitters - 1) * limits.fallbackEpochs;
	const perTipset = Math.ceil((plan.partitions * plan.miners) / 4);
	const submitMs = (INCLUSION_EPOCHS + fallbacks + perTipset) * plan.epochMs;
	const from = (open + limits.submitDelayEpochs) * plan.epochMs;
	return view.provingsOf(sectors).some(({ proven, provers }) =>
		view.honest('submitter').some((submitter) => {
			// Whoever of them proved it is still there to hand the result over.
			const heard = provers.map((prover) => view.together(prover, submitter));
			const together = heard.reduce(intersect, view.submitting(submitter));
			return lasting(intersect(together, spans([Math.max(from, proven), closeMs])), submitMs).length > 0;
		}),
	);
}

/** All that is due is proven by then, by one of these. */
interface Proving {
	readonly proven: number;
	readonly provers: readonly number[];
}

/** Good times of machines and links under some of the faults. */
class View {
	readonly #plan: Plan;
	readonly #faults: readonly Fault[];
	readonly #all: Spans;
	readonly #liars: ReadonlySet<number>;
	readonly #memo = new Map<string, Spans>();

	constructor(plan: Plan, faults: readonly Fault[], window: readonly [number, number]) {
		this.#plan = plan;
		this.#faults = faults;
		this.#all = spans(window);
		this.#liars = new Set(faults.flatMap((fault) => (fault.kind === 'byzantine' ? [fault.node] : [])));
	}

	lies(node: number): boolean {
		return this.#liars.has(node);
	}

	honest(role: Machine['roles'][number]): readonly number[] {
		return this.#plan.machines.flatMap(({ roles, slots }, i) =>
			roles.includes(role) && !this.lies(i) && (role !== 'prover' || slots > 0) ? [i] : [],
		);
	}

	#once(key: string, make: () => Spans): Spans {
		const known = this.#memo.get(key);
		if (known !== undefined) return known;
		const made = make();
		this.#memo.set(key, made);
		return made;
	}

	/** Times in which faults of these kinds are in the way, and some time after each. */
	#bad(afterMs: number, isMeant: (fault: Fault) => boolean): Spans {
		const { endMs } = this.#plan;
		return extend(
			spans(
				...this.#faults.flatMap((fault): Spans => {
					if (!isMeant(fault)) return [];
					const until = 'until' in fault ? (fault.until ?? endMs) : fault.at + 1;
					return [[fault.at, until]];
				}),
			),
			afterMs,
		);
	}

	#badNode(node: number, afterMs: number, kinds: readonly FaultKind[]): Spans {
		return this.#bad(afterMs, (fault) => 'node' in fault && fault.node === node && kinds.includes(fault.kind));
	}

	/** Up, awake, able to write, heard by those that it has links to. */
	up(node: number): Spans {
		return this.#once(`up/${node}`, () => {
			const gone = this.#badNode(node, BOOT_MS + HEAL_MS, ['crash', 'power', 'pause', 'disk-loss']);
			const stalled = this.#badNode(node, HEAL_MS, ['disk']);
			// A storm is everybody's.
			const weather = this.#bad(HEAL_MS, ({ kind }) => kind === 'weather');
			return subtract(this.#all, union(gone, stalled, weather));
		});
	}

	cutFree(a: number, b: number): Spans {
		const [low, high] = a < b ? [a, b] : [b, a];
		return this.#once(`link/${low}/${high}`, () =>
			subtract(
				this.#all,
				this.#bad(HEAL_MS, (fault) => separates(fault, low, high)),
			),
		);
	}

	/** Both are up and hear each other. */
	together(a: number, b: number): Spans {
		if (a === b) return this.up(a);
		return intersect(intersect(this.up(a), this.up(b)), this.cutFree(a, b));
	}

	storing(node: number): Spans {
		const kinds = ['storage-slow', 'storage-refuse', 'storage-lie', 'storage-offline'] as const;
		return subtract(this.up(node), this.#badNode(node, 2 * this.#plan.epochMs + GATHER_MS, kinds));
	}

	proving(node: number): Spans {
		const kinds = ['straggle', 'hang', 'wrong-proof', 'child-crash', 'slot-loss'] as const;
		const spoiled = this.#badNode(node, 0, kinds);
		return subtract(this.up(node), spoiled);
	}

	/** With a full node in order, on a chain that takes messages. */
	submitting(node: number): Spans {
		return this.#once(`submit/${node}`, () => {
			const { epochMs } = this.#plan;
			const lost = this.#badNode(node, 3 * epochMs, ['outage', 'stale']);
			const forks = this.#bad(0, ({ kind }) => kind === 'reorg');
			const depths = this.#faults.flatMap((fault) => (fault.kind === 'reorg' ? [fault.depth] : []));
			const reorgs = extend(forks, (Math.max(0, ...depths) + limits.confirmationEpochs) * epochMs);
			const rounds = this.#bad(5 * epochMs, ({ kind }) => kind === 'null-rounds');
			const fees = this.#bad(FEE_EPOCHS * epochMs, ({ kind }) => kind === 'base-fee' || kind === 'out-of-gas');
			const pools = this.#bad(FEE_EPOCHS * epochMs, ({ kind }) => kind === 'pool-loss' || kind === 'pool-wipe');
			return subtract(this.up(node), union(lost, reorgs, rounds, fees, pools));
		});
	}

	/** The prover hears a chain node that announces and serves the manifest. */
	#informed(prover: number): Spans {
		return union(...this.honest('chain').map((node) => this.together(prover, node)));
	}

	/** When all of the sectors can be had. */
	#supplied(prover: number, sectors: Bitfield): Spans {
		return [...sectors].reduce((sum: Spans, sector) => {
			const holders = this.honest('storage').filter((node) => this.#plan.holdings[node]?.has(sector) === true);
			const key = `supply/${prover}/${holders.join()}`;
			const supply = this.#once(key, () =>
				union(NEVER, ...holders.map((holder) => intersect(this.storing(holder), this.together(prover, holder)))),
			);
			return intersect(sum, supply);
		}, this.#all);
	}

	/** Groups of provers, and when they have proven all that is due, if nobody else helps. */
	provingsOf(sectors: Bitfield): readonly Proving[] {
		const able = this.honest('prover').map((prover) => ({
			prover,
			free: intersect(this.proving(prover), intersect(this.#informed(prover), this.#supplied(prover, sectors))),
		}));
		const starts = new Set(able.flatMap(({ free }) => free.map(([from]) => from)));
		return [...starts].flatMap((from) => {
			const there = able
				.flatMap(({ prover, free }) =>
					free.filter(([a, b]) => a <= from && from < b).map(([, until]) => ({ prover, until })),
				)
				.sort((a, b) => b.until - a.until);
			return there.flatMap(({ prover }) => this.#grow(from, prover, there));
		});
	}

	/** The groups around one prover: those who stay longest first, as long as they hear each other. */
	#grow(
		from: number,
		first: number,
		there: readonly { readonly prover: number; readonly until: number }[],
	): readonly Proving[] {
		const { machines } = this.#plan;
		const found: Proving[] = [];
		const provers: number[] = [];
		let slots = 0;
		let end = Number.MAX_SAFE_INTEGER;
		for (const { prover, until } of [...there.filter((one) => one.prover === first), ...there]) {
			if (provers.includes(prover)) continue;
			const hears = provers.every((other) =>
				this.together(prover, other).some(([a, b]) => a <= from && Math.min(end, until) <= b),
			);
			if (!hears) continue;
			provers.push(prover);
			slots += machines[prover]?.slots ?? 0;
			end = Math.min(end, until);
			const proven = from + this.#provingMs(slots);
			if (proven <= end) found.push({ proven, provers: [...provers] });
		}
		return found;
	}

	/** From the first claim to the last proof of all that is due on so many slots. */
	#provingMs(slots: number): number {
		const { partitions, miners, proveMs, epochMs } = this.#plan;
		const { strayPermille = 0 } = this.#plan;
		const mayStray = strayPermille > 0 || this.#faults.some(({ kind }) => kind === 'straggle');
		const strays = mayStray ? STRAGGLER_FACTOR : 1;
		const oneMs = Math.ceil((proveMs * SLOWEST_PERMILLE * SKEW_PERMILLE) / 1_000_000);
		const claimMs = TAKEOVER_MS + limits.loneAnnouncerEpochs * epochMs + limits.loneAnnouncerMs;
		return claimMs + GATHER_MS + Math.ceil((partitions * miners) / Math.max(1, slots)) * oneMs * strays;
	}
}

function separates(fault: Fault, a: number, b: number): boolean {
	switch (fault.kind) {
		case 'split':
		case 'flap':
			return fault.side.includes(a) !== fault.side.includes(b);
		case 'cut':
			return (fault.from.includes(a) && fault.to.includes(b)) || (fault.from.includes(b) && fault.to.includes(a));
		default:
			return false;
	}
}

export const CLASS_OF: Readonly<Record<FaultKind, FaultClass>> = {
	crash: 'crash',
	power: 'power',
	pause: 'pause',
	split: 'split',
	flap: 'split',
	cut: 'split',
	weather: 'loss',
	clock: 'clock',
	disk: 'disk',
	'disk-loss': 'disk-loss',
	'null-rounds': 'chain',
	outage: 'chain',
	stale: 'chain',
	reorg: 'reorg',
	'pool-loss': 'pool',
	'pool-wipe': 'pool',
	'base-fee': 'pool',
	'out-of-gas': 'pool',
	straggle: 'straggler',
	hang: 'prover',
	'wrong-proof': 'prover',
	'child-crash': 'prover',
	'slot-loss': 'prover',
	'storage-slow': 'storage',
	'storage-refuse': 'storage',
	'storage-lie': 'storage',
	'storage-offline': 'storage',
	byzantine: 'byzantine',
};
