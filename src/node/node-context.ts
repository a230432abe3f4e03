/** What the parts of one running node share, handed to each by the composition. */
import type { Event } from '../core/api.ts';
import type { State } from '../core/state.ts';
import type { Challenge } from '../domain/work.ts';
import type { DryRun, DryRunRequest } from './chain/dry-run.ts';
import type { DuePartitions } from './chain/due-partitions.ts';
import type { ChainFollower } from './chain/follower.ts';
import type { Submitter } from './chain/submitter.ts';
import type { EventHub } from './event-hub.ts';
import type { Loop } from './loop.ts';
import type { Outside } from './outside.ts';
import type { RosterKeeper } from './roster-keeper.ts';
import type { StartOptions } from './start-options.ts';
import type { StepTimes } from './step-times.ts';

/** Everything that the parts of one node have in common. */
export interface Context {
	readonly options: StartOptions;
	readonly outside: Outside;
	/** Undone in opposite order at the end. */
	readonly stack: AsyncDisposableStack;
	readonly state: State;
	readonly hub: EventHub;
	readonly times: StepTimes;
	readonly keeper: RosterKeeper;
	readonly loop: Loop;
	readonly enqueue: (event: Event) => void;
	readonly fatal: (error: unknown) => void;
}

/** What a node with a full node has more. */
export interface ChainParts {
	readonly follower: ChainFollower;
	readonly submitter: Submitter;
	readonly partitions: DuePartitions;
	readonly announce: (request: DryRunRequest) => Promise<DryRun>;
	/** Ends a dry run that was announced here. */
	readonly takeBack: (challenge: Challenge) => void;
}
