/** Multiaddrs: parsed, and with or without the peer id at their end. */
import type { Multiaddr } from '@multiformats/multiaddr';
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr';
import { PosterError } from '../../domain/errors.ts';
import { type NodeId, nodeId } from '../../domain/ids.ts';

/** Rejects text that is no multiaddr with `mesh-bad-address`. */
export function parseAddress(text: string): Multiaddr {
	try {
		return multiaddr(text);
	} catch (cause) {
		throw new PosterError('mesh-bad-address', `not a multiaddr: ${text}`, {
			cause,
			advice: 'write it like /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW…',
		});
	}
}

/** The id at the end, if there is one. */
export function peerOf(address: Multiaddr): NodeId | undefined {
	const id = address.getComponents().findLast(({ code }) => code === CODE_P2P)?.value;
	return id === undefined ? undefined : nodeId(id);
}

export function withoutPeer(address: Multiaddr): Multiaddr {
	return address.decapsulateCode(CODE_P2P);
}
