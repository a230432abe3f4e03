/**
 * The chain as a state machine: tipsets are built, reverted and replaced on request, without clock or IO. Everything but
 * the messages follows from the seed.
 */
import { assert, isPosterError } from '../../domain/errors.ts';
import { type CidText, cidText, epoch, type Hex32 } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Message, SignedMessage } from '../../domain/message.ts';
import { type Applied, applyMessage } from '../actor/apply.ts';
import type { CallContext } from '../actor/context.ts';
import { endEpoch } from '../actor/cron.ts';
import type { ChainEvent } from '../actor/events.ts';
import type { World } from '../actor/state.ts';
import type { Policy } from '../policy.ts';
import { nextBaseFee } from './base-fee.ts';
import { type BlockHeader, blockCid, link, listCid } from './block.ts';
import { beaconEntry, digestOf, draw, drawTag, filler, int64, postChallenge, ticketOf } from './randomness.ts';
import { ancestry, type Executed, type TipSetNode, tipSetAt } from './tipset.ts';

export interface ChainOptions {
	readonly seed: string;
	readonly policy: Policy;
	readonly startEpoch: number;
	readonly baseFee: bigint;
	/** Unix seconds of the first tipset. */
	readonly genesisTimestamp: number;
	readonly epochMs: number;
	readonly world: World;
	readonly verify: CallContext['verify'];
}

/** A message with the CID under which it lands. */
export interface Pooled {
	readonly signed: SignedMessage;
	readonly cid: CidText;
}

/** Messages that could not be judged, because the verifier gave no verdict: they stay in the pool. */
export interface Built {
	readonly node: TipSetNode;
	readonly unjudged: readonly { readonly cid: CidText; readonly cause: unknown }[];
}

const FIRST_PARENT = cidText('bafyreiaqpwbbyjo4a42saasj36kkrpv4tsherf2e7bvezkert2a7dhonoi');
const NO_AGGREGATE = { type: 2, data: Uint8Array.of(0xc0, ...new Uint8Array(95)) };
/** Every block is made by this system address: block production is not simulated. */
const BLOCK_MINER = 'f099';

export class Chain {
	readonly genesis: TipSetNode;
	readonly #options: ChainOptions;
	readonly #byCid = new Map<CidText, TipSetNode>();
	#head: TipSetNode;
	/** Grows with every reorg, so that the new tipsets differ from the reverted ones. */
	#fork = 0;
	#pinnedBaseFee: bigint | undefined;

	constructor(options: ChainOptions) {
		this.#options = options;
		this.genesis = this.#seal({ parent: undefined, height: options.startEpoch, executed: [], world: options.world });
		this.#head = this.genesis;
	}

	get head(): TipSetNode {
		return this.#head;
	}

	get policy(): Policy {
		return this.#options.policy;
	}

	get seed(): string {
		return this.#options.seed;
	}

	byCid(cid: CidText): TipSetNode | undefined {
		return this.#byCid.get(cid);
	}

	/** Base fee of the tipset that follows `node`. */
	baseFeeAfter(node: TipSetNode): bigint {
		const gasLimits = node.executed.reduce((sum, { signed }) => sum + signed.message.gasLimit, 0);
		return this.#pinnedBaseFee ?? nextBaseFee(node.header.parentBaseFee, gasLimits);
	}

	/** Holds the base fee of all later tipsets; undefined lets it float again. */
	pinBaseFee(baseFee: bigint | undefined): void {
		this.#pinnedBaseFee = baseFee;
	}

	/** State in which the next tipset's messages will run, `nulls` null rounds later. */
	worldAfter(node: TipSetNode, nulls: number): { readonly world: World; readonly events: readonly ChainEvent[] } {
		let { after: world } = node;
		const events: ChainEvent[] = [];
		for (let height = node.height + 1; height <= node.height + nulls; height++) {
			const ended = endEpoch(this.policy, world, height);
			world = ended.world;
			events.push(...ended.missed.map((missed) => ({ kind: 'missed' as const, ...missed })));
		}
		return { world, events };
	}

	/** Builds the next tipset on the head; it becomes the head by `adopt`. */
	async build(messages: readonly Pooled[], nulls: number): Promise<Built> {
		const parent = this.#head;
		const height = parent.height + nulls + 1;
		const ticket = ticketOf(this.seed, parent.header.ticket, height, this.#fork);
		const context = this.#context(height, (at) => (at > parent.height ? ticket : this.ticket(parent, at)));
		const baseFee = this.baseFeeAfter(parent);
		const started = this.worldAfter(parent, nulls);
		const events = [...started.events];
		const executed: Executed[] = [];
		const unjudged: { cid: CidText; cause: unknown }[] = [];
		let { world } = started;
		const waiting = new Set<string>();
		for (const { signed, cid } of messages) {
			// The later messages of a sender whose message waits have to wait too, or their nonces would not follow.
			if (waiting.has(signed.message.from)) continue;
			try {
				const applied = await applyMessage(context, world, signed.message, { baseFee, cid });
				world = applied.world;
				if (applied.event !== undefined) events.push(applied.event);
				executed.push({ signed, cid, receipt: applied.receipt });
			} catch (cause) {
				if (!isPosterError(cause, 'verifier-no-key', 'verifier-unavailable')) throw cause;
				unjudged.push({ cid, cause });
				waiting.add(signed.message.from);
			}
		}
		assert(this.#head === parent, 'tipsets are built one after another');
		return { node: this.#seal({ parent, height, executed, world, ticket, events }), unjudged };
	}

	/** Makes a built tipset the head; answers the tipsets that the chain forgets for it, oldest first. */
	adopt(node: TipSetNode): readonly TipSetNode[] {
		assert(node.parent === this.#head, 'a tipset extends the head');
		this.#head = node;
		this.#byCid.set(node.cid, node);
		return this.#forget();
	}

	/** Sets the head back by at most `depth` tipsets; the reverted ones, newest first. */
	revert(depth: number): readonly TipSetNode[] {
		const reverted: TipSetNode[] = [];
		while (reverted.length < depth && this.#head.parent !== undefined) {
			reverted.push(this.#head);
			this.#head = this.#head.parent;
		}
		if (reverted.length > 0) this.#fork++;
		return reverted;
	}

	/** Ticket that commit randomness of an epoch is drawn from, as seen from `node`. */
	ticket(node: TipSetNode, at: number): Uint8Array {
		return tipSetAt(node, at, 'after').header.ticket;
	}

	/** Tries a message on a state at a tipset's epoch: nothing is kept. */
	try(node: TipSetNode, world: World, message: Message): Promise<Applied> {
		return applyMessage(
			this.#context(node.height, (at) => this.ticket(node, at)),
			world,
			message,
		);
	}

	#context(height: number, ticket: (at: number) => Uint8Array): Omit<CallContext, 'caller'> {
		const { policy, seed, verify } = this.#options;
		return {
			policy,
			epoch: epoch(height),
			verify,
			commitRandomness: (at): Hex32 => draw(drawTag.postCommit, digestOf(ticket(at)), at, new Uint8Array()),
			postChallenge: (miner, challengeEpoch) => postChallenge(seed, miner, challengeEpoch),
		};
	}

	#seal(content: {
		readonly parent: TipSetNode | undefined;
		readonly height: number;
		readonly executed: readonly Executed[];
		readonly world: World;
		readonly ticket?: Uint8Array;
		readonly events?: readonly ChainEvent[];
	}): TipSetNode {
		const { parent, height, executed, world } = content;
		const header = this.#header(parent, height, executed, content.ticket);
		const cid = blockCid(header);
		const ended = parent === undefined ? { world, missed: [] } : endEpoch(this.policy, world, height);
		const node: TipSetNode = {
			cid,
			key: [cid],
			height: epoch(height),
			header,
			executed,
			before: parent?.after ?? world,
			executedWorld: world,
			after: ended.world,
			events: [...(content.events ?? []), ...ended.missed.map((missed) => ({ kind: 'missed' as const, ...missed }))],
			parent,
		};
		if (parent === undefined) this.#byCid.set(cid, node);
		return node;
	}

	#header(
		parent: TipSetNode | undefined,
		height: number,
		executed: readonly Executed[],
		ticket: Uint8Array = filler(this.seed, 'genesis'),
	): BlockHeader {
		const { startEpoch, genesisTimestamp, epochMs, baseFee } = this.#options;
		const beaconEntries = [];
		for (let at = (parent?.height ?? height - 1) + 1; at <= height; at++)
			beaconEntries.push(beaconEntry(this.seed, at));
		const receipts = listCid(parent?.executed.map(({ receipt }) => [receipt.exitCode, receipt.gasUsed]) ?? []);
		return {
			miner: BLOCK_MINER,
			ticket,
			electionProof: { winCount: 1, vrfProof: filler(this.seed, 'election', ticket) },
			beaconEntries,
			winPostProofs: [{ type: 0, bytes: new TextEncoder().encode('valid proof') }],
			parents: parent?.key ?? [FIRST_PARENT],
			parentWeight: parent === undefined ? 0n : parent.header.parentWeight + 1000n,
			height,
			// Not a state tree: a hash chain over everything that was executed.
			parentStateRoot: listCid(parent === undefined ? [] : [link(parent.header.parentStateRoot), link(receipts)]),
			parentMessageReceipts: receipts,
			messages: listCid(executed.map(({ cid }) => link(cid))),
			blsAggregate: NO_AGGREGATE,
			timestamp: genesisTimestamp + Math.floor(((height - startEpoch) * epochMs) / 1000),
			blockSignature: { type: 2, data: filler(this.seed, 'block', ticket, int64(height)) },
			forkSignaling: 0,
			parentBaseFee: parent === undefined ? baseFee : this.baseFeeAfter(parent),
		};
	}

	/** Bounds memory: a tipset's child lets go of it, so does the map. */
	#forget(): readonly TipSetNode[] {
		if (this.#byCid.size <= limits.devnetTipSets) return [];
		const line = [...ancestry(this.#head)];
		const kept = line.slice(0, limits.devnetTipSetsKept);
		const oldest = kept.at(-1) as TipSetNode;
		oldest.parent = undefined;
		this.#byCid.clear();
		for (const node of kept) this.#byCid.set(node.cid, node);
		this.#byCid.set(this.genesis.cid, this.genesis);
		return line.slice(limits.devnetTipSetsKept).reverse();
	}
}
