/** Carries out what the core decides about messages: look before signing, sign, push, find again. */
import { minerAddress } from '../../codec/address.ts';
import { encodeMinerCall } from '../../codec/miner-params.ts';
import { submissionOf } from '../../codec/submission.ts';
import type { EffectOf, Event } from '../../core/api.ts';
import type { TipSetKey } from '../../domain/chain.ts';
import { isPosterError } from '../../domain/errors.ts';
import { type ActorId, type AttoFil, attoFil, epoch } from '../../domain/ids.ts';
import type { Message, PostParams } from '../../domain/message.ts';
import type { WorkItem } from '../../domain/work.ts';
import type { Chain } from '../../ports/chain.ts';
import type { Log } from '../../ports/log.ts';
import type { Wallet } from '../../ports/wallet.ts';

export interface SubmitterPorts {
	readonly chain: Chain;
	readonly wallet: Wallet | undefined;
	readonly log: Log;
}

export interface SubmitterOptions {
	/** Key address that the roster names for the miner. */
	readonly sender: (miner: ActorId) => string | undefined;
	readonly maxFee: AttoFil;
	readonly enqueue: (event: Event) => void;
}

export class Submitter {
	readonly #ports: SubmitterPorts;
	readonly #options: SubmitterOptions;

	constructor(ports: SubmitterPorts, options: SubmitterOptions) {
		this.#ports = ports;
		this.#options = options;
	}

	/** Effect `prepare`. Randomness may have changed by a reorg, and the partition may have been posted meanwhile. */
	async prepare({ work, proof, skipped }: EffectOf<'prepare'>): Promise<void> {
		const { chain } = this.#ports;
		try {
			const head = await chain.head();
			const commitEpoch = work.challenge;
			const [randomness, commitRandomness, before, now] = await Promise.all([
				chain.postRandomness(work.miner, work.challenge, head.key),
				chain.commitRandomness(commitEpoch, head.key),
				this.#isPosted(work, head.parents),
				this.#isPosted(work, head.key),
			]);
			const params: PostParams = {
				deadline: work.deadline,
				partition: work.partition,
				skipped,
				proofType: work.proofType,
				proof,
				commitEpoch,
				commitRandomness,
			};
			const posted = before || now;
			const gas = posted
				? { limit: 0, feeCap: attoFil(0n), premium: attoFil(0n) }
				: await this.#gas(work, params, head.key);
			this.#options.enqueue({
				type: 'prepared',
				work: work.id,
				epoch: head.height,
				randomness,
				posted,
				commitEpoch,
				commitRandomness,
				gas,
			});
		} catch (error) {
			if (!isPosterError(error)) throw error;
			this.#ports.log.warn({ error, code: error.code, work: work.id }, 'a message could not be prepared');
			this.#options.enqueue({
				type: 'prepare-failed',
				work: work.id,
				code: error.code,
				refused: error.code === 'chain-rpc',
				detail: error.message,
			});
		}
	}

	/** Effect `sign`. */
	async sign({ work, miner, sender, params, nonce, gas }: EffectOf<'sign'>): Promise<void> {
		const { wallet } = this.#ports;
		try {
			if (wallet === undefined) {
				this.#options.enqueue({ type: 'sign-failed', work, nonce, code: 'wallet-no-key' });
				return;
			}
			// A roster that came since names another address, where the nonce means something else.
			if (wallet.sender(miner) !== sender) {
				this.#options.enqueue({ type: 'sign-failed', work, nonce, code: 'wallet-sender-changed' });
				return;
			}
			const signed = await wallet.signPost(miner, { kind: 'submit-post', params }, nonce, gas);
			this.#options.enqueue({ type: 'signed', submission: submissionOf(work, signed) });
		} catch (error) {
			if (!isPosterError(error)) throw error;
			this.#ports.log.error({ error, code: error.code, work }, 'signing failed');
			this.#options.enqueue({ type: 'sign-failed', work, nonce, code: error.code });
		}
	}

	/** Effect `push`. */
	async push({ cid, signed }: EffectOf<'push'>): Promise<void> {
		try {
			await this.#ports.chain.push(signed);
			this.#options.enqueue({ type: 'pushed', cid, code: null });
		} catch (error) {
			if (!isPosterError(error)) throw error;
			this.#ports.log.warn({ error, code: error.code, cid }, 'the full node did not take a message');
			const refusal = error.code === 'chain-rpc' ? { detail: error.message } : {};
			this.#options.enqueue({ type: 'pushed', cid, code: error.code, ...refusal });
		}
	}

	/** Effect `search`. */
	async search({ cid, work }: EffectOf<'search'>): Promise<void> {
		const { chain } = this.#ports;
		try {
			const head = await chain.head();
			// Nothing of this deadline can have landed before its challenge.
			const lookback = Math.max(1, head.height - work.challenge);
			const lookup = (await chain.searchMessage(cid, head.key, lookback)) ?? null;
			const posted = lookup !== null && (await this.#isPosted(work, lookup.tipSet));
			this.#options.enqueue({ type: 'searched', cid, epoch: head.height, lookup, posted });
		} catch (error) {
			if (!isPosterError(error)) throw error;
			this.#ports.log.debug({ code: error.code, cid }, 'a message could not be looked up');
			this.#options.enqueue({ type: 'searched', cid, epoch: epoch(-1), lookup: null, posted: false });
		}
	}

	async #isPosted({ miner, deadline, partition }: WorkItem, at: TipSetKey): Promise<boolean> {
		const deadlines = await this.#ports.chain.deadlines(miner, at);
		return deadlines[deadline]?.postSubmissions.has(partition) ?? false;
	}

	async #gas(work: WorkItem, params: PostParams, at: TipSetKey) {
		const { method, params: bytes } = encodeMinerCall({ kind: 'submit-post', params });
		const message: Message = {
			version: 0,
			to: minerAddress(work.miner),
			from: this.#options.sender(work.miner) ?? '',
			nonce: 0,
			value: attoFil(0n),
			gasLimit: 0,
			gasFeeCap: attoFil(0n),
			gasPremium: attoFil(0n),
			method,
			params: bytes,
		};
		const priced = await this.#ports.chain.estimateGas(message, this.#options.maxFee, at);
		return { limit: priced.gasLimit, feeCap: priced.gasFeeCap, premium: priced.gasPremium };
	}
}
