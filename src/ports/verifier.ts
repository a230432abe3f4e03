import type { ActorId, Hex32, SectorNumber } from '../domain/ids.ts';
import type { PoStProofType } from '../domain/proof.ts';

export interface ProvenSector {
	readonly number: SectorNumber;
	readonly commR: Hex32;
	/** True when its replica lies in `update`; only a prover that reads the sectors itself asks. Absent: not known. */
	readonly updated?: boolean;
}

export interface PostStatement {
	readonly proofType: PoStProofType;
	readonly miner: ActorId;
	/** Canonical field element: byte 31 already masked with 0x3f. */
	readonly randomness: Hex32;
	/** Ascending; without the skipped ones. */
	readonly sectors: readonly ProvenSector[];
}

export interface Verdict {
	readonly ok: boolean;
	/** Why not, for logs. */
	readonly detail?: string;
}

export interface VerifyingKey {
	/** File name, `….vk`. */
	readonly name: string;
	readonly proofType: PoStProofType;
	readonly sha256: Hex32;
	/** True when the digest is the published one of the trusted setup. */
	readonly published: boolean;
}

/** Rejects with `verifier-no-key`, `verifier-unavailable`; a proof that is merely wrong is `ok: false`. */
export interface Verifier {
	verifyPost(statement: PostStatement, proof: Uint8Array, signal?: AbortSignal): Promise<Verdict>;
	/** `kind` 1 secp256k1, 2 BLS; `address` = payload bytes of the f1 or f3 address. */
	verifySignature(kind: 1 | 2, address: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<Verdict>;
	keys(): Promise<readonly VerifyingKey[]>;
	close(): Promise<void>;
}
