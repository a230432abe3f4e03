/** The wallets of one submitter: each miner signs in the full node or with a key file, as its config says. */
import { KeyFileWallet } from '../adapters/chain/key-file-wallet.ts';
import { RemoteWallet } from '../adapters/chain/remote-wallet.ts';
import { minerAddress } from '../codec/address.ts';
import { PosterError } from '../domain/errors.ts';
import type { ActorId } from '../domain/ids.ts';
import type { Gas, MinerCall, SignedMessage } from '../domain/message.ts';
import type { Roster } from '../domain/roster.ts';
import type { Chain } from '../ports/chain.ts';
import type { Verifier } from '../ports/verifier.ts';
import type { Wallet } from '../ports/wallet.ts';
import type { Config } from './config.ts';

const IN_FULL_NODE = 'node';

/** Signs from whomever the newest roster names: the address whose nonces the core counts. */
export interface RosterWallet extends Wallet {
	setRoster(roster: Roster): void;
}

/** Rejects `wallet-…` when a key is missing or may not be used, `chain-permission` for a token that may not sign. */
export async function openWallets(
	{ maxFeeFil, miners }: NonNullable<Config['submitter']>,
	roster: Roster,
	chain: Chain,
	verifier: Verifier,
): Promise<RosterWallet> {
	const wallets = new Map<ActorId, Wallet>();
	const newest = { roster };
	const sources = new Set(miners.map(({ wallet }) => wallet));
	for (const source of sources) {
		const own = miners.filter(({ wallet }) => wallet === source).map(({ miner }) => miner);
		const options = {
			miners: new Map(own.map((miner) => [miner, senderBy(newest, miner)])),
			maxFee: maxFeeFil,
		};
		const wallet =
			source === IN_FULL_NODE
				? await openRemote(chain, verifier, options)
				: await KeyFileWallet.open([source], options);
		for (const miner of own) wallets.set(miner, wallet);
	}
	return new WalletByMiner(wallets, newest);
}

async function openRemote(
	chain: Chain,
	verifier: Verifier,
	options: ConstructorParameters<typeof RemoteWallet>[1],
): Promise<Wallet> {
	const permissions = await chain.permissions();
	if (!permissions.includes('sign')) {
		throw new PosterError(
			'chain-permission',
			`a full node's token has no sign permission (${permissions.join(', ')})`,
			{
				advice: 'Make a token with `lotus auth create-token --perm sign`, or give the submitter a key file.',
			},
		);
	}
	const wallet = new RemoteWallet({ chain, verifier }, options);
	await wallet.check();
	return wallet;
}

/** The sender of the moment. */
function senderBy(newest: { readonly roster: Roster }, miner: ActorId): { readonly sender: string } {
	return {
		get sender(): string {
			return senderOf(newest.roster, miner);
		},
	};
}

function senderOf(roster: Roster, id: ActorId): string {
	const entry = roster.miners.find(({ miner }) => miner === id);
	if (entry !== undefined) return entry.sender;
	throw new PosterError('wallet-not-allowed', `the roster has no miner ${minerAddress(id)}`, {
		advice: 'Name the miner and its sender in the roster, or remove it from [submitter] miners.',
		meta: { miner: id },
	});
}

class WalletByMiner implements RosterWallet {
	readonly #wallets: ReadonlyMap<ActorId, Wallet>;
	readonly #newest: { roster: Roster };

	constructor(wallets: ReadonlyMap<ActorId, Wallet>, newest: { roster: Roster }) {
		this.#wallets = wallets;
		this.#newest = newest;
	}

	setRoster(roster: Roster): void {
		this.#newest.roster = roster;
	}

	sender(miner: ActorId): string {
		return this.#of(miner).sender(miner);
	}

	async signPost(miner: ActorId, call: MinerCall, nonce: number, gas: Gas): Promise<SignedMessage> {
		return this.#of(miner).signPost(miner, call, nonce, gas);
	}

	#of(miner: ActorId): Wallet {
		const wallet = this.#wallets.get(miner);
		if (wallet !== undefined) return wallet;
		throw new PosterError('wallet-not-allowed', `this node does not sign for ${minerAddress(miner)}`, {
			advice: 'Name the miner under [submitter] in the config.',
			meta: { miner },
		});
	}
}
