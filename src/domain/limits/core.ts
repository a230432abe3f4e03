/** Times and counts of the rules of the core. */
import { KIB } from './units.ts';

export const coreLimits = {
	/** No backup copy for slowness alone before a lease is this old: small proofs vary by more than their length. */
	hedgeLeastMs: 10_000,
	/** Level-triggered evaluation of all rules. */
	tickMs: 250,
	/** Renewal of a record with leases; jittered by 10 % so that holders do not beat in step. */
	renewMs: 3_000,
	/** Record of a node without leases; a chain node tells its epoch at least every `beaconEpochs`. */
	beaconMs: 30_000,
	beaconEpochs: 4,
	/** A claim is told again after these pauses: one lost message must not cost a lease its start. */
	claimRepeatMs: [300, 1_200],
	/** Least pause between two records of one node, so that a burst of changes is one record. */
	recordPauseMs: 50,
	/** A lease whose holder was silent this long has lapsed: 4 renewals, at least 3 plus delay and jitter. */
	leaseMs: 12_000,
	/** A silent holder is probed this long before its lease lapses; only silence of all probes ends a lease. */
	probeMs: 1_200,
	/** Peers asked to probe on this node's behalf. */
	probeVia: 3,
	/** A node is ranked this long after its last record: 3 idle beacons and 5 s. Shorter lets every idle node think it is alone. */
	rankMs: 95_000,
	/** Pause between the claims of two ranks; beyond `rankSteps` ranks a derived jitter of up to 5 steps is added. */
	rankStepMs: 1_000,
	rankSteps: 10,
	/** Members probed to tell a partition of the network from a crash. */
	massProbes: 32,
	/** From this share of silent members on (at least `massLossLeast`), vanished leases are honoured until it is almost too late. */
	massLossPercent: 25,
	massLossLeast: 3,
	/** Silence of such members says nothing about their progress for this long: twice a split of five minutes. */
	splitMs: 600_000,
	/** Pause between two such samples: an answered one counts for as long as a probe takes, several times over. */
	samplePauseMs: 5_000,
	/** A reset connection is told to others this long: records of three renewals, should two of them be lost. */
	resetToldMs: 10_000,
	/** A tick this late is a sign of this node's own trouble: it judges others more patiently, up to this many steps. */
	lateTickMs: 500,
	healthMost: 8,
	/** Good ticks for so long take one of the steps back. */
	healthRecoveryMs: 5_000,
	/** Leases that expire without a result, one after another, until those of their holder are honoured for less. */
	expiriesTrusted: 3,
	distrustedLeaseMs: 5_000,
	/** Sequences reserved on disk at a time: one synced write for a thousand statements, 50 minutes of renewals. */
	sequenceBlock: 1_000,
	/** Digest exchange with one peer. */
	syncMs: 10_000,
	/** A late joiner claims nothing until its first sync, or this long. */
	firstSyncMs: 5_000,
	/** Exchanges this node has begun, and an unanswered one is forgotten after this. */
	syncTimeoutMs: 15_000,
	/** Doublings of `syncMs` for which a member whose exchanges fail is left alone: 80 s, since it may only be busy. */
	syncDoublings: 3,
	/** Proof, store and message must be done this many epochs before close. */
	marginEpochs: 8,
	/** Announcements are accepted from challenge (a dry run's: from open) to this long after close, and up to this far ahead. */
	announcementGraceEpochs: 20,
	announcementAheadEpochs: 120,
	/** A second announcer is waited for this long, in epochs and at least in milliseconds. */
	loneAnnouncerEpochs: 2,
	loneAnnouncerMs: 3_000,
	/** Chain nodes beyond the two best-ranked announce this far apart. */
	announceStepMs: 2_000,
	/** Results, submissions and claims are dropped one proving period after close: longer than the dispute window. */
	retentionEpochs: 2_880,
	/** Holdings on disk count for 7 days of 30 s epochs. */
	holdingsEpochs: 20_160,
	/**
	 * Work items known at a time: a day of a miner of 1 EiB (14,285) and what is due next. Where more comes, those that
	 * closed first are forgotten before their proving period is over.
	 */
	works: 16_384,
	/** Open items that one announcer may bring in for a miner unseen: two deadlines of 2,048, seven times 1 EiB. */
	announcerWorks: 4096,
	/** From challenge to close, 80 epochs on public networks, or from open to close of a dry run, 240; test chains may have wider windows. */
	announcementSpanEpochs: 1024,
	/** ANN pages and TOMBs of one announcer in one challenge: 12 pages of 3,000 partitions, and some reorgs. */
	announcerStatements: 64,
	/** Unverified results of one item, verifications in progress, and pause before an unavailable verifier is asked again. */
	candidates: 4,
	verifications: 8,
	verifyRetryMs: 2_000,
	/** A result is offered again this often until enough nodes have it. */
	offerMs: 5_000,
	offers: 20,
	/** Nodes with the result on disk, one of them a submitter, before its prover stops offering it. */
	copies: 3,
	/** A result that a member tells of is waited for this long, two rounds of sync, before another one is made. */
	toldMs: 20_000,
	/** A member whose result failed verification is not listened to for this long, about 24 h of epochs. */
	distrustEpochs: 2_880,
	/** Peers one gather streams from at a time, and tries per holder and sector. */
	gatherPeers: 8,
	gatherTries: 2,
	/** A holder is asked again this soon after a stream broke; after a refusal an epoch later. */
	gatherRetryMs: 2_000,
	/** With no holder known at all, this long for one to show up. */
	gatherHolderMs: 5_000,
	/**
	 * A holder that could not deliver all its tries is left alone this long, then the item is claimed for it again: within
	 * two leases after it is well, and each such claim asks for the missing sectors only.
	 */
	gatherPauseMs: 20_000,
	/** A share without a checked sector for this long is given to others too. */
	gatherStallMs: 10_000,
	/** Sectors that a submitter asks a holder for before it signs without them: 0.4 MB; one that comes opens the item again. */
	questionSectors: 16,
	/** Such questions under way, and the time for one: the holder may have a line of others to serve. */
	questions: 4,
	questionMs: 30_000,
	/** Files of them: 4 x 16 x 25,520 B, dropped at once. */
	questionSpoolBytes: 2 * KIB * KIB,
	/** Answers taken from the directory for one block, and blocks asked for one gather. */
	directoryProviders: 8,
	directoryBlocks: 8,
	/** An item that failed on this node is left to others this long, doubled each time up to 8 times: nine minutes. */
	failedMs: 2_000,
	failedDoublings: 8,
	/** A manifest that nobody served is asked for again after this, doubled each time up to 4 times. */
	manifestRetryMs: 2_000,
	manifestDoublings: 4,
	/** Manifests asked for at a time: half of `outgoingCallsPerPeer`, so that sync and probes find room beside them. */
	manifestFetches: 16,
	/**
	 * A manifest is there before the item that names it; one that no item names after this is forgotten. A view names its
	 * items when all of it is read: for 300 partitions 38 calls of 10 MB, one after the other, and where a call fails one
	 * of the next heads goes on with it. Half a deadline is long enough for that.
	 */
	namelessManifestMs: 900_000,
	/** Items forgotten a second, each with a look at all others: a deadline of 3,000 is gone within a minute. */
	retiredPerSecond: 64,
	/** Entries left on the disk by a crash that are deleted a second. */
	dropsPerSecond: 256,
	/** Submission: first epoch after open, confirmation depth, epochs between ranks, before close. */
	submitDelayEpochs: 4,
	confirmationEpochs: 5,
	fallbackEpochs: 2,
	/** Before close: from here on fallbacks step by 1 epoch and nonces do not wait; from `lastEpochs` on nobody waits. */
	hurryEpochs: 8,
	lastEpochs: 3,
	/** Results with unbacked or many skips are sent from this many epochs before close on. */
	doubtfulEpochs: 12,
	manySkips: 10,
	manySkipsPermille: 10,
	/** Sectors of one item that a node objects to at a time: one that comes brings the others along. */
	objectionsPerWork: 4,
	/** Objections of one author on one item that are heeded, so that a liar leaves the others room. */
	objectionsPerAuthor: 16,
	/** A view this many epochs behind is not signed on: its nonce and its pool are those of another time. */
	staleViewEpochs: 2,
	/** What the chain refused is tried again after this; from so many refusals on an operator must know. */
	refusedRetryEpochs: 2,
	refusalsAlarming: 2,
	/** Signatures of messages under way, and those of one author, so that whoever sends rubbish waits for itself first. */
	messageChecks: 32,
	messageChecksPerAuthor: 8,
	/** Forged messages of one sender that are known again; a repeat beyond costs one more look at its signature. */
	forgedSubmissions: 256,
	/** Messages of one sender that wait for the chain: its pool refuses more. */
	pendingMessages: 1_000,
	/** A message not included after this many epochs may be replaced, every `fallbackEpochs`. */
	stuckEpochs: 5,
	/** One that is not included after this is an alarm: it has been replaced twice by then. */
	stuckAlarmEpochs: 10,
	/** The actor's nonce has passed a message this long and no chain has it: another one is there, after small reorgs too. */
	displacedEpochs: 2,
	/** A displaced or unfound message is looked for this long after its deadline closed: while its statements are exchanged. */
	searchEpochs: 20,
	/** State of one core: 3,000 items of 50 members take 1.5 MB, a full table of 16,384 eight. */
	snapshotBytes: 32 * KIB * KIB,
	/** Texts that a recording writes once and numbers from then on: identities, CIDs and codes, by far not all there are. */
	packedTextChars: 128,
	packedTexts: 64 * KIB,
	/** Alarms kept; one of the code that has the most gives way. */
	alarms: 256,
	/** One about what a member did is cleared when it was not done again for a day, in which each deadline came round. */
	alarmMs: 86_400_000,
	/** Slots remembered for an item whose provers died. */
	crashesKept: 8,
	/** Name of a slot: `external-`, index, 32 letters of the program, place. */
	slotNameChars: 128,
	/** Durations kept for the percentiles. */
	durations: 64,
	/** Phases of one proof whose times are kept: a prover has about five. */
	proofPhases: 16,
	/** Epoch lengths that are believed when they are learned: a hurried test chain to ten times mainnet's. */
	epochLeastMs: 20,
	epochMostMs: 300_000,
	/** Heads kept for the epoch length: short and long window. */
	headsShort: 5,
	headsLong: 100,
} as const;
