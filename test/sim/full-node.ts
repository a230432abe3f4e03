/**
 * A machine's full node: the head it follows, the pool it keeps, and its answers to the poster node. It outlives the
 * poster node's process and has troubles of its own.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ChainView, PoolMessage } from '../../src/core/api.ts';
import type { MessageLookup } from '../../src/domain/chain.ts';
import { type CidText, cidText, epoch } from '../../src/domain/ids.ts';
import type { Message } from '../../src/domain/message.ts';
import { receiptKey, type SimChain, type SimMiner, type Slot, type Tipset } from './chain.ts';
import type { Heap } from './heap.ts';
import { Pool } from './pool.ts';
import type { Random } from './random.ts';

const NO_MESSAGES: readonly PoolMessage[] = [];
/** A pool sends its own messages out again this often (Lotus: 10 epochs). */
const REPUBLISH_EPOCHS = 10;
const GOSSIP_LEAST_MS = 20;
const GOSSIP_MOST_MS = 300;

/** The pools of all full nodes and of the block producers, and what is lost on the way between them. */
export class PoolGossip {
	readonly fullNodes: FullNode[] = [];
	/** Per mille lost on the way, and dropped from each pool in an epoch. */
	lossPermille = 0;
	readonly #heap: Heap;
	readonly #chain: SimChain;
	readonly #random: Random;

	constructor(heap: Heap, chain: SimChain, random: Random) {
		this.#heap = heap;
		this.#chain = chain;
		this.#random = random;
	}

	send(from: FullNode, message: PoolMessage): void {
		const arrive = (pool: Pool, nonces: () => ReadonlyMap<string, number>): void => {
			if (this.#random.chance(this.lossPermille)) return;
			this.#heap.after(this.#random.between(GOSSIP_LEAST_MS, GOSSIP_MOST_MS), () => {
				const { from: sender } = message.signed.message;
				pool.add(message, nonces().get(sender) ?? 0);
			});
		};
		arrive(this.#chain.pool, () => this.#chain.tip.nonces);
		for (const other of this.fullNodes) {
			if (other !== from && !other.isDown) arrive(other.pool, () => other.head.nonces);
		}
	}

	/** Once in an epoch. */
	drop(): void {
		this.#chain.pool.lose(this.lossPermille, this.#random);
		for (const { pool } of this.fullNodes) pool.lose(this.lossPermille, this.#random);
	}

	clear(): void {
		this.#chain.pool.clear();
		for (const { pool } of this.fullNodes) pool.clear();
	}
}

export class FullNode {
	readonly node: number;
	readonly pool = new Pool();
	head: Tipset;
	/** Troubles at the moment: it answers nobody, or its head stands still. */
	down = 0;
	stale = 0;
	/** Messages that came in by this full node itself. */
	readonly #own = new Set<CidText>();
	readonly #chain: SimChain;
	readonly #gossip: PoolGossip;

	constructor(node: number, chain: SimChain, gossip: PoolGossip) {
		this.node = node;
		this.#chain = chain;
		this.#gossip = gossip;
		this.head = chain.tip;
		gossip.fullNodes.push(this);
	}

	get isDown(): boolean {
		return this.down > 0;
	}

	/** Takes over the newest tipset of its branch; false when there is none. */
	follow(): boolean {
		const before = this.head;
		const tip = this.#chain.tipFor(this.node);
		if (this.isDown || this.stale > 0 || tip === before) return false;
		this.head = tip;
		if (tip.parent !== before) this.#takeBack(before, tip);
		this.pool.prune(tip.nonces);
		if (tip.height % REPUBLISH_EPOCHS === 0) {
			for (const message of this.pool.messages) if (this.#own.has(message.cid)) this.#gossip.send(this, message);
		}
		return true;
	}

	/** What only the branch before had included waits in the pool again. */
	#takeBack(before: Tipset, after: Tipset): void {
		for (const [key, { message }] of before.receipts) {
			if (after.receipts.get(key)?.message.cid === message.cid) continue;
			const { from } = message.signed.message;
			if (this.pool.add(message, after.nonces.get(from) ?? 0) === null) this.#gossip.send(this, message);
		}
	}

	/** The branch it followed is gone, with all that its pool could have kept of it. */
	forget(): void {
		this.head = this.#chain.tip;
	}

	/** Error code, or null when the pool takes the message or has it. */
	push(message: PoolMessage): string | null {
		if (this.isDown) return 'chain-rpc';
		const before = this.pool.messages;
		const code = this.pool.add(message, this.head.nonces.get(message.signed.message.from) ?? 0);
		if (code !== null || this.pool.messages === before) return code;
		this.#own.add(message.cid);
		this.#gossip.send(this, message);
		return null;
	}

	view(miner: SimMiner, withPool: boolean): ChainView {
		return this.#chain.view(miner, this.head, withPool ? this.pool.of(miner.sender) : NO_MESSAGES);
	}

	/** In PostSubmissions of the head or of the one before. */
	isPosted(slot: Slot, partition: number): boolean {
		const { posted, parent } = this.head;
		return [posted, parent?.posted].some((sets) => sets?.get(slot.index)?.has(partition) === true);
	}

	/** As full nodes answer: the message, or one with the same call that replaced it; of others at its nonce nothing. */
	search(cid: CidText, { from, nonce, params }: Message): { lookup: MessageLookup | null; posted: boolean } {
		const found = this.head.receipts.get(receiptKey(from, nonce));
		// One more tipset must stand on the including one.
		if (found === undefined || found.height >= this.head.height) return { lookup: null, posted: false };
		if (bytesToHex(found.message.signed.message.params) !== bytesToHex(params)) return { lookup: null, posted: false };
		return {
			posted: found.exitCode === 0,
			lookup: {
				message: found.message.cid === cid ? cid : found.message.cid,
				exitCode: found.exitCode,
				gasUsed: 1,
				tipSet: [cidText(`tipset-${found.height}`)],
				height: epoch(found.height),
			},
		};
	}
}
