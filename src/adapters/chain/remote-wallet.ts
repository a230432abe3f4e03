/**
 * A wallet whose keys lie in the full node. What comes back is believed only if it is the very message that was asked
 * for, under a signature that verifies: the full node may be anybody's.
 */
import { parseAddress } from '../../codec/address.ts';
import { messageCid, signingBytes } from '../../codec/message.ts';
import { isPosterError, PosterError } from '../../domain/errors.ts';
import type { ActorId } from '../../domain/ids.ts';
import type { Gas, Message, MinerCall, SignedMessage } from '../../domain/message.ts';
import type { Chain } from '../../ports/chain.ts';
import type { Verifier } from '../../ports/verifier.ts';
import type { Wallet } from '../../ports/wallet.ts';
import { PostPolicy, type WalletOptions } from './post-policy.ts';

export interface RemoteWalletComponents {
	readonly chain: Pick<Chain, 'walletHas' | 'walletSignMessage'>;
	readonly verifier: Pick<Verifier, 'verifySignature'>;
}

export class RemoteWallet implements Wallet {
	readonly #components: RemoteWalletComponents;
	readonly #policy: PostPolicy;

	constructor(components: RemoteWalletComponents, options: WalletOptions) {
		this.#components = components;
		this.#policy = new PostPolicy(options);
	}

	/** Rejects `wallet-no-key` when the full node holds no key of a sender, or the errors of the chain port. */
	async check(): Promise<void> {
		for (const sender of this.#policy.senders()) await this.#checkKey(sender);
	}

	sender(miner: ActorId): string {
		return this.#policy.sender(miner);
	}

	async signPost(miner: ActorId, call: MinerCall, nonce: number, gas: Gas): Promise<SignedMessage> {
		const message = this.#policy.message(miner, call, nonce, gas);
		const signed = await this.#signRemotely(message);
		if (messageCid(signed.message) !== messageCid(message)) throw tampered('it signed another message');
		const { protocol, payload } = parseAddress(message.from);
		const type = protocol === 3 ? 2 : 1;
		if (signed.signatureType !== type) throw tampered(`its signature has type ${signed.signatureType}, not ${type}`);
		const { verifier } = this.#components;
		const verdict = await verifier.verifySignature(type, payload, signingBytes(message), signed.signature);
		if (!verdict.ok) throw tampered('its signature does not verify');
		// Our own object: equal in every byte, and nothing of the answer can be changed later.
		return { message, signatureType: type, signature: signed.signature };
	}

	async #signRemotely(message: Message): Promise<SignedMessage> {
		try {
			return await this.#components.chain.walletSignMessage(message);
		} catch (error) {
			// The usual reason for a refusal, which its text does not tell reliably.
			if (isPosterError(error, 'chain-rpc')) await this.#checkKey(message.from);
			throw error;
		}
	}

	async #checkKey(sender: string): Promise<void> {
		if (await this.#components.chain.walletHas(sender)) return;
		throw new PosterError('wallet-no-key', `the full node holds no key of ${sender}`, {
			advice: 'Import it there (`lotus wallet import`) or name a key file in the config.',
			meta: { sender },
		});
	}
}

function tampered(why: string): PosterError {
	return new PosterError('chain-bad-answer', `the full node's answer to WalletSignMessage is not usable: ${why}`, {
		advice: 'Nothing was sent. Whoever answers at that URL signs something else than it is asked to: check what it is.',
	});
}
