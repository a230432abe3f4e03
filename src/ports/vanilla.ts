import type { ActorId, SectorNumber } from '../domain/ids.ts';
import type { OpenRequest, SectorFailure } from '../domain/vanilla.ts';

export type OpenedSector =
	| { readonly sector: SectorNumber; readonly proof: Uint8Array }
	| { readonly sector: SectorNumber; readonly failure: SectorFailure; readonly detail: string };

/** The sealed sectors of this machine. */
export interface VanillaSource {
	/** Opens sectors as fast as the consumer takes them; each sector is answered once. Rejects `vanilla-unavailable`. */
	open(request: OpenRequest, signal: AbortSignal): AsyncIterable<OpenedSector>;
	/** Sector numbers of the miner whose files are present. */
	holdings(miner: ActorId): Promise<readonly SectorNumber[]>;
	close(): Promise<void>;
}

/** A file of fixed slots, one for each sector of the manifest, that holds only checked vanilla proofs. */
export interface Spool {
	readonly path: string;
	/** Manifest position of a sector, -1 if it is none of the manifest. */
	slotOf(sector: SectorNumber): number;
}

export type CheckVerdict =
	| { readonly ok: true }
	| { readonly ok: false; readonly code: string; readonly detail: string };

export interface SpoolSession {
	readonly spool: Spool;
	/** Sectors already good in a spool that was kept from before. */
	readonly resumed: readonly SectorNumber[];
	/** Checks one vanilla proof in full (structure, challenges, Merkle path) and writes it to its slot if it is good. */
	check(sector: SectorNumber, proof: Uint8Array): Promise<CheckVerdict>;
	/** Keeps the file, waits for what is in flight. */
	finish(): Promise<void>;
	/** Removes the file. Idempotent. */
	drop(): Promise<void>;
}

/**
 * Rejects with `check-unavailable`, `spool-io` (with the reason, e.g. disk full), `check-refused` (the request itself
 * cannot be right: meta.code of docs/native-protocol.md, e.g. `bad-sector-list`). A file left at `path` is resumed.
 */
export interface VanillaChecker {
	begin(request: OpenRequest, path: string): Promise<SpoolSession>;
	close(): Promise<void>;
}
