/**
 * Branded scalars of the domain. A brand costs nothing at run time and stops an epoch from being passed as a
 * deadline index. Values are validated where they enter (codec, config, CLI), never here.
 */
declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Actor id of a miner, the payload of its `f0` address (u53). */
export type ActorId = Brand<number, 'ActorId'>;
/** Chain epoch (i53). Negative before a miner's first proving period. */
export type Epoch = Brand<number, 'Epoch'>;
/** Index of a deadline in its proving period. */
export type DeadlineIndex = Brand<number, 'DeadlineIndex'>;
/** Index of a partition in its deadline. */
export type PartitionIndex = Brand<number, 'PartitionIndex'>;
/** Sector number of a miner (u53). */
export type SectorNumber = Brand<number, 'SectorNumber'>;
/** libp2p peer id in its base58 text form; ordered by code units. */
export type NodeId = Brand<string, 'NodeId'>;
/** 32 bytes as 64 lower-case hex digits: hashes, randomness, comm_r. */
export type Hex32 = Brand<string, 'Hex32'>;
/** Identity of one work item: see `workId` in codec/work-id.ts. */
export type WorkId = Brand<string, 'WorkId'>;
/** Text form of a CID, as Lotus prints it. */
export type CidText = Brand<string, 'CidText'>;
/** Milliseconds of a monotonic clock, an integer. Never comparable between machines. */
export type MonoMs = Brand<number, 'MonoMs'>;
/** 10^-18 FIL. */
export type AttoFil = Brand<bigint, 'AttoFil'>;

export const actorId = (value: number): ActorId => value as ActorId;
export const epoch = (value: number): Epoch => value as Epoch;
export const deadlineIndex = (value: number): DeadlineIndex => value as DeadlineIndex;
export const partitionIndex = (value: number): PartitionIndex => value as PartitionIndex;
export const sectorNumber = (value: number): SectorNumber => value as SectorNumber;
export const nodeId = (value: string): NodeId => value as NodeId;
export const hex32 = (value: string): Hex32 => value as Hex32;
export const workIdOf = (value: string): WorkId => value as WorkId;
export const cidText = (value: string): CidText => value as CidText;
export const monoMs = (value: number): MonoMs => value as MonoMs;
export const attoFil = (value: bigint): AttoFil => value as AttoFil;
