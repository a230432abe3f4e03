/** Who belongs to the mesh and what each member may do: the one membership list, signed by the operator. */
import type { ActorId, NodeId } from './ids.ts';

export const ROLES = ['chain', 'storage', 'prover', 'submitter', 'bootstrap'] as const;
export type Role = (typeof ROLES)[number];

export interface RosterMiner {
	readonly miner: ActorId;
	/** Key address (f1 or f3) that sends this miner's proofs and nothing else; no other miner of the roster has it. */
	readonly sender: string;
}

export interface RosterPeer {
	readonly id: NodeId;
	/** What people call the machine; unique in the roster. */
	readonly name: string;
	readonly site: string;
	/** 1 to 64: its share of the work is proportional to it. */
	readonly weight: number;
	/** Most proofs it may work on at a time; more leases are ignored by everyone. */
	readonly slots: number;
	/** In the order of `ROLES`. */
	readonly roles: readonly Role[];
	/** Ascending; empty = every miner of the roster. */
	readonly miners: readonly ActorId[];
}

export interface Roster {
	/** StateNetworkName of the chain. */
	readonly network: string;
	/** The highest wins; of two equal ones the lower hash. */
	readonly version: number;
	/** Ascending by miner. */
	readonly miners: readonly RosterMiner[];
	/** Ascending by id. */
	readonly peers: readonly RosterPeer[];
}
