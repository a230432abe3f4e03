/** What an operator changes in a roster, one version at a time. A change that would mean something else is refused. */
import { publicKeyOf } from '../adapters/identity/ed25519.ts';
import { minerAddress } from '../codec/address.ts';
import { PosterError } from '../domain/errors.ts';
import type { ActorId } from '../domain/ids.ts';
import { ROLES, type Roster, type RosterMiner, type RosterPeer } from '../domain/roster.ts';

/** The next version with the peer added. Rejects `roster-duplicate`, `roster-bad`, `roster-unknown-miner`. */
export function withPeer(roster: Roster, peer: RosterPeer): Roster {
	if (publicKeyOf(peer.id) === undefined) {
		throw new PosterError('roster-bad', `${peer.id} is no Ed25519 peer id`, {
			advice: 'A new machine prints its peer id with `poster-node init --join FILE`.',
		});
	}
	const taken = roster.peers.find(({ id, name }) => id === peer.id || name === peer.name);
	if (taken !== undefined) {
		throw new PosterError('roster-duplicate', `the roster has ${taken.name} (${taken.id}) already`, {
			advice: 'Choose another --name, or remove that peer first.',
			meta: { name: taken.name },
		});
	}
	for (const miner of peer.miners) requireMiner(roster, miner);
	const sorted: RosterPeer = {
		...peer,
		roles: ROLES.filter((role) => peer.roles.includes(role)),
		miners: [...new Set(peer.miners)].sort((a, b) => a - b),
	};
	const peers = [...roster.peers, sorted].sort((a, b) => (a.id < b.id ? -1 : 1));
	return { ...roster, version: roster.version + 1, peers };
}

/** The next version without the peer of this id or name. Rejects `roster-unknown-peer`. */
export function withoutPeer(roster: Roster, idOrName: string): Roster {
	const peers = roster.peers.filter(({ id, name }) => id !== idOrName && name !== idOrName);
	if (peers.length === roster.peers.length) {
		throw new PosterError('roster-unknown-peer', `the roster has no peer ${idOrName}`, {
			advice: `It names: ${roster.peers.map(({ name }) => name).join(', ')}`,
		});
	}
	return { ...roster, version: roster.version + 1, peers };
}

/** The next version with one more miner. Rejects `roster-duplicate`, `roster-sender-used`. */
export function withMiner(roster: Roster, { miner, sender }: RosterMiner): Roster {
	if (roster.miners.some((entry) => entry.miner === miner)) {
		throw new PosterError('roster-duplicate', `the roster has ${minerAddress(miner)} already`, {
			advice: `Its sender is changed with: poster-node roster miner sender ${minerAddress(miner)} ADDRESS`,
			meta: { miner },
		});
	}
	requireOwnSender(roster, { miner, sender });
	const miners = [...roster.miners, { miner, sender }].sort((a, b) => a.miner - b.miner);
	return { ...roster, version: roster.version + 1, miners };
}

/** The next version in which another address sends for the miner. Rejects `roster-unknown-miner`, `roster-sender-used`. */
export function withSender(roster: Roster, { miner, sender }: RosterMiner): Roster {
	requireMiner(roster, miner);
	requireOwnSender(roster, { miner, sender });
	const miners = roster.miners.map((entry) => (entry.miner === miner ? { miner, sender } : entry));
	return { ...roster, version: roster.version + 1, miners };
}

/**
 * The next version without the miner. Rejects `roster-unknown-miner`, and `roster-miner-used` where a peer is there for
 * it: without a miner a peer's list would mean all of them.
 */
export function withoutMiner(roster: Roster, miner: ActorId): Roster {
	requireMiner(roster, miner);
	const bound = roster.peers.filter(({ miners }) => miners.includes(miner)).map(({ name }) => name);
	if (bound.length > 0) {
		throw new PosterError('roster-miner-used', `${bound.join(', ')} work for ${minerAddress(miner)} by name`, {
			advice: 'Remove these peers, and add them again with other --miners.',
			meta: { miner },
		});
	}
	return {
		...roster,
		version: roster.version + 1,
		miners: roster.miners.filter((entry) => entry.miner !== miner),
	};
}

/** The next version on a chain of another name. */
export function withNetwork(roster: Roster, network: string): Roster {
	return { ...roster, version: roster.version + 1, network };
}

function requireMiner(roster: Roster, miner: ActorId): void {
	if (roster.miners.some((entry) => entry.miner === miner)) return;
	throw new PosterError('roster-unknown-miner', `the roster has no miner ${minerAddress(miner)}`, {
		advice: `It names: ${roster.miners.map((entry) => minerAddress(entry.miner)).join(', ')}`,
		meta: { miner },
	});
}

/** Rejects `roster-sender-used`: the nonces of an address are counted for one miner. */
function requireOwnSender({ miners }: Roster, { miner, sender }: RosterMiner): void {
	const other = miners.find((entry) => entry.sender === sender && entry.miner !== miner);
	if (other === undefined) return;
	throw new PosterError('roster-sender-used', `${sender} sends for ${minerAddress(other.miner)} already`, {
		advice: `Make another address, and have ${minerAddress(miner)} name it as a control address: each miner needs its own.`,
		meta: { miner, other: other.miner },
	});
}
