/** What an operator changes in a roster, one version at a time. A change that would mean something else is refused. */
import { publicKeyOf } from '../adapters/identity/ed25519.ts';
import { minerAddress } from '../codec/address.ts';
import { PosterError } from '../domain/errors.ts';
import type { ActorId } from '../domain/ids.ts';
import { ROLES, type Roster, type RosterMiner, type RosterPeer } from '../domain/roster.ts';

/** What may change of a member: all but its id, which is its key. */
export type PeerChange = Partial<Omit<RosterPeer, 'id'>>;

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
			advice: `Choose another --name, or change that peer: poster-node roster set ${taken.name} …`,
			meta: { name: taken.name },
		});
	}
	const peers = [...roster.peers, ordered(roster, peer)].sort((a, b) => (a.id < b.id ? -1 : 1));
	return { ...roster, version: roster.version + 1, peers };
}

/** The next version in which the peer of this id or name is otherwise. Rejects `roster-unknown-peer`, `-duplicate`, `-unknown-miner`. */
export function withChangedPeer(roster: Roster, idOrName: string, change: PeerChange): Roster {
	const before = requirePeer(roster, idOrName);
	const after = ordered(roster, { ...before, ...change });
	const taken = roster.peers.find(({ id, name }) => id !== before.id && name === after.name);
	if (taken !== undefined) {
		throw new PosterError('roster-duplicate', `the roster has ${taken.name} (${taken.id}) already`, {
			advice: 'Choose another --name.',
			meta: { name: taken.name },
		});
	}
	const peers = roster.peers.map((peer) => (peer === before ? after : peer));
	return { ...roster, version: roster.version + 1, peers };
}

/** The next version without the peer of this id or name. Rejects `roster-unknown-peer`. */
export function withoutPeer(roster: Roster, idOrName: string): Roster {
	const { id } = requirePeer(roster, idOrName);
	return { ...roster, version: roster.version + 1, peers: roster.peers.filter((peer) => peer.id !== id) };
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
			advice: 'Give these peers other miners first: poster-node roster set NAME --miners LIST',
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

/** Roles and miners in the order that the file wants. Rejects `roster-unknown-miner`. */
function ordered(roster: Roster, peer: RosterPeer): RosterPeer {
	for (const miner of peer.miners) requireMiner(roster, miner);
	return {
		...peer,
		roles: ROLES.filter((role) => peer.roles.includes(role)),
		miners: [...new Set(peer.miners)].sort((a, b) => a - b),
	};
}

/** Rejects `roster-unknown-peer`. */
function requirePeer({ peers }: Roster, idOrName: string): RosterPeer {
	const peer = peers.find(({ id, name }) => id === idOrName || name === idOrName);
	if (peer !== undefined) return peer;
	throw new PosterError('roster-unknown-peer', `the roster has no peer ${idOrName}`, {
		advice: `It names: ${peers.map(({ name }) => name).join(', ')}`,
	});
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
