/**
 * One simulated machine: the production core behind a loop like the node's, which steps a run of events, writes what
 * they persist in one synced batch and only then carries out their effects.
 */
import { isDeepStrictEqual } from 'node:util';
import type { CoreConfig, Effect, Event, View } from '../../src/core/api.ts';
import { buildDigest } from '../../src/core/digest.ts';
import { createState, isIdle, type State, step, view } from '../../src/core/poster.ts';
import { decodeSnapshot, encodeSnapshot } from '../../src/core/snapshot.ts';
import type { Bitfield } from '../../src/domain/bitfield.ts';
import type { Envelope } from '../../src/domain/envelope.ts';
import { epoch, type Hex32, type NodeId } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { Write } from '../../src/domain/write.ts';
import type { NodeClock } from './clock.ts';
import { Disk } from './disk.ts';
import { carryOut } from './effects.ts';
import { FullNode } from './full-node.ts';
import { SimGather } from './gather.ts';
import type { Actor } from './heap.ts';
import { SimProver } from './prover.ts';
import { Random } from './random.ts';
import { sealOwn } from './seal.ts';
import { SimStorage } from './storage.ts';
import type { World } from './world.ts';

const SECOND_MS = 1_000;

const TICK: Event = Object.freeze({ type: 'tick' });
/** Until a new process has found its peers again its first dials are not redials. */
const FRESH_MS = 5_000;
const HEAD_MS = [5, 100] as const;
const VIEW_MS = 20;

/** The tick of one life of a machine. */
class Metronome {
	readonly life: number;

	constructor(life: number) {
		this.life = life;
	}
}

export class SimNode implements Actor {
	readonly id: NodeId;
	readonly index: number;
	readonly config: CoreConfig;
	readonly clock: NodeClock;
	readonly world: World;
	readonly disk: Disk;
	readonly storage: SimStorage;
	readonly prover: SimProver;
	readonly gather: SimGather;
	/** Null on machines without the chain role. */
	readonly fullNode: FullNode | null;
	/** Questions of others that wait for the core's answer. */
	readonly asked = new Map<number, (effect: Effect) => void>();
	up = false;
	/** It went down without a word, so that probes find nobody who could refuse. */
	lostPower = false;
	life = 0;
	state: State | null = null;
	/** Reasons for which the process stands still. */
	#pauses = 0;
	/** World time at which its present life began. */
	startedAt = 0;
	/** A step is in progress or its batch is being synced: events wait. */
	#busy = false;
	#inbox: Event[] = [];
	#tickQueued = false;
	/** Work of the process that came due while it stood still. */
	#overdue: (() => void)[] = [];
	#requests = 0;
	/** Of its own, so that taking snapshots changes nothing else in the run. */
	readonly #snapshots: Random;

	constructor(world: World, index: number, config: CoreConfig, held: Bitfield, clock: NodeClock) {
		const { seed, proveMs } = world.plan;
		this.world = world;
		this.index = index;
		this.id = config.self;
		this.config = config;
		this.clock = clock;
		this.disk = new Disk(Random.of(seed, `disk/${index}`));
		this.storage = new SimStorage(this, held, Random.of(seed, `storage/${index}`));
		this.prover = new SimProver(this, Random.of(seed, `prover/${index}`), proveMs);
		this.gather = new SimGather(this);
		const hasChain = config.roles.includes('chain');
		this.fullNode = hasChain ? new FullNode(index, world.chain, world.pools) : null;
		this.#snapshots = Random.of(seed, `snapshots/${index}`);
	}

	get held(): Bitfield {
		return this.storage.held;
	}

	/** Its process runs. */
	get isAwake(): boolean {
		return this.up && this.#pauses === 0;
	}

	get isFresh(): boolean {
		return this.world.heap.now - this.startedAt < FRESH_MS;
	}

	seal(envelope: Envelope): Uint8Array {
		return sealOwn(this, envelope).raw;
	}

	get now(): number {
		return this.clock.read(this.world.heap.now);
	}

	view(): View | null {
		return this.state === null ? null : view(this.state, this.now);
	}

	// --------------------------------------------------------------------------------------------------------------- life

	start(): void {
		this.up = true;
		this.life++;
		this.startedAt = this.world.heap.now;
		const firstIncarnation = Math.max(1, Math.floor(this.startedAt / SECOND_MS));
		this.state = createState({ ...this.config, firstIncarnation }, this.disk.entries());
		this.act(new Metronome(this.life));
		if (this.config.slots.length > 0) {
			this.give({ type: 'measured', proofType: 10, sectors: 2, ms: this.world.plan.proveMs });
			if (this.prover.lostSlots > 0) this.give({ type: 'slots', slots: this.prover.slots() });
		}
		for (const [root, sectors] of this.world.chain.manifests) {
			if (this.disk.has(manifestKey(root))) this.give({ type: 'manifest-held', root, sectors });
		}
		if (this.config.roles.includes('storage')) {
			for (const { miner } of this.world.chain.miners) {
				this.give({ type: 'holdings', miner, sectors: this.world.heldOf(this, miner) });
			}
		}
		this.showHead();
	}

	/** The process dies: what was not synced may be lost, and so is everything in flight. */
	crash(): void {
		this.world.watch.wrote(this, this.disk.crash(this.world.heap.now));
		this.up = false;
		this.life++;
		this.state = null;
		this.#pauses = 0;
		this.#busy = false;
		this.#inbox = [];
		this.#tickQueued = false;
		this.#overdue = [];
		this.asked.clear();
		this.prover.stop();
		this.gather.stop();
		this.storage.stop();
	}

	pause(): void {
		this.#pauses++;
	}

	resume(): void {
		if (this.#pauses === 0 || --this.#pauses > 0) return;
		const overdue = this.#overdue;
		this.#overdue = [];
		for (const run of overdue) run();
		this.#drain();
	}

	// --------------------------------------------------------------------------------------------------------------- loop

	/** A message or a tick that the heap held. */
	act(payload: unknown): void {
		if (!(payload instanceof Metronome)) {
			this.give(payload as Event);
			return;
		}
		if (payload.life !== this.life) return;
		this.world.heap.post(this.clock.worldMs(limits.tickMs), this, payload);
		// A tick that still waits says all that a second one would say.
		if (this.#tickQueued) return;
		const { state, now } = this;
		const isFree = !this.#busy && this.#pauses === 0 && this.#inbox.length === 0;
		if (state !== null && isFree && !this.world.restless && isIdle(state, now)) {
			step(state, TICK, now);
			return;
		}
		this.#tickQueued = true;
		this.give(TICK);
	}

	/** One event; what it persists is on disk before its effects leave. */
	give(event: Event): void {
		if (this.state === null) return;
		if (this.#busy || this.#pauses > 0) {
			this.#inbox.push(event);
			return;
		}
		this.#busy = true;
		const { persist, after } = this.#step(this.state, event);
		this.#finish(persist, after);
		if (this.#inbox.length > 0) this.#drain();
	}

	/** Takes runs of waiting events until none is left or one of them has something to write. */
	#drain(): void {
		while (!this.#busy && this.#pauses === 0 && this.#inbox.length > 0 && this.state !== null) {
			this.#busy = true;
			const run = this.#inbox.splice(0, limits.loopBatchEvents);
			const persist: Write[] = [];
			const after: Effect[] = [];
			for (const event of run) {
				const out = this.#step(this.state, event);
				persist.push(...out.persist);
				after.push(...out.after);
			}
			this.#finish(persist, after);
		}
	}

	#step(state: State, event: Event): ReturnType<typeof step> {
		if (event === TICK) this.#tickQueued = false;
		this.world.watch.before(this, event);
		const out = event === TICK && this.world.restless ? this.#restlessTick(state) : step(state, event, this.now);
		const { snapshotPermille } = this.world;
		if (snapshotPermille > 0 && this.#snapshots.chance(snapshotPermille))
			this.state = decodeSnapshot(encodeSnapshot(state));
		this.world.watch.after(this);
		return out;
	}

	/** What the core says is true: where it would not look, a look decides nothing. */
	#restlessTick(state: State): ReturnType<typeof step> {
		const { now } = this;
		if (!isIdle(state, now)) return step(state, TICK, now);
		const { decidedAt, wakeAt, slowWakeAt, talkAt } = state;
		state.wakeAt = Number.MIN_SAFE_INTEGER;
		state.slowWakeAt = Number.MIN_SAFE_INTEGER;
		const out = step(state, TICK, now);
		for (const said of [...out.persist, ...out.after]) {
			this.world.watch.violations.push(`${this.id} sleeps although there is ${JSON.stringify(said)} to say`);
		}
		const fresh = buildDigest({ ...state, sync: { ...state.sync, digested: null } });
		if (!isDeepStrictEqual(buildDigest(state), fresh))
			this.world.watch.violations.push(`${this.id} tells an old digest`);
		Object.assign(state, { decidedAt, wakeAt: Math.max(wakeAt, state.wakeAt), slowWakeAt, talkAt });
		return out;
	}

	#finish(persist: readonly Write[], after: readonly Effect[]): void {
		if (persist.length === 0) {
			this.#carryOut(after);
			return;
		}
		this.later(this.disk.write(persist, this.world.heap.now), () => {
			this.world.watch.wrote(this, this.disk.synced());
			this.#carryOut(after);
			this.#drain();
		});
	}

	/** Events that an effect causes at once wait until all of them are carried out. */
	#carryOut(effects: readonly Effect[]): void {
		for (const effect of effects) {
			this.world.watch.observe(this, effect);
			carryOut(this, effect);
		}
		this.#busy = false;
	}

	/** Runs when the time has come and the process is awake, unless it died meanwhile. */
	later(ms: number, run: () => void): void {
		const { life } = this;
		const due = (): void => {
			if (this.life !== life) return;
			if (this.#pauses > 0) this.#overdue.push(due);
			else run();
		};
		this.world.heap.after(ms, due);
	}

	answer(ms: number, event: Event): void {
		this.later(ms, () => this.give(event));
	}

	/** Puts a question of another machine to the core. */
	ask(event: (request: number) => Event, reply: (effect: Effect) => void): void {
		const request = this.#requests++;
		this.asked.set(request, reply);
		this.give(event(request));
	}

	// -------------------------------------------------------------------------------------------------- chain, manifests

	/** The full node's head as it is now, then what it shows of every miner. */
	showHead(): void {
		const { fullNode } = this;
		if (fullNode === null || fullNode.isDown || !this.up) return;
		const ms = this.world.random.between(...HEAD_MS);
		this.answer(ms, { type: 'head', epoch: epoch(fullNode.head.height) });
		this.later(ms + VIEW_MS, () => {
			if (fullNode.isDown) return;
			const withPool = this.config.roles.includes('submitter');
			for (const miner of this.world.chain.miners) {
				const shown = fullNode.view(miner, withPool);
				for (const { due } of shown.challenges) for (const { sectorRoot } of due) this.holdManifest(sectorRoot);
				this.give({ type: 'chain-view', view: shown });
			}
		});
	}

	/** Puts the manifest on disk; a crash before it is synced loses it. */
	holdManifest(root: Hex32): void {
		const sectors = this.world.chain.manifests.get(root);
		if (sectors === undefined || this.disk.has(manifestKey(root))) return;
		this.later(Math.max(1, this.disk.stalledUntil - this.world.heap.now), () => {
			this.disk.put(manifestKey(root), new Uint8Array());
			this.give({ type: 'manifest-held', root, sectors });
		});
	}
}

const manifestKeys = new Map<Hex32, string>();
const MANIFEST_KEYS_MOST = 1_000;

/** The same string each time: a disk is asked for it with every view of every full node. */
export function manifestKey(root: Hex32): string {
	const known = manifestKeys.get(root);
	if (known !== undefined) return known;
	if (manifestKeys.size >= MANIFEST_KEYS_MOST) manifestKeys.clear();
	const key = `m/${root}`;
	manifestKeys.set(root, key);
	return key;
}
