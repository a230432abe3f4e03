import type { NodeId } from '../domain/ids.ts';

/** This node's key and the check of anybody's signature. Ed25519, as in libp2p peer ids. */
export interface Identity {
	readonly id: NodeId;
	sign(bytes: Uint8Array): Uint8Array;
	/** False for a bad signature and for an id that holds no Ed25519 key. */
	verify(id: NodeId, bytes: Uint8Array, signature: Uint8Array): boolean;
}
