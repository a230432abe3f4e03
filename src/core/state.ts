/**
 * The data of the core, put together. Every rule owns one slice, whose interface stands in the rule's file; other rules
 * read it and change it only through that file's functions. All of it is plain data and sorted maps, so that a snapshot can hold it.
 */
import type { TombstoneReason } from '../domain/announcement.ts';
import type { Envelope, Statement } from '../domain/envelope.ts';
import type { ActorId, CidText, Epoch, Hex32, NodeId, WorkId } from '../domain/ids.ts';
import type { PoStProofType } from '../domain/proof.ts';
import type { WorkItem } from '../domain/work.ts';
import type { Write } from '../domain/write.ts';
import type { AnnounceSlice } from './announce.ts';
import type { ChainView, CoreConfig, Effect } from './api.ts';
import type { ClaimSlice } from './claim.ts';
import type { EpochClock } from './epoch-clock.ts';
import type { HoldingsSlice } from './holdings.ts';
import type { IdentitySlice, Said } from './identity.ts';
import type { Job } from './job.ts';
import type { LivenessSlice, Peer } from './liveness.ts';
import type { RosterSlice } from './members.ts';
import type { Message } from './message.ts';
import type { Sender } from './nonces.ts';
import type { Raised } from './outbox.ts';
import type { QuestionsSlice } from './questions.ts';
import type { RecordsSlice } from './records.ts';
import type { ResultsSlice } from './results.ts';
import type { HeardObjection } from './skips.ts';
import type { SlotsSlice } from './slots.ts';
import type { SortedMap } from './sorted-map.ts';
import type { StorageSlice } from './storage.ts';
import type { SubmissionSlice } from './submission.ts';
import type { SyncSlice } from './sync.ts';
import type { Durations } from './timing.ts';
import type { ManifestSlice } from './works.ts';

export type StatementOf<K extends Envelope['kind']> = Statement<Extract<Envelope, { readonly kind: K }>>;

export interface State {
	readonly config: CoreConfig;
	/** Time of the step in progress. */
	now: number;
	/** Effects and writes of the step in progress. */
	out: { persist: Write[]; after: Effect[] };
	/** Something happened that rules may decide on before the next tick. */
	dirty: boolean;
	/** Before this time the rules would decide nothing, unless something happens (wake.ts); `slowWakeAt` of the slow ones. */
	wakeAt: number;
	slowWakeAt: number;
	/** The same for the exchange with others, sync.ts and this node's own record, which is looked at with the rules, too. */
	talkAt: number;
	/** Counts changes to what a digest tells of challenges. */
	told: number;
	/** When the rules last looked at everything. */
	decidedAt: number;
	/** When the rules that nobody waits for were last looked at. */
	slowAt: number;
	/** Keys on the disk that nothing here stands for, still to be deleted (recovery.ts). */
	orphans: string[];
	readonly identity: IdentitySlice;
	readonly roster: RosterSlice;
	readonly clock: EpochClock;
	readonly peers: SortedMap<NodeId, Peer>;
	readonly liveness: LivenessSlice;
	readonly records: RecordsSlice;
	readonly works: SortedMap<WorkId, Work>;
	readonly announce: AnnounceSlice;
	readonly jobs: SortedMap<WorkId, Job>;
	readonly slots: SlotsSlice;
	readonly durations: SortedMap<PoStProofType, Durations>;
	readonly manifests: SortedMap<Hex32, ManifestSlice>;
	readonly holdings: HoldingsSlice;
	readonly storage: StorageSlice;
	readonly senders: SortedMap<string, Sender>;
	readonly messages: SortedMap<CidText, Message>;
	readonly chain: ChainSlice;
	readonly sync: SyncSlice;
	readonly alarms: SortedMap<string, Raised>;
	readonly ignored: SortedMap<string, number>;
	readonly counters: SortedMap<string, number>;
}

export interface Work {
	readonly item: WorkItem;
	/** announce.ts */
	readonly heardAt: number;
	readonly heardEpoch: Epoch;
	/** The announcer whose quota it counts in; null when the own view or an operator brought it. */
	readonly enteredBy: NodeId | null;
	/** The last announcement of each, and its tombstone where that is newer. */
	readonly announcers: SortedMap<NodeId, Said>;
	readonly tombs: SortedMap<NodeId, Said & { readonly reason: TombstoneReason }>;
	ownView: 'agrees' | 'differs' | 'unknown';
	/** In PostSubmissions at the last own view while the deadline was open. */
	posted: boolean;
	/** The own view showed it due and not posted: after the close it is looked whether it was missed. On the disk, too. */
	watched: boolean;
	/** claim.ts */
	claim: ClaimSlice;
	/** results.ts */
	results: ResultsSlice;
	/** skips.ts */
	readonly refusals: SortedMap<NodeId, StatementOf<'ref'>>;
	readonly objections: SortedMap<string, HeardObjection>;
	/** questions.ts */
	questions: QuestionsSlice;
	/** submission.ts */
	submission: SubmissionSlice;
}

export interface ChainSlice {
	readonly views: SortedMap<ActorId, ChainView>;
	/** False after `chain-lost`, until the next view. */
	reachable: boolean;
}
