/**
 * Would the chain take the proofs that the roster's sender sends for a miner? Found out before the first one is due: a
 * wrong sender, or one without funds, shows otherwise as a refused estimate when the deadline is open.
 */
import { minerAddress } from '../../codec/address.ts';
import type { SenderFault } from '../../core/api.ts';
import type { ActorState, TipSetKey } from '../../domain/chain.ts';
import { isPosterError } from '../../domain/errors.ts';
import { type ActorId, type AttoFil, attoFil, type Epoch } from '../../domain/ids.ts';
import type { Chain } from '../../ports/chain.ts';

export interface SenderQuery {
	readonly miner: ActorId;
	/** Key address by the roster. */
	readonly sender: string;
	/** The miner's addresses are read anew in each proving period, and at each head while something is wrong. */
	readonly periodStart: Epoch;
	readonly at: TipSetKey;
}

export interface SenderState {
	readonly nonce: number;
	/** Null when its messages would be taken. */
	readonly fault: SenderFault | null;
}

const ATTO_DIGITS = 18;

export class SenderCheck {
	readonly #chain: Chain;
	readonly #maxFee: (miner: ActorId) => AttoFil | undefined;
	/** Sender and period for which the miner's addresses were found to be good. */
	readonly #good = new Map<ActorId, { readonly sender: string; readonly periodStart: Epoch }>();

	/** `maxFee`: most that one message of this node may cost; undefined for miners that it does not sign for. */
	constructor(chain: Chain, maxFee: (miner: ActorId) => AttoFil | undefined) {
		this.#chain = chain;
		this.#maxFee = maxFee;
	}

	/** Rejects with the errors of the chain. */
	async read(query: SenderQuery): Promise<SenderState> {
		const actor = await this.#actor(query);
		if (actor === undefined) {
			// Its first message will have the nonce 0, once it can pay for one.
			const advice = 'Send funds to it, or name another one: poster-node roster miner sender.';
			return { nonce: 0, fault: { reason: `${query.sender} does not exist on the chain`, advice } };
		}
		return { nonce: actor.nonce, fault: (await this.#addressFault(query)) ?? this.#balanceFault(query, actor) };
	}

	async #actor({ sender, at }: SenderQuery): Promise<ActorState | undefined> {
		try {
			return await this.#chain.actor(sender, at);
		} catch (error) {
			if (isPosterError(error, 'chain-rpc') && error.message.includes('actor not found')) return undefined;
			throw error;
		}
	}

	/** The rule of SubmitWindowedPoSt (builtin-actors miner `submit_windowed_post`): owner, worker or control address. */
	async #addressFault({ miner, sender, periodStart, at }: SenderQuery): Promise<SenderFault | null> {
		const known = this.#good.get(miner);
		if (known?.sender === sender && known.periodStart === periodStart) return null;
		const [id, info] = await Promise.all([this.#chain.lookupId(sender, at), this.#chain.minerInfo(miner, at)]);
		if ([info.owner, info.worker, ...info.controlAddresses].includes(id)) {
			this.#good.set(miner, { sender, periodStart });
			return null;
		}
		this.#good.delete(miner);
		return {
			reason: `${sender} (${id}) is neither owner, worker nor control address of ${minerAddress(miner)}`,
			advice:
				'Make it a control address (lotus-miner actor control set), or name another one: poster-node roster miner sender.',
		};
	}

	#balanceFault({ miner, sender }: SenderQuery, { balance }: ActorState): SenderFault | null {
		const maxFee = this.#maxFee(miner) ?? attoFil(0n);
		if (balance >= maxFee) return null;
		return {
			reason: `${sender} has ${filText(balance)} FIL, one message may cost ${filText(maxFee)}`,
			advice: 'Send funds to it, or lower [submitter] max_fee_fil.',
		};
	}
}

/** `0.5`, `12`. */
function filText(amount: AttoFil): string {
	const digits = amount.toString().padStart(ATTO_DIGITS + 1, '0');
	return `${digits.slice(0, -ATTO_DIGITS)}.${digits.slice(-ATTO_DIGITS)}`.replace(/\.?0+$/, '');
}
