/** A whole mesh in one process and virtual time: nodes, the network between them, faults, and what must always hold. */

import type { CoreConfig, Effect, EffectOf, Event } from '../../src/core/api.ts';
import { buildDigest } from '../../src/core/sync.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { Envelope } from '../../src/domain/envelope.ts';
import { epoch, hex32, type NodeId, nodeId, type WorkId } from '../../src/domain/ids.ts';
import type { Role, RosterPeer } from '../../src/domain/roster.ts';
import { Heap } from './heap.ts';
import { Random } from './random.ts';
import { SimChain, WINDOW } from './sim-chain.ts';
import { SimNode } from './sim-node.ts';

export interface Options {
	readonly seed: number;
	readonly nodes: number;
	readonly epochMs: number;
	readonly deadlines: number;
	readonly partitions: number;
	readonly proveMs: number;
	/** Per mille of gossip that is lost, and that arrives twice. */
	readonly lossPermille: number;
	readonly duplicatePermille: number;
	readonly delayMs: number;
	/** Crashes in the whole run, and for how long a node stays down. */
	readonly crashes: number;
	readonly downMs: number;
	/** Nodes that stand still for a while with open connections. */
	readonly pauses: number;
	/** Splits of the network into two, and full nodes that stop answering. */
	readonly splits?: number;
	readonly outages?: number;
	readonly stragglerPermille: number;
	readonly dropPermille: number;
	/** Per mille of events after which a node's state is put away and read back. */
	readonly snapshotPermille?: number;
}

export interface Report {
	readonly seed: number;
	readonly items: number;
	readonly missed: number;
	/** Messages that the chain refused: each was paid for and proved nothing. */
	readonly wasted: number;
	/** Proofs begun beyond one for each item. */
	readonly extraProofs: number;
	readonly takeovers: readonly number[];
	readonly statements: number;
	readonly problems: readonly string[];
}

/** One machine of a mesh. `holds` picks sectors for stories; the simulator deals them by chance. */
export interface Machine {
	readonly name: string;
	readonly roles: readonly Role[];
	readonly slots: number;
	readonly holds?: 'all' | 'even' | 'odd';
}

/** What a node decided or complained of, for stories. */
export interface Happening {
	readonly at: number;
	readonly node: string;
	readonly name: string;
	readonly reason: string;
	readonly peer: string | null;
	readonly work: WorkId | null;
}

type Answer = EffectOf<'answer-sync'> | EffectOf<'answer-pull'>;

const CALL_TIMEOUT_MS = 5_000;
/** A silent connection is given up within this, a healed one is dialled again within that. */
const HANG_UP_MS = 9_000;
const RECONNECT_MS = 5_000;
/** Without faults at the end, so that knowledge must have become equal. */
const QUIET_MS = 50_000;
const NETWORK = 'simnet';

export class World {
	readonly options: Options;
	readonly heap = new Heap();
	readonly random: Random;
	readonly chain: SimChain;
	readonly nodes: SimNode[] = [];
	/** Sectors whose files are gone everywhere. */
	lost: Bitfield = Bitfield.empty;
	/** How long streams of a machine wait in line before the first sector comes. */
	readonly lineMs = new Map<NodeId, number>();
	/** Storage machines that open only what somebody streams, and so never object. */
	readonly lazy = new Set<NodeId>();
	proofsStarted = 0;
	statements = 0;
	readonly log: string[] = [];
	readonly happenings: Happening[] = [];
	readonly #byId = new Map<NodeId, SimNode>();
	readonly #problems: string[] = [];
	readonly #takeovers: number[] = [];
	readonly #lostHolders = new Map<NodeId, number>();
	readonly #farSide = new Set<NodeId>();
	readonly #chainless = new Set<NodeId>();
	readonly #paused = new Map<NodeId, (() => void)[]>();
	readonly #sequences = new Map<NodeId, readonly [number, number]>();
	readonly #verbose: boolean;

	constructor(options: Options, verbose = false, machines: readonly Machine[] = machinesOf(options.nodes)) {
		this.options = options;
		this.#verbose = verbose;
		this.random = new Random(options.seed);
		const { seed, epochMs, deadlines, partitions, dropPermille } = options;
		this.chain = new SimChain(
			{ seed, epochMs, deadlines, partitions, sectors: 6, dropPermille, blockMessages: 4 },
			this.random,
		);
		this.#populate(machines);
	}

	#populate(machines: readonly Machine[]): void {
		const peers: RosterPeer[] = machines.map(({ name, roles, slots }, i) => ({
			// Peer ids are base58: no zero.
			id: nodeId(`12Sim${(i + 9 ** 3).toString(9).replace(/\d/g, (digit) => String(Number(digit) + 1))}`),
			name,
			site: 'sim',
			weight: 1,
			slots,
			roles,
			miners: [],
		}));
		peers.sort((a, b) => (a.id < b.id ? -1 : 1));
		const roster = {
			network: NETWORK,
			version: 1,
			miners: [{ miner: this.chain.miner, sender: this.chain.sender }],
			peers,
		};
		const storages = peers.filter(({ roles: of }) => of.includes('storage'));
		const holds = new Map<NodeId, number[]>(storages.map(({ id }) => [id, []]));
		for (const sector of this.chain.allSectors) {
			const first = this.random.between(0, storages.length - 1);
			const copies = this.random.chance(300) ? 2 : 1;
			for (let i = 0; i < copies; i++) {
				holds.get((storages[(first + i) % storages.length] as RosterPeer).id)?.push(sector);
			}
		}
		for (const { name, holds: picked } of machines) {
			const id = peers.find((peer) => peer.name === name)?.id;
			if (picked === undefined || id === undefined) continue;
			const wanted = (sector: number): boolean => picked === 'all' || sector % 2 === (picked === 'even' ? 0 : 1);
			holds.set(id, this.chain.allSectors.filter(wanted));
		}
		for (const peer of peers) {
			const config: CoreConfig = {
				self: peer.id,
				network: NETWORK,
				roster,
				rosterHash: hex32('11'.repeat(32)),
				roles: peer.roles,
				slots: Array.from({ length: peer.slots }, (_, i) => `slot${i}`),
				proofTypes: [10],
				keys: hex32('22'.repeat(32)),
				epochMs: null,
				epochMsGuess: this.options.epochMs,
			};
			const node = new SimNode(this, config, Bitfield.of(holds.get(peer.id) ?? []));
			this.nodes.push(node);
			this.#byId.set(peer.id, node);
		}
	}

	/** Starts the machines and the chain. */
	begin(): void {
		for (const node of this.nodes) this.heap.after(this.random.between(0, 2_000), () => this.startNode(node));
		this.#nextEpoch();
	}

	run(): Report {
		const { heap, options, random } = this;
		this.begin();
		const endMs = (this.chain.lastEpoch + 2) * options.epochMs;
		// Faults fall where work is done, most of all, and end early enough for everyone to know the same again.
		const anyTime = (): number => {
			if (random.chance(300)) return random.between(5_000, endMs - QUIET_MS);
			const deadline = random.between(0, options.deadlines - 1);
			return (6 + deadline * WINDOW) * options.epochMs + random.between(0, 30 * options.epochMs);
		};
		for (let i = 0; i < options.crashes; i++) {
			const node = random.pick(this.nodes);
			heap.after(anyTime(), () => {
				if (!this.crash(node)) return;
				heap.after(random.between(500, options.downMs), () => this.startNode(node));
			});
		}
		for (let i = 0; i < options.pauses; i++) {
			const node = random.pick(this.nodes);
			heap.after(anyTime(), () => {
				if (this.pause(node)) heap.after(random.between(3_000, 30_000), () => this.resume(node));
			});
		}
		for (let i = 0; i < (options.splits ?? 0); i++) {
			heap.after(anyTime(), () => {
				const side = this.nodes.filter(() => random.chance(400));
				if (this.split(side)) heap.after(random.between(5_000, 40_000), () => this.heal());
			});
		}
		for (let i = 0; i < (options.outages ?? 0); i++) {
			const node = random.pick(this.nodes);
			heap.after(anyTime(), () => {
				this.loseChain(node);
				heap.after(random.between(5_000, 30_000), () => this.#chainless.delete(node.id));
			});
		}
		while (heap.run(endMs));
		return this.#report();
	}

	#nextEpoch(): void {
		this.heap.after(this.options.epochMs, () => {
			this.chain.advance();
			for (const node of this.nodes) {
				const sees = node.up && node.config.roles.includes('chain') && !this.#chainless.has(node.id);
				if (sees) this.whenAwake(node, () => node.showHead());
			}
			this.#nextEpoch();
		});
	}

	startNode(node: SimNode): void {
		if (node.up) return;
		this.#note(node, 'START');
		this.#lostHolders.delete(node.id);
		node.start();
		for (const peer of this.nodes) {
			if (peer === node || !peer.up) continue;
			this.heap.after(this.random.between(20, 300), () => {
				if (!node.up || !peer.up || this.isCut(node, peer)) return;
				node.give({ type: 'connected', peer: peer.id });
				this.whenAwake(peer, () => peer.give({ type: 'connected', peer: node.id }));
			});
		}
	}

	/** Power loss with connection resets; false when it was down already. */
	crash(node: SimNode): boolean {
		if (!node.up || this.isPaused(node)) return false;
		this.#note(node, 'CRASH');
		if ((node.state?.jobs.size ?? 0) > 0) this.#lostHolders.set(node.id, this.heap.now);
		node.crash();
		for (const peer of this.nodes) {
			if (peer === node || !peer.up) continue;
			this.heap.after(this.random.between(1, 30), () =>
				this.whenAwake(peer, () => peer.give({ type: 'disconnected', peer: node.id, cause: 'reset' })),
			);
		}
		return true;
	}

	/** The process stands still: its connections stay open, everything for it waits. */
	pause(node: SimNode): boolean {
		if (!node.up || this.isPaused(node)) return false;
		this.#note(node, 'PAUSE');
		this.#paused.set(node.id, []);
		return true;
	}

	resume(node: SimNode): void {
		this.#note(node, 'RESUME');
		const waiting = this.#paused.get(node.id) ?? [];
		this.#paused.delete(node.id);
		for (const run of waiting) run();
	}

	isPaused(node: SimNode): boolean {
		return this.#paused.has(node.id);
	}

	/** Runs now, or when the node's process goes on. */
	whenAwake(node: SimNode, run: () => void): void {
		const waiting = this.#paused.get(node.id);
		if (waiting === undefined) run();
		else waiting.push(run);
	}

	node(id: NodeId): SimNode {
		const node = this.#byId.get(id);
		if (node === undefined) throw new Error(`no node ${id}`);
		return node;
	}

	reaches(a: SimNode, b: SimNode): boolean {
		return a.up && b.up && !this.isPaused(b) && !this.isPaused(a) && !this.isCut(a, b);
	}

	isCut(a: SimNode, b: SimNode): boolean {
		return this.#farSide.has(a.id) !== this.#farSide.has(b.id);
	}

	/** No message passes between these machines and the rest; the connections are given up some seconds later. */
	split(side: readonly SimNode[]): boolean {
		if (this.#farSide.size > 0 || side.length === 0 || side.length === this.nodes.length) return false;
		for (const { id } of side) this.#farSide.add(id);
		if (this.#verbose)
			this.log.push(`${String(this.heap.now).padStart(8)} SPLIT ${side.map(({ id }) => this.nameOf(id)).join(' ')}`);
		this.#connections('disconnected', HANG_UP_MS);
		return true;
	}

	heal(): void {
		this.#connections('connected', RECONNECT_MS);
		this.#farSide.clear();
		if (this.#verbose) this.log.push(`${String(this.heap.now).padStart(8)} HEAL`);
	}

	/** Tells both ends of every cut link. */
	#connections(type: 'connected' | 'disconnected', withinMs: number): void {
		for (const a of this.nodes) {
			for (const b of this.nodes) {
				if (a === b || !this.isCut(a, b)) continue;
				this.heap.after(this.random.between(1, withinMs), () => {
					// The world may have changed again in the meantime.
					if (!a.up || (type === 'connected') === this.isCut(a, b) || (type === 'connected' && !b.up)) return;
					const event = type === 'connected' ? { type, peer: b.id } : { type, peer: b.id, cause: 'closed' as const };
					this.whenAwake(a, () => a.give(event));
				});
			}
		}
	}

	loseChain(node: SimNode): void {
		this.#chainless.add(node.id);
		this.whenAwake(node, () => node.give({ type: 'chain-lost' }));
	}

	#delay(): number {
		const base = this.random.between(1, this.options.delayMs);
		return this.random.chance(20) ? base * 8 : base;
	}

	gossip(from: SimNode, envelope: Envelope, raw: Uint8Array): void {
		this.statements++;
		this.#checkSequence(from, envelope);
		this.deliver(from, envelope, raw);
	}

	/** To every other machine that is up, with the network's losses and repeats. */
	deliver(from: SimNode, envelope: Envelope, raw: Uint8Array): void {
		for (const peer of this.nodes) {
			if (peer === from || !peer.up || this.isCut(from, peer)) continue;
			if (this.random.chance(this.options.lossPermille)) continue;
			const arrive = (): void => {
				if (peer.up) {
					this.whenAwake(peer, () => peer.give({ type: 'statement', envelope, raw, relay: from.id, ageMs: 0 }));
				}
			};
			this.heap.after(this.#delay(), arrive);
			if (this.random.chance(this.options.duplicatePermille)) this.heap.after(this.#delay(), arrive);
		}
	}

	/** One request and its answer; null when either side is gone or a message is lost. */
	call(
		from: SimNode,
		to: NodeId,
		ask: (peer: SimNode, reply: (answer: Answer) => void) => void,
		done: (a: Answer | null) => void,
	): void {
		const { life } = from;
		let settled = false;
		const settle = (answer: Answer | null): void => {
			if (settled || from.life !== life) return;
			settled = true;
			done(answer);
		};
		this.heap.after(CALL_TIMEOUT_MS, () => settle(null));
		const peer = this.node(to);
		this.heap.after(this.#delay(), () => {
			if (!this.reaches(from, peer)) return;
			ask(peer, (answer) => this.heap.after(this.#delay(), () => settle(answer)));
		});
	}

	/** Incarnation and sequence of a node only ever rise, also over crashes. */
	#checkSequence(from: SimNode, { incarnation, sequence }: Envelope): void {
		const [lastIncarnation, lastSequence] = this.#sequences.get(from.id) ?? [0, -1];
		if (incarnation < lastIncarnation || (incarnation === lastIncarnation && sequence <= lastSequence)) {
			this.#problems.push(`${from.id} went back from ${lastIncarnation}/${lastSequence} to ${incarnation}/${sequence}`);
		}
		this.#sequences.set(from.id, [incarnation, sequence]);
	}

	observe(node: SimNode, effect: Effect): void {
		if (effect.type === 'decision') {
			const { name, reason, work, peer, facts } = effect.decision;
			this.#happened(node, name, reason, peer ?? null, work ?? null);
			this.#note(node, `${name} ${reason} ${work?.slice(0, 6) ?? ''} ${peer ?? ''} ${JSON.stringify(facts ?? {})}`);
			if (name === 'takeover' && peer !== undefined) {
				const since = this.#lostHolders.get(peer);
				if (since !== undefined) this.#takeovers.push(this.heap.now - since);
				this.#lostHolders.delete(peer);
			}
		} else if (effect.type === 'alarm') {
			this.#happened(node, 'alarm', effect.alarm.code, null, null);
			this.#note(
				node,
				`ALARM ${effect.alarm.code} ${effect.alarm.subject.slice(0, 12)} ${JSON.stringify(effect.alarm.facts)}`,
			);
		}
	}

	#happened(node: SimNode, name: string, reason: string, peer: NodeId | null, work: WorkId | null): void {
		const other = peer === null ? null : this.nameOf(peer);
		this.happenings.push({ at: this.heap.now, node: this.nameOf(node.id), name, reason, peer: other, work });
	}

	/** An operator asks the machine to have the first partition proven for practice. */
	dryRun(node: SimNode): void {
		const [first] = this.chain.challenges;
		const [due] = first?.due ?? [];
		if (first === undefined || due === undefined) throw new Error('nothing is due');
		const { epoch: now } = this.chain;
		const window = { challenge: epoch(now), open: epoch(now), close: epoch(now + 60) };
		node.holdManifest(due.sectorRoot);
		node.give({ type: 'dry-run', challenge: { ...first.challenge, ...window, kind: 'dry', nonce: 77 }, due: [due] });
	}

	/** Sector files vanish from every disk. */
	lose(sectors: readonly number[]): void {
		this.lost = this.lost.union(Bitfield.of(sectors));
	}

	nameOf(id: NodeId): string {
		return this.nodes[0]?.config.roster.peers.find((peer) => peer.id === id)?.name ?? id;
	}

	named(name: string): SimNode {
		const node = this.nodes.find(({ id }) => this.nameOf(id) === name);
		if (node === undefined) throw new Error(`no machine is called ${name}`);
		return node;
	}

	trace(node: SimNode, event: Event): void {
		if (this.#verbose && event.type !== 'tick' && event.type !== 'statement') this.#note(node, `  <- ${event.type}`);
	}

	#note(node: SimNode, text: string): void {
		if (!this.#verbose) return;
		const time = String(this.heap.now).padStart(8);
		this.log.push(`${time} e${this.chain.epoch} ${this.nameOf(node.id).padEnd(12)} ${text}`);
	}

	/** After a quiet time everyone has the same announcements, results, messages and refusals. */
	#compareKnowledge(): void {
		const [first, ...rest] = this.nodes.filter(({ up }) => up);
		if (first?.state == null) return;
		const known = JSON.stringify(buildDigest(first.state).challenges);
		for (const { id, state } of rest) {
			if (state === null || JSON.stringify(buildDigest(state).challenges) === known) continue;
			this.#problems.push(`${this.nameOf(id)} knows other things than ${this.nameOf(first.id)} in the end`);
		}
	}

	#report(): Report {
		const items = this.options.deadlines * this.options.partitions;
		let missed = 0;
		for (const { challenge, due } of this.chain.challenges) {
			for (const { partition } of due) {
				if (this.chain.isPosted(challenge.deadline, partition)) continue;
				missed++;
				this.#problems.push(`missed deadline ${challenge.deadline} partition ${partition}`);
			}
		}
		for (const { message } of this.chain.landed) {
			if (message.call?.kind === 'submit-post' && message.call.params.skipped.size > 0) {
				this.#problems.push(
					`skipped ${message.call.params.skipped.size} sectors of partition ${message.call.params.partition}`,
				);
			}
		}
		this.#compareKnowledge();
		const wasted = this.chain.landed.filter(({ exitCode }) => exitCode !== 0).length;
		return {
			seed: this.options.seed,
			items,
			missed,
			wasted,
			extraProofs: Math.max(0, this.proofsStarted - items),
			takeovers: this.#takeovers,
			statements: this.statements,
			problems: this.#problems,
		};
	}
}

/** Two storage, two provers, two chain and submitter, a bootstrap and a prover, over and over; few machines do more each. */
function machinesOf(count: number): readonly Machine[] {
	const all: readonly Role[] = ['chain', 'storage', 'prover', 'submitter'];
	const pattern: readonly (readonly Role[])[] = [
		['chain', 'submitter'],
		['storage'],
		['prover'],
		['storage'],
		['chain', 'submitter'],
		['prover'],
		['bootstrap'],
		['prover'],
	];
	const few: readonly (readonly Role[])[] = [all, ['chain', 'storage', 'submitter'], ['prover']];
	return Array.from({ length: count }, (_, i) => {
		const roles = (count < 6 ? few[Math.min(i, 2)] : pattern[i % pattern.length]) as readonly Role[];
		return { name: `${roles[0]}-${i + 1}`, roles, slots: roles.includes('prover') ? 2 : 0 };
	});
}
