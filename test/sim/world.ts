/** A whole mesh in one process and virtual time: machines, the network between them, the chain, and whoever watches. */
import { workItem } from '../../src/codec/work-id.ts';
import type { CoreConfig, EffectOf } from '../../src/core/api.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { Envelope } from '../../src/domain/envelope.ts';
import { type ActorId, epoch, hex32, type NodeId, nodeId } from '../../src/domain/ids.ts';
import type { RosterPeer } from '../../src/domain/roster.ts';
import type { WorkItem } from '../../src/domain/work.ts';
import type { Byzantine } from './byzantine.ts';
import { SimChain, type Slot } from './chain.ts';
import { NodeClock } from './clock.ts';
import { PoolGossip } from './full-node.ts';
import { Heap } from './heap.ts';
import { Nemesis } from './nemesis.ts';
import { Network } from './network.ts';
import { SimNode } from './node.ts';
import { allSectors, type Plan, sectorsOf } from './plan.ts';
import { Random } from './random.ts';
import { sealOwn } from './seal.ts';
import { Trace } from './trace.ts';
import { Watch } from './watch.ts';

const NETWORK = 'simnet';
const PROOF_TYPE = 10;
/** Machines come up one after another. */
const START_MS = 2_000;
const HEAD_SPREAD_MS = 50;

export interface WorldOptions {
	/** Keeps what was decided, for people and stories. */
	readonly trace?: boolean;
	/** Per mille of events after which a machine's state is put away and read back. */
	readonly snapshotPermille?: number;
	/** Has the rules look at everything with each tick, also where the core says that they would decide nothing. */
	readonly restless?: boolean;
}

export class World {
	readonly plan: Plan;
	readonly snapshotPermille: number;
	readonly restless: boolean;
	readonly heap = new Heap();
	readonly random: Random;
	readonly chain: SimChain;
	readonly pools: PoolGossip;
	readonly nodes: readonly SimNode[];
	readonly network: Network;
	readonly trace: Trace;
	readonly watch: Watch;
	/** Storage machines. */
	readonly holders: readonly SimNode[];
	/** Sectors whose files are gone everywhere. */
	lost: Bitfield = Bitfield.empty;
	readonly liars = new Map<SimNode, Byzantine>();
	readonly #byId = new Map<NodeId, SimNode>();
	readonly #bySlot = new Map<Slot, readonly WorkItem[]>();

	constructor(plan: Plan, { trace = false, snapshotPermille = 0, restless = false }: WorldOptions = {}) {
		this.plan = plan;
		this.snapshotPermille = snapshotPermille;
		this.restless = restless;
		this.random = Random.of(plan.seed, 'world');
		this.chain = new SimChain(plan);
		this.pools = new PoolGossip(this.heap, this.chain, Random.of(plan.seed, 'pools'));
		this.nodes = this.#populate();
		this.network = new Network(this.heap, Random.of(plan.seed, 'network'), this.nodes, plan.delayMs);
		this.holders = this.nodes.filter(({ config }) => config.roles.includes('storage'));
		this.trace = new Trace(this, trace);
		this.watch = new Watch(this);
		for (const node of this.nodes) this.#byId.set(node.id, node);
	}

	#populate(): readonly SimNode[] {
		const { machines, holdings, epochMs, faults } = this.plan;
		const peers: RosterPeer[] = machines.map(({ name, roles, slots }, i) => ({
			id: peerId(i),
			name,
			site: 'sim',
			weight: 1,
			slots,
			roles,
			miners: [],
		}));
		const roster = { network: NETWORK, version: 1, miners: this.chain.miners, peers };
		return peers.map(({ id, roles, slots }, i) => {
			const config: CoreConfig = {
				self: id,
				network: NETWORK,
				roster,
				rosterHash: hex32('11'.repeat(32)),
				roles,
				slots: Array.from({ length: slots }, (_, slot) => `slot${slot}`),
				slotFilters: [],
				proofTypes: [PROOF_TYPE],
				keys: hex32('22'.repeat(32)),
				epochMs: null,
				epochMsGuess: epochMs,
				firstIncarnation: 1,
			};
			const set = faults.find((fault) => fault.kind === 'clock' && fault.node === i);
			const clock = set?.kind === 'clock' ? new NodeClock(set.ratePermille, set.offsetMs) : new NodeClock();
			return new SimNode(this, i, config, holdings[i] ?? Bitfield.empty, clock);
		});
	}

	/** Starts the machines and the chain, and sets the faults on them. */
	begin(): void {
		for (const node of this.nodes) this.heap.after(this.random.between(0, START_MS), () => this.startNode(node));
		this.#nextEpoch();
		new Nemesis(this).begin();
	}

	/** From start to end. */
	run(): void {
		this.begin();
		while (this.heap.run(this.plan.endMs));
		this.heap.now = this.plan.endMs;
	}

	#nextEpoch(): void {
		this.heap.after(this.plan.epochMs, () => {
			this.chain.advance();
			this.pools.drop();
			for (const { fullNode } of this.nodes) {
				if (fullNode !== null)
					this.heap.after(this.random.between(0, HEAD_SPREAD_MS), () => this.follow(fullNode.node));
			}
			this.watch.epoch();
			this.#nextEpoch();
		});
	}

	/** A full node looks for a new head and shows it. */
	follow(index: number): void {
		const node = this.nodes[index];
		if (node?.fullNode?.follow() === true) node.showHead();
	}

	// ----------------------------------------------------------------------------------------------------------- machines

	startNode(node: SimNode): void {
		if (node.up) return;
		this.trace.note(node, 'START');
		node.lostPower = false;
		node.start();
		this.network.changed(node);
	}

	/** The process dies; with `silent` no connection is reset. False when it was down already. */
	crash(node: SimNode, silent = false): boolean {
		if (!node.up) return false;
		this.trace.note(node, silent ? 'POWER LOSS' : 'CRASH');
		this.watch.dies(node, silent);
		node.lostPower = silent;
		node.crash();
		if (silent) this.network.forget(node);
		else this.network.reset(node);
		this.network.changed(node);
		return true;
	}

	/** The process stands still: its connections stay open, everything for it waits. False when it is down. */
	pause(node: SimNode): boolean {
		if (!node.up) return false;
		this.trace.note(node, 'PAUSE');
		node.pause();
		this.network.changed(node);
		return true;
	}

	resume(node: SimNode): void {
		if (!node.up || node.isAwake) return;
		this.trace.note(node, 'RESUME');
		node.resume();
		this.network.changed(node);
	}

	node(id: NodeId): SimNode {
		const node = this.#byId.get(id);
		if (node === undefined) throw new Error(`no node ${id}`);
		return node;
	}

	nameOf(id: NodeId): string {
		const index = this.#byId.get(id)?.index;
		return index === undefined ? id : (this.plan.machines[index]?.name ?? id);
	}

	named(name: string): SimNode {
		const node = this.nodes[this.plan.machines.findIndex((machine) => machine.name === name)];
		if (node === undefined) throw new Error(`no machine is called ${name}`);
		return node;
	}

	/** Sectors of the miner on the machine's disks. */
	heldOf(node: SimNode, miner: ActorId): Bitfield {
		const index = this.chain.miners.findIndex((other) => other.miner === miner);
		const { deadlines, partitions } = this.plan;
		const all = Array.from({ length: deadlines * partitions }, (_, i) =>
			sectorsOf(this.plan, index, Math.floor(i / partitions), i % partitions),
		);
		return node.held.intersect(Bitfield.of(all.flat()));
	}

	// --------------------------------------------------------------------------------------------------------- statements

	isHonest(node: SimNode): boolean {
		return !this.liars.has(node);
	}

	publish(node: SimNode, envelope: Envelope): void {
		const liar = this.liars.get(node);
		if (liar !== undefined) {
			liar.publish(envelope);
			return;
		}
		const sealed = sealOwn(node, envelope);
		this.watch.published(node, sealed.envelope);
		for (const other of this.liars.values()) other.hear(sealed);
		this.network.gossip(node, sealed.envelope, sealed.raw);
	}

	twistAnswer(node: SimNode, answer: EffectOf<'answer-pull'>): EffectOf<'answer-pull'> {
		return this.liars.get(node)?.answer(answer) ?? answer;
	}

	// --------------------------------------------------------------------------------------------------------------- work

	/** What is due in a deadline as the winning branch has it; empty before its challenge. */
	itemsOf(slot: Slot): readonly WorkItem[] {
		const challenge = this.chain.challengeOf(slot, this.chain.tip);
		if (challenge === null) return [];
		const known = this.#bySlot.get(slot);
		if (known?.[0]?.randomness === challenge.randomness) return known;
		const items = slot.due.map((due) => workItem(NETWORK, challenge, due));
		this.#bySlot.set(slot, items);
		return items;
	}

	/** An operator asks the machine to have the first partition proven for practice. */
	dryRun(node: SimNode): void {
		const [slot] = this.chain.slots;
		const due = slot?.due[0];
		if (slot === undefined || due === undefined) throw new Error('nothing is due');
		const challenge = this.chain.challengeWith(slot, hex32(`${'55'.repeat(31)}00`));
		const { epoch: now } = this.chain;
		const window = { challenge: epoch(now), open: epoch(now), close: epoch(now + 60) };
		node.holdManifest(due.sectorRoot);
		node.give({ type: 'dry-run', challenge: { ...challenge, ...window, kind: 'dry', nonce: 77 }, due: [due] });
	}

	/** The last tipsets give way to as many without a message, and no pool takes up again what was in them. */
	reorg(epochs: number): void {
		this.chain.rewind(epochs);
		for (const { fullNode } of this.nodes) fullNode?.forget();
	}

	/** Sector files vanish from every disk. */
	lose(sectors: readonly number[]): void {
		this.lost = this.lost.union(Bitfield.of(sectors));
	}

	get allSectors(): readonly number[] {
		return allSectors(this.plan);
	}
}

/** Peer ids are base58, which has no zero; ascending like the machines. */
function peerId(index: number): NodeId {
	const digits = (index + 9 ** 3).toString(9);
	return nodeId(`12Sim${digits.replace(/\d/g, (digit) => String(Number(digit) + 1))}`);
}
