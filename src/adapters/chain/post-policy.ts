/**
 * What a wallet of this project may sign: calls of the three methods to configured miners, from their sender, under a
 * fee cap. Wallets build the message here and never take bytes, so that no bug elsewhere can make them sign anything else.
 */
import { addressText, minerAddress, parseAddress } from '../../codec/address.ts';
import { encodeMinerCall } from '../../codec/miner-params.ts';
import { PosterError } from '../../domain/errors.ts';
import { type ActorId, type AttoFil, attoFil } from '../../domain/ids.ts';
import type { Gas, Message, MinerCall } from '../../domain/message.ts';

export interface WalletOptions {
	/** Key address (f1 or f3) that sends for each miner. */
	readonly miners: ReadonlyMap<ActorId, { readonly sender: string }>;
	/** Most that one message may cost: gas limit x fee cap. */
	readonly maxFee: AttoFil;
}

export class PostPolicy {
	readonly #senders = new Map<ActorId, string>();
	readonly #maxFee: AttoFil;

	/** Throws `wallet-not-allowed` for a sender that is no key address. */
	constructor(options: WalletOptions) {
		for (const [miner, { sender }] of options.miners) {
			const address = parseAddress(sender);
			if (address.protocol !== 1 && address.protocol !== 3) {
				throw new PosterError('wallet-not-allowed', `${sender} is no key address (f1 or f3)`, {
					advice: 'Name the sender by its key address: `lotus state account-key f0…` prints it.',
					meta: { sender },
				});
			}
			this.#senders.set(miner, addressText(address));
		}
		this.#maxFee = options.maxFee;
	}

	senders(): ReadonlySet<string> {
		return new Set(this.#senders.values());
	}

	/** Throws `wallet-not-allowed` for a miner that is not configured. */
	sender(miner: ActorId): string {
		const sender = this.#senders.get(miner);
		if (sender === undefined) {
			throw new PosterError('wallet-not-allowed', `this node does not sign for ${minerAddress(miner)}`, {
				advice: 'Name the miner under [submitter] in the config.',
				meta: { miner },
			});
		}
		return sender;
	}

	/** The message to sign; throws `wallet-not-allowed`, `wallet-fee-cap`. */
	message(miner: ActorId, call: MinerCall, nonce: number, gas: Gas): Message {
		this.#checkFee(miner, gas);
		const { method, params } = encodeMinerCall(call);
		return {
			version: 0,
			to: minerAddress(miner),
			from: this.sender(miner),
			nonce,
			value: attoFil(0n),
			gasLimit: gas.limit,
			gasFeeCap: gas.feeCap,
			gasPremium: gas.premium,
			method,
			params,
		};
	}

	#checkFee(miner: ActorId, { limit, feeCap, premium }: Gas): void {
		const maxFee = this.#maxFee;
		const fee = BigInt(limit) * feeCap;
		if (fee > maxFee) {
			throw new PosterError('wallet-fee-cap', `the message could cost ${fee} attoFIL, the cap is ${maxFee}`, {
				advice: 'Raise max_fee_fil if the base fee of the network justifies it.',
				meta: { miner, fee: fee.toString(), maxFee: maxFee.toString() },
			});
		}
		if (premium > feeCap) {
			throw new PosterError('wallet-fee-cap', `the premium ${premium} is above the fee cap ${feeCap}`, {
				advice: 'The full node estimates what no chain takes: check what answers at its URL.',
				meta: { miner },
			});
		}
	}
}
