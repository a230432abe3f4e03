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
	/** Key address (f1 or f3) that sends for each miner; read at each use, since a new roster may name another one. */
	readonly miners: ReadonlyMap<ActorId, { readonly sender: string }>;
	/** Most that one message may cost: gas limit x fee cap. */
	readonly maxFee: AttoFil;
}

export class PostPolicy {
	readonly #miners: WalletOptions['miners'];
	readonly #maxFee: AttoFil;

	/** Throws `wallet-not-allowed` for a sender that is no key address. */
	constructor({ miners, maxFee }: WalletOptions) {
		this.#miners = miners;
		this.#maxFee = maxFee;
		this.senders();
	}

	/** Of the moment; throws as `sender`. */
	senders(): ReadonlySet<string> {
		return new Set([...this.#miners.keys()].map((miner) => this.sender(miner)));
	}

	/** Throws `wallet-not-allowed` for a miner that is not configured, and for a sender that is no key address. */
	sender(miner: ActorId): string {
		const entry = this.#miners.get(miner);
		if (entry === undefined) {
			throw new PosterError('wallet-not-allowed', `this node does not sign for ${minerAddress(miner)}`, {
				advice: 'Name the miner under [submitter] in the config.',
				meta: { miner },
			});
		}
		return keyAddress(entry.sender);
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

function keyAddress(sender: string): string {
	const address = parseAddress(sender);
	if (address.protocol === 1 || address.protocol === 3) return addressText(address);
	throw new PosterError('wallet-not-allowed', `${sender} is no key address (f1 or f3)`, {
		advice: 'Name the sender by its key address: `lotus state account-key f0…` prints it.',
		meta: { sender },
	});
}
