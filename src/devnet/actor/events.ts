/** What happened on the chain, for statistics and the demo: kept with the tipset, so a reorg takes it back. */
import type { CidText } from '../../domain/ids.ts';
import type { MissedPartition } from './cron.ts';

/** A SubmitWindowedPoSt that landed, whatever its exit code. */
export interface PostEvent {
	readonly kind: 'post';
	readonly message: CidText;
	readonly miner: number;
	readonly periodStart: number;
	readonly deadline: number;
	readonly partitions: readonly number[];
	readonly exitCode: number;
	readonly verified: boolean;
}

/** A DisputeWindowedPoSt that landed. */
export interface DisputeEvent {
	readonly kind: 'dispute';
	/** `lost` by the miner: the proof was invalid; `survived`: it is valid; `refused` for any other reason. */
	readonly outcome: 'lost' | 'survived' | 'refused';
	readonly message: CidText;
	readonly miner: number;
	readonly deadline: number;
	readonly postIndex: number;
	readonly exitCode: number;
}

export type ChainEvent = PostEvent | DisputeEvent | ({ readonly kind: 'missed' } & MissedPartition);
