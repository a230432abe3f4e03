/** Anti-entropy: what a node knows, in brief, and what it asks for. Gossip loses messages; this finds them again. */
import type { Hex32, NodeId, WorkId } from './ids.ts';
import type { ChallengeKey } from './work.ts';

export interface Digest {
	readonly rosterVersion: number;
	readonly rosterHash: Hex32;
	/** Newest record known of each node, ascending by node. */
	readonly records: readonly { readonly node: NodeId; readonly incarnation: number; readonly sequence: number }[];
	/** Hash over all (node, miner, incarnation, sequence) of the holdings known. */
	readonly holdings: Hex32;
	/** One for each open challenge, ascending by key. */
	readonly challenges: readonly ChallengeDigest[];
}

export interface ChallengeDigest {
	readonly key: ChallengeKey;
	/** Each over what is known of the challenge in canonical order, so that equal knowledge has equal hashes. */
	readonly announcements: Hex32;
	readonly results: Hex32;
	readonly submissions: Hex32;
	readonly refusals: Hex32;
}

/** What the asking node lacks, or may lack: the answering node sends what is new beyond the stated knowledge. */
export interface Pull {
	readonly roster: boolean;
	/** Nodes whose record the other side has newer. */
	readonly records: readonly NodeId[];
	/** Holdings known already; null when not asked for. */
	readonly holdings: readonly HoldingsKnown[] | null;
	readonly challenges: readonly ChallengePull[];
}

export interface HoldingsKnown {
	readonly node: NodeId;
	readonly miner: number;
	readonly incarnation: number;
	readonly sequence: number;
}

/** What the asking node has of one challenge. */
export interface ChallengePull {
	readonly key: ChallengeKey;
	/** First 8 bytes of the hashes of the ANN and TOMB statements known, as 16 hex digits, ascending. */
	readonly announcements: readonly string[];
	/** Best result known of each work: first 8 bytes of its hash as 16 hex digits. */
	readonly results: readonly { readonly work: WorkId; readonly hash: string }[];
	/** First 8 bytes of SHA-256 of the signed bytes of each submission, ascending. */
	readonly submissions: readonly string[];
	/** First 8 bytes of the hash of each REF statement, ascending. */
	readonly refusals: readonly string[];
}
