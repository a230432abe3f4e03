/**
 * The data of the core. Every rule owns one slice, named after its file; other rules read it and change it only
 * through that file's functions. All of it is plain data and sorted maps, so that a snapshot can hold it.
 */
import type { TombstoneReason } from '../domain/announcement.ts';
import type { Bitfield } from '../domain/bitfield.ts';
import type { Envelope, Statement } from '../domain/envelope.ts';
import type { ActorId, CidText, Epoch, Hex32, NodeId, SectorNumber, WorkId } from '../domain/ids.ts';
import type { Lease, ReleaseReason } from '../domain/lease.ts';
import type { PostParams } from '../domain/message.ts';
import type { PoStProofType } from '../domain/proof.ts';
import type { ProofEstimate } from '../domain/record.ts';
import type { Result } from '../domain/result.ts';
import type { Role, Roster, RosterPeer } from '../domain/roster.ts';
import type { Submission } from '../domain/submission.ts';
import type { ChallengeDigest, Digest } from '../domain/sync.ts';
import type { ChallengeKey, WorkItem } from '../domain/work.ts';
import type { Write } from '../domain/write.ts';
import type { Alarm, ChainView, CoreConfig, Effect } from './api.ts';
import type { EpochClock, EpochMark } from './epoch-clock.ts';
import type { SortedMap } from './sorted-map.ts';

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
	readonly alarms: SortedMap<string, Alarm>;
	readonly ignored: SortedMap<string, number>;
	readonly counters: SortedMap<string, number>;
}

/** identity.ts: the strictly rising (incarnation, sequence) of this node's statements. */
export interface IdentitySlice {
	incarnation: number;
	/** Next sequence, and the first one that is not yet reserved on disk. */
	sequence: number;
	reserved: number;
	/** The key speaks elsewhere: claims stop. */
	cloned: boolean;
	/** The node ends in order: nothing new is begun. */
	stopping: boolean;
	started: boolean;
}

/** roster.ts */
export interface RosterSlice {
	roster: Roster;
	hash: Hex32;
	byId: SortedMap<NodeId, RosterPeer>;
	/** Preference lists by key, valid for this roster. */
	rankings: SortedMap<string, readonly Ranking[]>;
}

/** Members with the role for the miner in rendezvous order of a key. Their scores are not kept: 16,384 items of 50 members take 140 MB with them, 16 without. */
export interface Ranking {
	readonly role: Role;
	readonly miner: ActorId;
	readonly order: readonly NodeId[];
}

/** records.ts and liveness.ts: what is known of one member. */
export interface Peer {
	record: StatementOf<'rec'> | null;
	/** When the record was new at the latest: its arrival less its age at the relay. */
	recordAt: number;
	/** Last sign of life: record, statement or answered probe. */
	aliveAt: number;
	connected: boolean;
	probing: boolean;
	/** When the last probe began. */
	probedAt: number;
	/** A reset or a suspicion asks for a probe now. */
	suspect: boolean;
	/** All probes were silent after the last sign of life. */
	dead: boolean;
	/** Fell silent together with many others: its leases are honoured until it is almost too late. */
	vanished: boolean;
	/** Leases that expired without a result, one after another. */
	expiries: number;
	/** Why it gave up the lease that it told of last; the record names those it gave up in the order of their items. */
	lastRelease: ReleaseReason | null;
	/** No result of it is heeded before this epoch. */
	distrustedUntil: number;
	/** Newest epoch it spoke of, when. */
	mark: EpochMark | null;
	/** The mark that the length of its epochs was last learned from, and that length. */
	pace: EpochMark | null;
	paceMs: number | null;
}

/** timing.ts: milliseconds of own proofs, the oldest first, and what follows from them. */
export interface Durations {
	readonly known: readonly number[];
	readonly estimate: ProofEstimate;
}

export interface LivenessSlice {
	lastTickAt: number | null;
	/** 0 to 8. */
	health: number;
	/** Some member may be under suspicion. */
	suspicion: boolean;
	/** Time of the last good tick, for the slow recovery of health. */
	healthAt: number;
	/** Peers whose connection was reset here, until when they are named in the record. */
	resets: SortedMap<NodeId, number>;
	/** When members were last probed as a sample. */
	sampledAt: number;
}

/** records.ts: when this node's own record goes out. */
export interface RecordsSlice {
	/** Content changed: send as soon as `recordPauseMs` allows. */
	changed: boolean;
	sentAt: number;
	/** The last one sent. */
	own: StatementOf<'rec'> | null;
	/** Repeats of a claim still to be sent. */
	repeatsAt: number[];
	/** Live leases of all members by work, this node's excluded. */
	leases: SortedMap<WorkId, SortedMap<NodeId, HeldLease>>;
	/** Leases of this node that ended without a result, newest first. */
	ended: { readonly work: WorkId; readonly reason: ReleaseReason }[];
	/** Short hashes of the newest submissions on disk, newest first. */
	submissions: string[];
}

export interface HeldLease {
	readonly lease: Lease;
	/** Since when this holder tells of a lease on the item, whatever its term and phase. */
	readonly heldAt: number;
	/** When this term of this holder was first seen in its phase here. */
	readonly phaseAt: number;
}

export interface AnnounceSlice {
	/** Announcements of the own chain view that wait for their turn, by challenge. */
	pending: SortedMap<ChallengeKey, { readonly dueAt: number; readonly works: readonly WorkId[] }>;
	/** ANN and TOMB statements by challenge, then identity. */
	statements: SortedMap<ChallengeKey, SortedMap<string, StatementOf<'ann'> | StatementOf<'tomb'>>>;
}

/** Place of a statement among those of its author. */
export interface Said {
	readonly incarnation: number;
	readonly sequence: number;
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

export interface ClaimSlice {
	/** Since when this node could take it, were it first in rank; null while it could not. */
	availableAt: number | null;
	/** Since when a backup is wanted. */
	hedgeAt: number | null;
	term: number;
	/** Holder of the last live lease of another node. */
	lastHolder: NodeId | null;
	/** Attempts of this node that failed, and until when it leaves the item to others. */
	failures: number;
	retryAt: number;
	/** Slots whose prover died over it, one entry for each death. */
	crashes: readonly string[];
	/** The library's prover was among them. */
	stockCrashed: boolean;
	/** Sectors that the holders asked could not deliver to this node; null = never ended so. */
	missing: Bitfield | null;
	/** Those holders, until when they are not asked again; one that comes back or offers anew is removed. */
	readonly exhausted: SortedMap<NodeId, number>;
	/** Gathers that ended so. */
	incomplete: number;
	/** Not one sector came: not tried again at the latest start time either. */
	hopeless: boolean;
}

export interface BestResult {
	readonly statement: StatementOf<'res'>;
	readonly result: Result;
	readonly hash: Hex32;
	readonly storedAt: number;
	readonly storedEpoch: Epoch;
}

export interface ResultsSlice {
	best: BestResult | null;
	/** Unverified results by hash. */
	readonly candidates: SortedMap<Hex32, Candidate>;
	readonly bad: SortedMap<Hex32, true>;
	/** When a member's record first told of a result that this node does not have. */
	toldAt: number | null;
	/** Offers made of the best result, by whoever proved it. */
	offers: number;
	offeredAt: number;
	acknowledged: boolean;
}

export interface Candidate {
	readonly statement: StatementOf<'res'>;
	readonly result: Result;
	/** Already on this node's disk (recovered at start). */
	readonly stored: boolean;
	verifying: boolean;
	retryAt: number;
}

export interface HeardObjection {
	readonly sector: SectorNumber;
	readonly holder: NodeId;
	/** Whoever objected first. */
	readonly by: NodeId;
	/** A claimant has fetched the sector in vain: not heeded again. */
	spent: boolean;
}

/** A submitter's questions to holders of sectors that the best result leaves out. */
export interface QuestionsSlice {
	/** The one that is under way. */
	open: { readonly peer: NodeId; readonly sectors: Bitfield } | null;
	readonly asked: SortedMap<NodeId, Asked>;
}

/** gather.ts and proving.ts: one lease of this node. */
export interface Job {
	readonly work: WorkId;
	readonly term: number;
	readonly backup: boolean;
	readonly replaces: NodeId | null;
	readonly startedAt: number;
	phase: Lease['phase'];
	permille: number;
	/** Gather: sectors in the spool, streams in progress by peer, and how often a holder was asked for a sector. */
	good: Bitfield;
	readonly shares: SortedMap<NodeId, Share>;
	readonly asked: SortedMap<NodeId, Asked>;
	/** Blocks asked of the directory, and the providers it named. */
	readonly blocks: SortedMap<number, readonly NodeId[] | null>;
	skipped: Bitfield;
	/** Gather time, then proving: what estimates are learned from. */
	gatheredAt: number | null;
	slot: string | null;
	proveAt: number | null;
	progressAt: number;
	/** Our own prover failed at it, the library began again. */
	anew: boolean;
	result: Result | null;
	hash: Hex32 | null;
	/** When an unavailable verifier is asked again; null while it has the proof. */
	verifyAt: number | null;
}

export interface Share {
	/** Still owed. */
	owed: Bitfield;
	/** When the last sector came, and whether any did. */
	movedAt: number;
	moved: boolean;
}

export interface Asked {
	/** Sectors asked in vain once, and twice. */
	once: Bitfield;
	twice: Bitfield;
	/** Not before this time is it asked again. */
	retryAt: number;
	/** The last vain answer was a stream that broke, which says nothing about the sectors. */
	broken: boolean;
}

export interface SlotsSlice {
	/** Slots in service with the work they hold. */
	names: readonly string[];
	readonly busy: SortedMap<string, WorkId>;
}

export interface ManifestSlice {
	/** Null while it is being fetched. */
	sectors: Bitfield | null;
	fetching: boolean;
	retryAt: number;
	tries: number;
}

export interface HoldingsSlice {
	/** Newest HOLD of each peer and miner; the key is `peer/miner`. */
	readonly statements: SortedMap<string, StatementOf<'hold'>>;
	readonly own: SortedMap<ActorId, Bitfield>;
	/** First epoch that this life knew. */
	datedFrom: number | null;
}

export interface StorageSlice {
	/** The last `open-ahead`. */
	ordered: readonly { readonly work: WorkId; readonly sectors: Bitfield }[];
	readonly opened: SortedMap<WorkId, Opened>;
}

export interface Opened {
	ok: Bitfield;
	/** Failed sectors by the epoch in which each failed first, and those that failed again in a later one. */
	readonly failedFirst: SortedMap<number, Bitfield>;
	failedTwice: Bitfield;
}

export interface ChainSlice {
	readonly views: SortedMap<ActorId, ChainView>;
	/** False after `chain-lost`, until the next view. */
	reachable: boolean;
}

/** nonces.ts: one sending address. */
export interface Sender {
	readonly address: string;
	/** Work whose message is being prepared or signed, with the nonce once it is chosen. */
	busy: { readonly work: WorkId; readonly nonce: number | null; readonly replaces?: CidText } | null;
	/** Epoch since when the next nonce is held by no known message although later ones wait. */
	gapEpoch: number | null;
	/** Epoch of the last replacement. */
	replacedEpoch: number;
	/** When the last message of this node was signed, and its CID. */
	lastSigned: { readonly cid: CidText; readonly epoch: number } | null;
	/** Foreign messages already alarmed. */
	readonly foreign: SortedMap<CidText, true>;
	/** Short hashes of messages whose signature did not hold, newest first. */
	forged: readonly string[];
}

/** messages.ts: one signed message of a sender that this mesh knows. */
export interface Message {
	readonly submission: Submission;
	readonly params: PostParams;
	readonly sender: string;
	readonly nonce: number;
	/** The SUB envelope; null for one found in the pool that was not told on yet. */
	statement: StatementOf<'sub'> | null;
	/** First 8 bytes of SHA-256 of the signed bytes. */
	readonly short: string;
	/** Identity of proof and skips, as results have it. */
	readonly hash: Hex32;
	/** Signed here in an earlier life, and perhaps known to nobody else (held.ts): it does not count yet. */
	held: boolean;
	/** Both must hold before it counts. */
	proofGood: boolean;
	signatureGood: boolean;
	checkingProof: boolean;
	checkingSignature: boolean;
	retryAt: number;
	/** Epoch it was first seen here; -1 until an epoch is known. */
	seenEpoch: number;
	/** In the pool at the last view, and ever in one. */
	pooled: boolean;
	everPooled: boolean;
	pushing: boolean;
	/** Epoch of this node's last push. */
	pushedEpoch: number | null;
	/** Epoch of the first view whose actor nonce is above the message's; null while none is. */
	passedEpoch: number | null;
	/** Epoch of the including tipset. */
	includedAt: number | null;
	searching: boolean;
	searchedEpoch: number;
	/** Why it will never count again; a reorg brings back those that another message displaced. */
	dead: string | null;
	done: boolean;
	/** retold.ts: what members said of it for other items, and items that its proof does not answer. */
	readonly retold: SortedMap<NodeId, StatementOf<'sub'>>;
	readonly refuted: SortedMap<WorkId, true>;
}

export interface SubmissionSlice {
	/** Epoch since when the work could be sent. */
	readyEpoch: number | null;
	retryEpoch: number;
	/** Times the chain refused it. */
	refusals: number;
	/** Why nothing was sent yet, as people are told. */
	reason: string;
}

export interface SyncSlice {
	/** Completed exchanges since start, and when the node started. */
	completed: number;
	startedAt: number;
	/** The exchange in progress. */
	active:
		| { readonly peer: NodeId; readonly at: number; readonly stage: 'digest' }
		| {
				readonly peer: NodeId;
				readonly at: number;
				readonly stage: 'pull';
				readonly asked: Hex32;
				readonly isWhole: boolean;
		  }
		| null;
	nextAt: number;
	/** The last question whose answer was full, hashed. */
	fullPull: Hex32 | null;
	/** Newly connected peers and those whose digest showed something newer, in key order. */
	readonly wanted: SortedMap<NodeId, Digest | null>;
	rounds: number;
	/** Challenges of the last digest, for as long as nothing changes in the epoch. */
	digested: { readonly told: number; readonly epoch: Epoch; readonly challenges: readonly ChallengeDigest[] } | null;
	/** What the parts of the last digest covered, and their hashes. */
	readonly hashes: SortedMap<string, { readonly text: string; readonly hash: Hex32 }>;
}
