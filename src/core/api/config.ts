/** What the core begins with. */
import type { ActorId, Hex32, NodeId } from '../../domain/ids.ts';
import type { PoStProofType } from '../../domain/proof.ts';
import type { Role, Roster } from '../../domain/roster.ts';

/** What one slot takes. */
export interface SlotFilter {
	readonly slot: string;
	/** Null: all that the node can prove. */
	readonly proofTypes: readonly PoStProofType[] | null;
	/** Null: every miner. */
	readonly miners: readonly ActorId[] | null;
	/** Its prover reads the sectors itself: every sector of the item must lie on this node. */
	readonly readsOwnStorage: boolean;
}

export interface CoreConfig {
	readonly self: NodeId;
	/** StateNetworkName; equals the roster's. */
	readonly network: string;
	/** Newest roster that this node accepted, and SHA-256 of its payload. */
	readonly roster: Roster;
	readonly rosterHash: Hex32;
	/** Roles this node has the means for; what the roster does not give it is not used. */
	readonly roles: readonly Role[];
	/** Names of the proving slots in service at start, in order of preference. */
	readonly slots: readonly string[];
	/** Slots that do not take every item; the others take all of `proofTypes`. */
	readonly slotFilters: readonly SlotFilter[];
	/** Window proof types that the slots can prove. */
	readonly proofTypes: readonly PoStProofType[];
	/** SHA-256 over the sorted digests of the verifying keys in use; null when this node cannot verify. */
	readonly keys: Hex32 | null;
	/** Milliseconds of an epoch, known for sure; null = learn it from the heads, beginning with `epochMsGuess`. */
	readonly epochMs: number | null;
	readonly epochMsGuess: number;
	/** Incarnation of a store that remembers none, 1 to 2^32 - 1: seconds since 1970, so that who lost its disk says nothing a second time. */
	readonly firstIncarnation: number;
}

/** What the store held at start, in key order. The core reads the keys it wrote and ignores others (`m/…`). */
export type Recovered = Iterable<readonly [key: string, value: Uint8Array]>;
