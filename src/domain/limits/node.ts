/** What is around the core: home, store, control API, loop, recorder. */
import { KIB } from './units.ts';

export const nodeLimits = {
	// Identity and store.
	/** Characters of an Ed25519 peer id: 38 bytes in base58. */
	peerIdChars: 52,
	/** Public keys kept parsed: above the largest roster, so that only strangers' ids ever push it over. */
	knownKeys: 4096,
	/** Store key: the longest is a message key of prefix, address and nonce, under 120 characters. */
	storeKeyBytes: 256,
	/** Store value: a manifest of 2,349 sectors takes 94 KB; a snapshot of a full table stays below 16 MiB. */
	storeValueBytes: 16 * 1024 * KIB,
	/** Free space before a store that failed is opened anew: LevelDB rewrites its log (4 MiB) into tables, twice at worst. */
	storeRecoveryBytes: 16 * 1024 * KIB,

	// Observation.
	/** Label sets of one metric; roles, codes and phases make some hundred. Further ones are counted as `other`. */
	metricSeries: 2000,
	/** Distance of the samples of the event loop's delay: fine enough for a p99 of 20 ms. */
	loopResolutionMs: 10,
	/** Time between two reports of the event loop's delay. */
	loopReportMs: 10_000,
	/** The loop may never be blocked longer: pings and renewals would come late. */
	loopBlockMs: 100,

	// Home, configuration, control API.
	/** Key and token files: the longest, a Lotus KeyInfo or a JWT, takes some hundred bytes. */
	keyFileBytes: 4 * KIB,
	/** config.toml: the commented file has 10 KiB. */
	configFileBytes: 1024 * KIB,
	/** Complaints printed about one config file; the rest is counted. */
	configIssues: 10,
	/** Roster file and request body: 4,096 peers of about 200 bytes. */
	rosterBytes: 1024 * KIB,
	/** Invitation: a roster in base64 and the addresses. */
	inviteBytes: 2 * 1024 * KIB,
	/** Addresses of an invitation: a few of some nodes; one that answers is enough. */
	inviteAddresses: 64,
	/** Body of any other control request: a handful of short fields. */
	controlBodyBytes: 16 * KIB,
	/** Connections to the control API: a CLI, a dashboard and a scraper take some each. */
	controlConnections: 64,
	/** Time for a control request to arrive in full. */
	controlRequestMs: 10_000,
	/** An idle connection to the control API: longer than any client keeps one, so that none is closed as a request goes out, and none holds its place for ever. */
	controlIdleMs: 600_000,
	/** Time the CLI waits for an answer of its node: the event loop is never blocked for a tenth of it. */
	controlAnswerMs: 10_000,
	/** A closed deadline is shown by `claims` this long: by then its last message is 5 epochs deep, or lost. */
	claimsShownEpochs: 20,
	/** Time between two looks of `claims --watch` and `compute`: people see nothing faster. */
	watchMs: 500,
	/** Open event streams of the control API: each buffers on its own. */
	controlStreams: 32,
	/** Events that wait for one slow reader of `/events`; then the reader is cut off. */
	controlQueuedEvents: 1024,

	// The loop.
	/** Events stepped before one synced write: a batch of 64 takes a few milliseconds and costs one fsync. */
	loopBatchEvents: 64,
	/** Statements and questions of others that wait; above it they are dropped and found again by sync. */
	loopOutsideEvents: 16 * KIB,
	/** Pause before a refused write is tried again, doubled each time up to the second. */
	storeRetryFirstMs: 100,
	storeRetryLastMs: 5_000,
	/** Manifests kept decoded: two per slot and some to verify; 2,349 sectors take 325 KB, all of them 21 MB. */
	manifestsDecoded: 64,

	// The node around the core.
	/** Statements of one author: a record each 3 s, a claim sent three times, and bursts of announcements and refusals. */
	authorStatements: { perSecond: 100, burst: 4 * KIB },
	/**
	 * Of others that one member hands over: twice the rate of `relayedMessages`, and what an honest one saved up while this
	 * node stood still until the ping cuts it. More is a replay of old statements, each of which costs a signature check.
	 */
	relayStatements: { perSecond: 600, burst: 4_500 },
	/** Inputs kept away because the core failed on them. */
	quarantined: 64,
	/** Their file: 80 characters for each. */
	quarantineFileBytes: 8 * KIB,
	/** Stored entries that are set aside one by one at a start: more of them are a bug of another kind. */
	setAside: 64,
	/** Own results and messages kept of those that were set aside before: as many as items are known at a time. */
	ownAside: 16_384,
	/** After a failure the rules are tried for so long, in the core's time, with what is stored: each runs some times. */
	trialMs: 5_000,
	/** A core that runs for this long was failed by something that is over: epochs have passed, and peers were heard. */
	carefulMs: 600_000,
	/** Questions of others that wait for the core: 32 streams of some peers at once. */
	syncQuestions: 256,
	syncAnswerMs: 10_000,
	/** Partitions whose sectors are read in one call: 8 x 2,349 sectors are about 10 MB of JSON. */
	chainPartitionsPerCall: 8,
	/** Miners read side by side. */
	chainMinersAtOnce: 8,
	/** Heads that do not come for this long are asked for. */
	chainSilenceMs: 5_000,
	chainRetryMs: 1_000,
	/** Work items whose step times are kept: the two deadlines in play of a large miner. */
	stepTimes: 8 * KIB,
	timesAnswerMs: 2_000,
	/** Dry runs at a time on one node, running or finished and remembered. */
	computeRuns: 16,
	/** Deadlines between challenge and close at a time: two on every network; more is no policy to follow. */
	deadlinesInPlay: 16,
	/** Windows of the deadline that a dry run may take: two hours on mainnet. */
	dryRunWindows: 4,
	/** Dry runs of others that a chain node can still take back: those of some busy operators. */
	dryRunsAsked: 64,
	/** From an announcement until its partitions are seen here, by gossip at once or by some rounds of sync. */
	computeSeenMs: 60_000,
	/** Without a slot in the mesh that could prove; a prover that was started again, or its worker, is back by then. */
	computeOfferedMs: 90_000,
	/** The chain node reads partitions and sectors of the deadline first. */
	dryRunAnswerMs: 30_000,
	/** Text of an error that travels. */
	errorChars: 1_000,
	/** A run's state is for people: read from the core this often. */
	computePollMs: 250,
	/** Sectors of one directory key. */
	directoryBlockSectors: 1024,
	/** Whole answer of the directory: the DHT is never the only way and never a wait. */
	directoryFindMs: 2_000,
	/** A node that meets its own key this soon after its start came second: copied homes are started within minutes. */
	cloneYieldMs: 60_000,

	// Flight recorder.
	/** What is kept: what led to a failure is asked for within the hour, and 64 MiB are no matter on any disk. */
	recorderMs: 3_600_000,
	recorderBytes: 64 * KIB * KIB,
	/** Files kept, so that a node that is started again and again fills no folder: each start begins one. */
	recorderSegments: 128,
	/** A segment ends after this time or this many bytes of steps: what is removed and what is replayed alone. */
	recorderSegmentMs: 600_000,
	recorderSegmentBytes: 8 * KIB * KIB,
	/** One frame: the largest event is a view of 3,000 partitions with 1,000 messages in the pool, 2 MB. */
	recorderFrameBytes: 16 * KIB * KIB,
	/** Steps are written together once they have so many bytes or are so old: what a kill takes from the recording. */
	recorderBatchBytes: 64 * KIB,
	recorderFlushMs: 200,
	/** Bytes that wait for a slow disk, the largest state among them; then the recording pauses rather than grow. */
	recorderQueueBytes: 48 * KIB * KIB,
	/** Until recording is tried again after its disk failed. */
	recorderRetryMs: 60_000,
	/** At the end of the node: a disk that hangs must not hold it up. */
	recorderCloseMs: 2_000,
	/** The state is written in slices of this length, and the event loop lives between them. */
	recorderSliceMs: 4,
	recorderSliceBytes: 256 * KIB,
	/** Length of an epoch on every public network: the first guess where nothing says otherwise. */
	epochSecondsGuess: 30,
} as const;
