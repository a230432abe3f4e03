/**
 * libp2p's peer store takes whatever addresses anybody tells of anybody, identify, the DHT and its answers alike. Here it
 * keeps those of members only, and a bounded number of each: what a peer signed itself stays, then the newest.
 */
import type { Address, Peer, PeerData, PeerId, PeerStore } from '@libp2p/interface';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Membership } from './membership.ts';

export function boundPeerStore(store: PeerStore, self: PeerId, membership: Membership): void {
	const { merge, patch, save } = store;
	const isMember = (peer: PeerId): boolean => peer.equals(self) || membership.has(nodeId(peer.toString()));
	store.save = async (peer, data, options) =>
		isMember(peer) ? await save.call(store, peer, bounded(data), options) : unknownPeer(peer);
	store.patch = async (peer, data, options) =>
		isMember(peer) ? await patch.call(store, peer, bounded(data), options) : unknownPeer(peer);
	store.merge = async (peer, data, options) => {
		if (!isMember(peer)) return unknownPeer(peer);
		const merged = await merge.call(store, peer, bounded(data), options);
		if (merged.addresses.length <= limits.peerAddresses) return merged;
		const addresses = newestFirst(merged.addresses, bounded(data));
		return await patch.call(store, peer, { addresses }, options);
	};
}

function bounded(data: PeerData): PeerData {
	const { multiaddrs, addresses } = data;
	return {
		...data,
		...(multiaddrs !== undefined && { multiaddrs: multiaddrs.slice(0, limits.peerAddresses) }),
		...(addresses !== undefined && { addresses: addresses.slice(0, limits.peerAddresses) }),
	};
}

function newestFirst(all: readonly Address[], { multiaddrs = [] }: PeerData): Address[] {
	const rank = ({ isCertified, multiaddr }: Address): number =>
		isCertified ? 0 : multiaddrs.some((fresh) => fresh.equals(multiaddr)) ? 1 : 2;
	return all.toSorted((a, b) => rank(a) - rank(b)).slice(0, limits.peerAddresses);
}

/** What libp2p hears of a peer that is not kept. */
function unknownPeer(id: PeerId): Peer {
	return { id, addresses: [], protocols: [], metadata: new Map(), tags: new Map() };
}
