/**
 * The chain: tipsets with the state after each, the rules that decide whether a partition counts as proven, null rounds
 * and branches that lose. Proofs are recorded without a look at them, as the real actor does.
 */
import { secpAddress } from '../../src/codec/address.ts';
import { encodeManifest, manifestRoot } from '../../src/codec/manifest.ts';
import { sha256Hex } from '../../src/codec/work-id.ts';
import type { ChainView, ChallengeView, PoolMessage } from '../../src/core/api.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import {
	type ActorId,
	actorId,
	attoFil,
	deadlineIndex,
	epoch,
	type Hex32,
	hex32,
	partitionIndex,
	sectorNumber,
} from '../../src/domain/ids.ts';
import type { PostParams } from '../../src/domain/message.ts';
import type { Challenge } from '../../src/domain/work.ts';
import { challengeEpoch, closeEpoch, openEpoch, type Plan, sectorsOf } from './plan.ts';
import { Pool } from './pool.ts';

const PROOF_TYPE = 10;
const FIRST_MINER = 1000;
export const EXIT_REFUSED = 16;
const EXIT_OUT_OF_GAS = 7;
const BASE_FEE = 100n;
const MESSAGES_PER_TIPSET = 6;

/** A message in a tipset. */
export interface Receipt {
	readonly message: PoolMessage;
	readonly height: number;
	readonly exitCode: number;
}

/** The chain up to a height, and the state right after it. Never changed. */
export interface Tipset {
	readonly height: number;
	readonly parent: Tipset | null;
	readonly baseFee: bigint;
	readonly nonces: ReadonlyMap<string, number>;
	/** Proven partitions by slot (`Slot.index`). */
	readonly posted: ReadonlyMap<number, Bitfield>;
	/** By sender and nonce. */
	readonly receipts: ReadonlyMap<string, Receipt>;
	/** Of the challenges so far, by slot. */
	readonly randomness: ReadonlyMap<number, Hex32>;
}

/** One deadline of one miner: what is due there whatever its randomness turns out to be. */
export interface Slot {
	readonly index: number;
	readonly miner: ActorId;
	readonly sender: string;
	readonly deadline: number;
	readonly periodStart: number;
	readonly challenge: number;
	readonly open: number;
	readonly close: number;
	readonly due: ChallengeView['due'];
}

/** A branch that loses when the epoch has come; `idle`: the winner takes in no message until then. */
interface Fork {
	tip: Tipset;
	readonly label: string;
	readonly until: number;
	readonly nodes: ReadonlySet<number>;
	readonly idle: boolean;
}

export interface SimMiner {
	readonly miner: ActorId;
	readonly sender: string;
}

export class SimChain {
	readonly miners: readonly SimMiner[];
	readonly slots: readonly Slot[];
	/** Sectors of each manifest by its root. */
	readonly manifests = new Map<Hex32, Bitfield>();
	/** What block producers know. */
	readonly pool = new Pool();
	epoch = 0;
	tip: Tipset;
	baseFee = BASE_FEE;
	/** Most messages that one tipset takes. */
	blockMessages: number;
	/** Messages that will run out of gas, and rounds without a block. */
	outOfGas = 0;
	nullRounds = 0;
	readonly #seed: number;
	#fork: Fork | null = null;
	#forks = 0;
	readonly #challenges = new Map<string, Challenge>();
	readonly #shown = new WeakMap<Tipset, Map<string, readonly ChallengeView[]>>();

	constructor(plan: Plan) {
		this.#seed = plan.seed;
		this.blockMessages = plan.tipsetMessages ?? MESSAGES_PER_TIPSET;
		this.miners = Array.from({ length: plan.miners }, (_, i) => ({
			miner: actorId(FIRST_MINER + i),
			sender: secpAddress(new Uint8Array(65).fill(7 + i)),
		}));
		this.slots = this.miners.flatMap(({ miner, sender }, m) =>
			Array.from({ length: plan.deadlines }, (_, d) => ({
				index: m * plan.deadlines + d,
				miner,
				sender,
				deadline: d,
				periodStart: openEpoch(plan, m, 0),
				challenge: challengeEpoch(plan, m, d),
				open: openEpoch(plan, m, d),
				close: closeEpoch(plan, m, d),
				due: Array.from({ length: plan.due?.[m] ?? plan.partitions }, (_, p) =>
					this.#partition(sectorsOf(plan, m, d, p), p),
				),
			})),
		);
		this.tip = {
			height: 0,
			parent: null,
			baseFee: BASE_FEE,
			nonces: new Map(),
			posted: new Map(),
			receipts: new Map(),
			randomness: new Map(),
		};
	}

	#partition(numbers: readonly number[], partition: number): ChallengeView['due'][number] {
		const manifest = numbers.map((number) => ({
			number: sectorNumber(number),
			commR: sha256Hex(new TextEncoder().encode(`comm_r/${number}`)),
			updated: false,
		}));
		const sectorRoot = manifestRoot(encodeManifest(manifest));
		this.manifests.set(sectorRoot, Bitfield.of(numbers));
		return { partition: partitionIndex(partition), sectorCount: numbers.length, sectorRoot };
	}

	/** The head that a full node of this machine follows. */
	tipFor(node: number): Tipset {
		return this.#fork?.nodes.has(node) === true ? this.#fork.tip : this.tip;
	}

	/** From now on these full nodes follow a branch that loses `depth` epochs later. */
	fork(depth: number, nodes: readonly number[], idle: boolean): void {
		if (this.#fork !== null) return;
		const label = `fork${this.#forks++}`;
		this.#fork = { tip: this.tip, label, until: this.epoch + depth, nodes: new Set(nodes), idle };
	}

	/** The next epoch begins, in most cases with a tipset. */
	advance(): void {
		this.epoch++;
		if (this.#fork !== null && this.epoch > this.#fork.until) this.#fork = null;
		if (this.nullRounds > 0) {
			this.nullRounds--;
			return;
		}
		const fork = this.#fork;
		if (fork !== null) fork.tip = this.#extend(fork.tip, fork.label, true);
		this.tip = this.#extend(this.tip, '', fork?.idle !== true);
		this.pool.prune(this.tip.nonces);
	}

	#extend(parent: Tipset, branch: string, full: boolean): Tipset {
		const height = this.epoch;
		let { randomness } = parent;
		for (const { index, challenge } of this.slots) {
			if (challenge > height || randomness.has(index)) continue;
			// Drawn from the tipset at the challenge: another branch has another one.
			const hash = sha256Hex(new TextEncoder().encode(`randomness/${this.#seed}/${index}${branch}`));
			randomness = new Map(randomness).set(index, hex32(`${hash.slice(0, 62)}00`));
		}
		const block = new Block({ ...parent, height, parent, baseFee: this.baseFee, randomness });
		for (const { sender } of full ? this.miners : []) {
			for (;;) {
				const message = this.pool.next(sender, block.nonce(sender));
				if (block.included >= this.blockMessages || message === undefined) break;
				if (message.signed.message.gasFeeCap < this.baseFee) break;
				this.#include(block, message);
			}
		}
		return block.tipset();
	}

	/** A message lands at the next nonce, whatever waited for it. */
	land(message: PoolMessage): void {
		const block = new Block(this.tip);
		this.#include(block, message);
		this.tip = block.tipset();
		this.pool.prune(this.tip.nonces);
	}

	#include(block: Block, message: PoolMessage): void {
		const { call } = message;
		const slot = this.slotOf(message);
		const params = call?.kind === 'submit-post' ? call.params : null;
		const isOpen = slot !== undefined && block.height >= slot.open && block.height < slot.close;
		if (!isOpen || params === null || block.isPosted(slot.index, params.partition)) {
			block.include(message, EXIT_REFUSED);
		} else if (this.outOfGas > 0) {
			this.outOfGas--;
			block.include(message, EXIT_OUT_OF_GAS);
		} else {
			block.include(message, 0);
			block.post(slot.index, params);
		}
	}

	slotOf({ signed, call }: PoolMessage): Slot | undefined {
		if (call?.kind !== 'submit-post') return undefined;
		const { from } = signed.message;
		return this.slots.find(({ sender, deadline }) => sender === from && deadline === call.params.deadline);
	}

	/** The challenge as a branch has it; null before its epoch. */
	challengeOf(slot: Slot, tip: Tipset): Challenge | null {
		const randomness = tip.randomness.get(slot.index);
		return randomness === undefined ? null : this.challengeWith(slot, randomness);
	}

	challengeWith(slot: Slot, randomness: Hex32): Challenge {
		const key = `${slot.index}/${randomness}`;
		const known = this.#challenges.get(key);
		if (known !== undefined) return known;
		const challenge: Challenge = Object.freeze({
			kind: 'post',
			nonce: 0,
			miner: slot.miner,
			periodStart: epoch(slot.periodStart),
			deadline: deadlineIndex(slot.deadline),
			challenge: epoch(slot.challenge),
			open: epoch(slot.open),
			close: epoch(slot.close),
			randomness,
			proofType: PROOF_TYPE,
		});
		this.#challenges.set(key, challenge);
		return challenge;
	}

	/** What a full node at this head shows of the miner; of the first miner at the epoch itself when nothing is said. */
	view(
		{ miner, sender }: SimMiner = this.miners[0] as SimMiner,
		head: Tipset = { ...this.tip, height: this.epoch, baseFee: this.baseFee },
		pool: readonly PoolMessage[] = this.pool.of(sender),
	): ChainView {
		return {
			miner,
			epoch: epoch(head.height),
			challenges: this.#challengesAt(head, sender),
			sender: { address: sender, nonce: head.nonces.get(sender) ?? 0, pool },
			baseFee: attoFil(head.baseFee),
		};
	}

	/** One for all full nodes that follow the tipset. */
	#challengesAt(tip: Tipset, sender: string): readonly ChallengeView[] {
		const bySender = this.#shown.get(tip) ?? new Map<string, readonly ChallengeView[]>();
		this.#shown.set(tip, bySender);
		const known = bySender.get(sender);
		if (known !== undefined) return known;
		const views = this.slots.flatMap((slot): readonly ChallengeView[] => {
			const due = slot.sender === sender && slot.challenge < tip.height && tip.height < slot.close;
			const challenge = due ? this.challengeOf(slot, tip) : null;
			if (challenge === null) return [];
			const posted = slot.open <= tip.height ? (tip.posted.get(slot.index) ?? Bitfield.empty) : null;
			return [{ challenge, due: slot.due, posted }];
		});
		bySender.set(sender, views);
		return views;
	}

	/** The last epochs' tipsets give way to one without a message. */
	rewind(epochs: number): void {
		let base = this.tip;
		while (base.parent !== null && base.height > this.epoch - epochs) base = base.parent;
		this.tip = { ...base, height: this.epoch, parent: base };
	}

	/** Every message on the chain as it is now, ascending by height. */
	get landed(): readonly Receipt[] {
		return [...this.tip.receipts.values()].sort((a, b) => a.height - b.height);
	}

	isPosted({ index }: Slot, partition: number): boolean {
		return this.tip.posted.get(index)?.has(partition) === true;
	}

	/** Sectors that accepted messages declared faulty. */
	get skippedSectors(): number {
		return this.landed.reduce((sum, { message, exitCode }) => sum + (exitCode === 0 ? skipsOf(message).size : 0), 0);
	}
}

export function skipsOf({ call }: PoolMessage): Bitfield {
	return call?.kind === 'submit-post' ? call.params.skipped : Bitfield.empty;
}

export function receiptKey(sender: string, nonce: number): string {
	return `${sender}/${nonce}`;
}

/** A tipset in the making: copies of the parent's state are made when they change. */
class Block {
	readonly #parent: Tipset;
	#nonces: Map<string, number> | null = null;
	#posted: Map<number, Bitfield> | null = null;
	#receipts: Map<string, Receipt> | null = null;
	included = 0;

	constructor(base: Tipset) {
		this.#parent = base;
	}

	get height(): number {
		return this.#parent.height;
	}

	nonce(sender: string): number {
		return (this.#nonces ?? this.#parent.nonces).get(sender) ?? 0;
	}

	isPosted(slot: number, partition: number): boolean {
		return (this.#posted ?? this.#parent.posted).get(slot)?.has(partition) === true;
	}

	include(message: PoolMessage, exitCode: number): void {
		const { from } = message.signed.message;
		const nonce = this.nonce(from);
		this.#nonces = (this.#nonces ?? new Map(this.#parent.nonces)).set(from, nonce + 1);
		const receipt = { message, height: this.height, exitCode };
		this.#receipts = (this.#receipts ?? new Map(this.#parent.receipts)).set(receiptKey(from, nonce), receipt);
		this.included++;
	}

	post(slot: number, { partition }: PostParams): void {
		const before = (this.#posted ?? this.#parent.posted).get(slot) ?? Bitfield.empty;
		this.#posted = (this.#posted ?? new Map(this.#parent.posted)).set(slot, before.union(Bitfield.of([partition])));
	}

	tipset(): Tipset {
		const { nonces, posted, receipts } = this.#parent;
		return {
			...this.#parent,
			nonces: this.#nonces ?? nonces,
			posted: this.#posted ?? posted,
			receipts: this.#receipts ?? receipts,
		};
	}
}
