/** What a full node tells of the chain: tipsets, deadlines, partitions, sectors. Epochs come from here, never from a clock. */
import type { Bitfield } from './bitfield.ts';
import type { AttoFil, CidText, DeadlineIndex, Epoch, Hex32, SectorNumber } from './ids.ts';
import type { PoStProofType } from './proof.ts';

/** Ordered block CIDs of a tipset. */
export type TipSetKey = readonly CidText[];

export interface TipSet {
	readonly key: TipSetKey;
	readonly height: Epoch;
	readonly parents: TipSetKey;
	readonly parentBaseFee: AttoFil;
	/** Unix seconds of the first block. */
	readonly timestamp: number;
}

export interface HeadChange {
	readonly type: 'current' | 'apply' | 'revert';
	readonly tipSet: TipSet;
}

/** go-state-types `dline.Info`; every constant of the period comes from here. */
export interface DeadlineInfo {
	readonly currentEpoch: Epoch;
	readonly periodStart: Epoch;
	readonly index: DeadlineIndex;
	readonly open: Epoch;
	readonly close: Epoch;
	readonly challenge: Epoch;
	readonly faultCutoff: Epoch;
	readonly periodDeadlines: number;
	readonly provingPeriod: number;
	readonly challengeWindow: number;
	readonly challengeLookback: number;
	readonly faultDeclarationCutoff: number;
}

export interface DeadlineState {
	/** Partitions proven in the deadline that is open now. Emptied at close. */
	readonly postSubmissions: Bitfield;
	readonly disputableProofCount: number;
}

export interface PartitionState {
	readonly all: Bitfield;
	readonly faulty: Bitfield;
	readonly recovering: Bitfield;
	readonly live: Bitfield;
	readonly active: Bitfield;
}

export interface SectorOnChain {
	readonly number: SectorNumber;
	readonly sealProof: number;
	readonly sealedCid: CidText;
	readonly commR: Hex32;
	readonly updated: boolean;
}

export interface MinerInfo {
	readonly owner: string;
	readonly worker: string;
	readonly controlAddresses: readonly string[];
	readonly windowPoStProofType: PoStProofType;
	readonly sectorSize: number;
	readonly partitionSectors: number;
}

export interface ActorState {
	readonly nonce: number;
	readonly balance: AttoFil;
}

export interface MessageLookup {
	/** The CID that landed: another one than asked for when the message was replaced. */
	readonly message: CidText;
	readonly exitCode: number;
	readonly gasUsed: number;
	/** Tipset whose state holds the effect: the one right after the including tipset. */
	readonly tipSet: TipSetKey;
	readonly height: Epoch;
}
