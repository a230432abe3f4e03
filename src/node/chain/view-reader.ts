/** Reads everything the core wants to know of one miner, all of it at one head. */

import { encodeSignedMessage, signedMessageCid } from '../../codec/message.ts';
import { decodeMinerCall } from '../../codec/miner-params.ts';
import type { ChainView, ChallengeView, PoolMessage } from '../../core/api.ts';
import { Bitfield } from '../../domain/bitfield.ts';
import type { DeadlineState, TipSet } from '../../domain/chain.ts';
import { isPosterError } from '../../domain/errors.ts';
import type { ActorId } from '../../domain/ids.ts';
import type { MinerCall, SignedMessage } from '../../domain/message.ts';
import type { PoStProofType } from '../../domain/proof.ts';
import type { Chain } from '../../ports/chain.ts';
import { type DeadlineWindow, dueDeadlines } from './due-deadlines.ts';
import type { DuePartitions } from './due-partitions.ts';
import type { SenderCheck } from './sender-check.ts';

export interface ViewQuery {
	readonly miner: ActorId;
	/** Key address that sends for the miner. */
	readonly sender: string;
	readonly head: TipSet;
	/** Messages of this node's pool, of all senders; empty where this node submits nothing. */
	readonly pool: readonly SignedMessage[];
}

export class ViewReader {
	readonly #chain: Chain;
	readonly #partitions: DuePartitions;
	readonly #senders: SenderCheck;
	/** Proof type of each miner, read anew in each proving period: it changes by a network upgrade only. */
	readonly #proofTypes = new Map<ActorId, { readonly periodStart: number; readonly proofType: PoStProofType }>();

	constructor(chain: Chain, partitions: DuePartitions, senders: SenderCheck) {
		this.#chain = chain;
		this.#partitions = partitions;
		this.#senders = senders;
	}

	async read({ miner, sender, head, pool }: ViewQuery): Promise<ChainView> {
		const at = head.key;
		const info = await this.#chain.provingDeadline(miner, at);
		const windows = dueDeadlines(info);
		const { periodStart } = info;
		const [{ nonce, fault }, proofType, deadlines] = await Promise.all([
			this.#senders.read({ miner, sender, periodStart, at }),
			this.#proofType(miner, periodStart, at),
			windows.length === 0 ? [] : this.#chain.deadlines(miner, at),
		]);
		const challenges: ChallengeView[] = [];
		for (const window of windows) {
			challenges.push(await this.#challenge(miner, window, proofType, deadlines, head));
		}
		const oldest = windows[0];
		if (oldest !== undefined) this.#partitions.forget(miner, oldest.open);
		return {
			miner,
			epoch: head.height,
			challenges,
			sender: {
				address: sender,
				nonce,
				fault,
				pool: pool
					.filter(({ message }) => message.from === sender)
					.map(poolMessage)
					.sort(byNonce),
			},
			baseFee: head.parentBaseFee,
		};
	}

	async #challenge(
		miner: ActorId,
		window: DeadlineWindow,
		proofType: PoStProofType,
		deadlines: readonly DeadlineState[],
		head: TipSet,
	): Promise<ChallengeView> {
		const isOpen = window.open <= head.height;
		const posted = isOpen ? (deadlines[window.deadline]?.postSubmissions ?? Bitfield.empty) : null;
		const [due, randomness] = await Promise.all([
			this.#partitions.read({
				miner,
				deadline: window.deadline,
				turn: window.open,
				posted: posted ?? Bitfield.empty,
				at: head.key,
			}),
			this.#chain.postRandomness(miner, window.challenge, head.key),
		]);
		return { challenge: { kind: 'post', nonce: 0, miner, ...window, randomness, proofType }, due, posted };
	}

	async #proofType(miner: ActorId, periodStart: number, at: TipSet['key']): Promise<PoStProofType> {
		const known = this.#proofTypes.get(miner);
		if (known?.periodStart === periodStart) return known.proofType;
		const { windowPoStProofType } = await this.#chain.minerInfo(miner, at);
		this.#proofTypes.set(miner, { periodStart, proofType: windowPoStProofType });
		return windowPoStProofType;
	}
}

function poolMessage(signed: SignedMessage): PoolMessage {
	return {
		cid: signedMessageCid(signed),
		bytes: encodeSignedMessage(signed),
		signed,
		call: callOf(signed),
	};
}

/** Null for whatever else the sender's key was used for: the core must know that its nonce is taken. */
function callOf({ message }: SignedMessage): MinerCall | null {
	try {
		return decodeMinerCall(message.method, message.params);
	} catch (error) {
		if (isPosterError(error, 'bad-params', 'bad-cbor', 'bad-bitfield')) return null;
		throw error;
	}
}

function byNonce(a: PoolMessage, b: PoolMessage): number {
	return a.signed.message.nonce - b.signed.message.nonce || (a.cid < b.cid ? -1 : 1);
}
