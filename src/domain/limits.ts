/**
 * Every bound of the program in one place, each with its reason. A queue, map, frame, timeout or retry that is not
 * listed here has no bound, which is a bug.
 */
const KIB = 1024;

export const limits = {
	/** Largest gossip message. An ANN page of 256 items is the largest: about 256 x 150 B = 38 KiB. */
	gossipBytes: 64 * KIB,
	/** Work items of one ANN message, so that it stays below `gossipBytes`. */
	announcementItems: 256,
	/**
	 * Payload of one bulk frame: near 64 KiB is the fastest under a 256 KiB window, and with the headers of frame (4) and
	 * yamux (12) it must fit the 65,519 bytes of one noise message: a second one for the rest costs a sixth of the speed.
	 */
	bulkFrameBytes: 65_500,
	/** yamux receive window, initial = maximum: a paused stream is aborted above 4 MiB of unread bytes. */
	streamWindowBytes: 256 * KIB,
	/** Encoded bitfield: `MAX_ENCODED_SIZE` of the chain. */
	bitfieldBytes: 32 * KIB,
	/** Runs of ones in a bitfield: a worst case of 64 Ki scattered faults. */
	bitfieldRuns: 64 * KIB,
	/** Members of a bitfield, so that iterating over one takes milliseconds: 32 PiB of 32 GiB sectors. */
	bitfieldMembers: KIB * KIB,
	/** A signed message: the chain's own bound (Lotus `MaxMessageSize`). */
	messageBytes: 64 * KIB,
	/** A token amount in CBOR: the chain's own bound (go-state-types `BigIntMaxSerializedLen`). */
	bigIntBytes: 128,
	/** Declarations or partitions of one actor call (builtin-actors `ADDRESSED_PARTITIONS_MAX`). */
	addressedPartitions: 3000,
	/** Proof bytes of one entry in a SubmitWindowedPoSt; the chain refuses more than 192 for each of 3 partitions itself. */
	postProofBytes: 4 * KIB,
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
	/** Time the CLI waits for an answer of its node: the event loop is never blocked for a tenth of it. */
	controlAnswerMs: 10_000,
	/** Time between two looks of `claims --watch` and `compute`: people see nothing faster. */
	watchMs: 500,
	/** Open event streams of the control API: each buffers on its own. */
	controlStreams: 32,
	/** Events that wait for one slow reader of `/events`; then the reader is cut off. */
	controlQueuedEvents: 1024,

	// Network.
	/** One gossip RPC: answers to IWANT carry several messages in one frame, and a frame over the bound kills the stream. */
	gossipRpcBytes: 1024 * KIB,
	/** Messages, subscriptions or control entries of one gossip RPC; a full heartbeat of 30 nodes has about 60. */
	gossipRpcEntries: 512,
	/** Unsent gossip for one slow peer; above it the stream is cut and opened again. Ten seconds of a busy mesh. */
	gossipOutboundBytes: 8 * 1024 * KIB,
	/**
	 * What one member may send, over all its connections: a rate and a burst of each. Above it is a flood, and the member
	 * is banned. Bursts are above what an honest member sends to a node that stood still until the ping cuts it.
	 */
	quotas: {
		/** A node that announces 200 pages at Challenge sends 8 MiB within a few seconds. */
		'gossip-bytes': { perSecond: 4 * 1024 * KIB, burst: 32 * 1024 * KIB },
		/** Frames, messages and control entries. 100 records per second is what renewal pacing allows for the whole network. */
		'gossip-entries': { perSecond: 1_500, burst: 12_000 },
		/** New connections. Honest dials double their pauses up to 15 s, unless a connection lasted for a second. */
		connections: { perSecond: 1, burst: 32 },
		/** New streams: twice what `callPace` lets an honest member open, and its pings, probes and DHT requests. */
		streams: { perSecond: 100, burst: 500 },
		/** yamux frames below 1 KiB of data: a window update or a rest for each full frame, 3,000/s at 190 MB/s. */
		'mux-frames': { perSecond: 5_000, burst: 20_000 },
		/** yamux pings: one each 30 s is what libp2p sends. */
		'mux-pings': { perSecond: 10, burst: 100 },
		/** Bytes to be echoed: 32 for each ping. */
		'ping-bytes': { perSecond: 16 * KIB, burst: 64 * KIB },
		/** Messages on streams of the DHT and of identify; a provide takes two or three of each peer, four times a second. */
		'service-frames': { perSecond: 50, burst: 500 },
		/** Calls that cost milliseconds each. Honest members sync and ask for addresses once in 5 to 10 s, and some in a row after an absence. */
		costly: { perSecond: 5, burst: 100 },
	},
	/**
	 * What this node passes on for others: well below `quotas`, each message being a frame and an entry. Members that each
	 * keep to their quota must not make a flooder of whoever relays for all of them. What is left out comes by sync.
	 */
	relayedMessages: { perSecond: 300, burst: 3_000 },
	relayedBytes: { perSecond: 2 * 1024 * KIB, burst: 16 * 1024 * KIB },
	/** The answer of a probe made for another member serves everybody who asks within this time. */
	probeReuseMs: 500,
	/** Streams that this node opens to one member: half of what others allow. */
	callPace: { perSecond: 50, burst: 200 },
	/** Connections of one member at a time: two while both dial at once, and dead ones that the ping has not cut yet. */
	connectionsPerPeer: 8,
	/** Streams of one connection, all protocols together. */
	streamsPerConnection: 256,
	/** Handshakes that ended in a refusal, of one address: above it new connections from there are closed unread. */
	refusedPerHost: { perSecond: 5, burst: 50 },
	/** Addresses whose refusals are counted; the oldest is forgotten. */
	refusedHosts: 4096,
	/** A request of the DHT or a pushed identify message: a key and the addresses of a few peers. */
	serviceMessageBytes: 64 * KIB,
	/** Connections of one node: a roster has hundreds of peers, two connections each while both sides dial at once. */
	connections: 1024,
	/** Handshakes in progress, and new ones per second from one address: many nodes of one host start together. */
	pendingConnections: 128,
	connectionsPerSecondPerHost: 200,
	/** A handshake takes three round trips; a stranger holds one of `pendingConnections` for at most this long. */
	handshakeMs: 5_000,
	/** An orderly goodbye: flushing streams to a peer that takes nothing must not hold up the stop of this node. */
	closeMs: 1_000,
	/** Until the peer that was told goodbye closes the connection: a round trip, or the socket is closed anyway. */
	goodbyeMs: 300,
	/** Up to this many members everyone dials everyone: a star beyond gossipsub's `Dhi` of 32 takes minutes to mesh. */
	fullMeshPeers: 30,
	/** Dials in progress. */
	parallelDials: 8,
	/** One address: a dead host must not use up the whole dial. */
	dialAddressMs: 3_000,
	dialMs: 12_000,
	/** Pause between dials of one peer, doubled from the first to the last, with 25 % jitter, for ever. */
	redialFirstMs: 250,
	redialLastMs: 15_000,
	/** Level-triggered repair of the mesh: missing members, missing gossip streams, one exchange of addresses. */
	meshRepairMs: 5_000,
	/**
	 * A connection is pinged this often and dropped after a ping without answer: a hung process is gone within
	 * 2.5 + 6 s, one that is slow for 2 s, or whose event loop stands for 5 s, is not.
	 */
	pingIntervalMs: 2_500,
	pingTimeoutMs: 6_000,
	/** Pings of one connection at a time: the monitor, probes of the core and the routing table together. */
	pingStreams: 32,
	/** Addresses kept for one peer, and the length of one: listen addresses of a machine with many interfaces. */
	peerAddresses: 16,
	multiaddrChars: 256,
	/** Answer of the address exchange: 1,024 members of two addresses each. */
	peerExchangeBytes: 512 * KIB,
	peerExchangeMs: 5_000,
	/** Garbage from one peer, forgiven at one per `strikeForgiveMs`; above it the peer is hung up and refused for `banMs`. */
	strikes: 8,
	strikeForgiveMs: 10_000,
	/** The first ban; doubled each time up to `banMostMs`, so that a member that floods again and again costs ever less. */
	banMs: 60_000,
	banMostMs: 3_600_000,
	/** A member that kept the rules this long after its last ban starts anew. */
	banForgetMs: 6 * 3_600_000,
	/** Streams of one protocol and direction on one connection. */
	streamsPerProtocol: 32,
	/** Calls this node waits for: to one peer, and to all. */
	outgoingCallsPerPeer: 32,
	outgoingCalls: 512,
	/** Calls this node serves at a time; a request is at most some hundred KiB. */
	incomingCalls: 128,
	/** Of them from one peer: `outgoingCallsPerPeer`, and some whose end this side has not seen yet. */
	incomingCallsPerPeer: 40,
	/** Bulk streams served at a time: more do not raise throughput and each takes a window; the others wait in line. */
	bulkStreams: 4,
	bulkQueue: 64,
	/** Of them to one peer, so that one that takes nothing keeps nobody out; and waiting: a gatherer reads 4 at a time. */
	bulkStreamsPerPeer: 2,
	bulkQueuePerPeer: 16,
	/** A served bulk stream whose reader took nothing for this long is given up, so that its slot comes free. */
	bulkStallMs: 60_000,
	/** Time for the request frame after a stream was opened, and for the handler of a call. */
	requestReadMs: 10_000,
	callHandlerMs: 30_000,
	/** Keys of the directory of one member, own and others': 100 PiB of 32 GiB sectors in blocks of 1,024 are 3,200. */
	directoryKeys: 4 * KIB,
	/** Those of all members kept here, about 300 bytes each. */
	directoryRecords: 128 * KIB,
	/** A record counts this long (kad-dht `PROVIDERS_VALIDITY`), and is provided anew this long after the last time. */
	directoryValidMs: 48 * 3_600_000,
	directoryRenewMs: 22 * 3_600_000,
	/** Pause between two looks for records that are due again. */
	directoryLookMs: 60_000,
	/** Pause between two provides: one costs a mesh of 8 nodes about 100 ms of CPU. */
	provideIntervalMs: 250,
	provideMs: 30_000,
	/** Blocks of one tipset: 5 are expected, more than 20 are beyond any chance. */
	tipSetBlocks: 100,

	/** One frame of the native worker: a whole partition of vanilla proofs is 58.7 MB. */
	nativeFrameBytes: 64 * KIB * KIB,
	/** Header of such a frame: 2,349 slot numbers are the longest content. */
	nativeHeaderBytes: 64 * KIB,
	/** Jobs open in one native worker, as its own bound. */
	nativeJobs: 256,
	/** From spawn to `ready`; it reads verifying keys of 2.5 MB first, on a busy disk at worst. */
	nativeStartMs: 60_000,
	/** From the end of stdin to SIGTERM, and from there to SIGKILL. The worker ends at once unless it is stuck in a driver. */
	nativeStopMs: 2_000,
	/** A verification, a check or a folder scan that takes longer is stuck: a cold 32 GiB key takes 8 s. The worker is killed. */
	nativeAnswerMs: 60_000,
	/** First pause before a dead worker is started again; doubled each time ... */
	nativeRestartMs: 100,
	/** ... up to this, so that a driver that comes back is used soon and a broken binary costs nothing. */
	nativeRestartMaxMs: 30_000,
	/** A cancelled proof must be known as such within 1 s: the worker has this long to go by itself, then it is killed. */
	nativeCancelMs: 500,
	/** Logged stderr lines of one worker per window: a panic with its backtrace fits, a loop of them does not. */
	nativeStderrLines: 200,
	nativeStderrWindowMs: 60_000,
	nativeStderrLineChars: 2_000,
	/** Sectors of one job of the opening worker: 800 KB of proofs; what was asked for waits at most for one such chunk. */
	vanillaChunkSectors: 32,

	// Vanilla proofs between nodes.
	/** 2,349 entries of [u53, 32 bytes] take at most 45 bytes each. */
	vanillaRequestBytes: 112 * KIB,
	/** Sectors of one reading job: those asked for wait for what is left of the running ones. */
	vanillaReadSectors: 16,
	/**
	 * Sectors that one answer, or opening ahead, waits for at a time; more where more threads read. A reader that stops
	 * reading holds no more than these, and a new order of the items counts soon.
	 */
	vanillaWindow: 32,
	/** Failed sectors remembered for the rest of the epoch; beyond that they are read again when asked for. */
	vanillaFailures: 4096,
	/** Work items whose sectors are opened ahead: each keeps its manifest in memory, about 0.5 MB. */
	vanillaWorks: 256,
	/** One peer's answer to the question for a manifest of at most 112 KiB; then the next peer is asked. */
	manifestAnswerMs: 5_000,
	/** Pause between two looks at which sectors lie in the storage folders: names only, but some 100,000 of them. */
	holdingsScanMs: 60_000,
	/** Streams of vanilla proofs that this node reads at a time: more do not raise throughput, each takes a window. */
	gatherStreams: 4,
	/**
	 * Silence of a stream while it is read. It may stand in line behind `bulkStreams` others, each waiting for disks; a
	 * peer that is gone or hangs is noticed by its connection long before.
	 */
	gatherSilenceMs: 120_000,
	/** Proofs of one stream that are being checked: 0.8 MB; then the stream is not read. */
	gatherChecks: 32,
	/** Proofs of one stream that fail the check; then the rest is asked from others: a check costs 25 ms. */
	gatherForged: 16,
	/** Outcomes go to the core in batches of so many sectors or after this time: 24 events instead of 2,349. */
	sectorBatch: 64,
	sectorBatchMs: 100,
	// Mesh protocol.
	/** StateNetworkName; the longest known has 16. */
	networkNameChars: 64,
	/** Text of a Filecoin address: f4 at its longest. */
	addressChars: 120,
	/** Members of one roster, and miners: the whole network has 622 miner ids. */
	rosterPeers: 4096,
	rosterMiners: 1024,
	rosterNameChars: 64,
	/** Proving slots of one node. */
	slots: 64,
	/** Sectors of one partition: 2,349 is the largest shape. */
	manifestSectors: 2349,
	/** 2,349 entries of [u53, 32 bytes, flag] take at most 46 bytes each. */
	manifestBytes: 112 * KIB,
	/** RLE+ of any set of sectors of one partition: 2,349 lone members far apart take 10 bytes each. */
	partitionSetBytes: 24 * KIB,
	/** Terms on the wire are of 32 bits. */
	leaseTerm: 2 ** 32 - 1,
	/** A REC lists the leases within the roster's slots and one prefetch. */
	recordLeases: 65,
	recordEstimates: 8,
	/** Released leases told again, the newest that many: enough for people and for the claim rule to see the reason. */
	recordEnded: 32,
	/** Challenges whose results a REC names, newest first; older ones are acknowledged by sync alone. */
	recordHave: 96,
	/** One of them: the worst of 3,000 partitions, every second pair of them, takes 1,126. */
	recordHaveBytes: 1152,
	/** All of them in one REC, so that the whole stays below `gossipBytes`; the rest takes under 20 KiB. */
	recordHavesBytes: 40 * KIB,
	/** SUBs whose receipt a REC acknowledges: signing waits for the newest one only. */
	recordSubmissions: 64,
	recordObjections: 32,
	recordSuspects: 8,
	/** Holders' refusals in one RES, and the bytes of one: a set of one partition's sectors and its envelope. */
	resultRefusals: 8,
	refusalBytes: 4 * KIB,
	/** Signed message inside a SUB: proof 192 B, skips and addresses; most by far have under 600 B. */
	submissionBytes: 32 * KIB,
	/** Challenges open at a time, dry runs included: 512 miners with two deadlines each. */
	openChallenges: 1024,
	/** Partitions of a deadline (builtin-actors: 3,000), some under two roots after a reorg. */
	challengeWorks: 4096,
	/** ANN pages and TOMBs of one challenge from all announcers. */
	challengeStatements: 256,
	/** SUBs of one challenge: each partition once, some replaced. */
	challengeSubmissions: 4096,
	/** REFs of one challenge: one per holder and item. */
	challengeRefusals: 4096,
	/** Digest: 4,096 records of 60 B and 1,024 challenges of 150 B. */
	digestBytes: 512 * KIB,
	/** Pull: what is known of a deadline of 3,000 partitions, twice. */
	pullBytes: 1024 * KIB,
	/** One answer to a pull; the rest comes with the next one. */
	pullAnswerBytes: 2 * 1024 * KIB,
	pullAnswerStatements: 4096,
	/** (peer, miner) pairs of holdings. */
	holdingsKnown: 8192,

	// Embedded chain.
	/** Tipsets held before the oldest are forgotten, and how many stay: 3,600 epochs cover dispute window, period and finality. */
	devnetTipSets: 4400,
	devnetTipSetsKept: 4000,
	/** Tipsets that one control call may make or revert: the real chain's finality. */
	devnetEpochsPerCall: 900,
	/** Pending messages of one sender (Lotus `maxActorPendingMessages`), and of all. */
	devnetPendingPerSender: 1000,
	devnetPending: 10_000,
	/** Messages remembered by CID, included or not. */
	devnetSeenMessages: 20_000,
	/** Request ids of MpoolPushMessage remembered to make it idempotent. */
	devnetRequestIds: 10_000,
	/** Body of a request or frame of a WebSocket: the largest, a bitfield of a million sectors, stays far below. */
	devnetRequestBytes: 1024 * KIB,
	/** Calls of one JSON-RPC batch. */
	devnetBatchCalls: 64,
	/** Open sockets of a full node, HTTP and WebSocket together: a demo has some dozen. */
	devnetSockets: 512,
	/** Full nodes on one embedded chain: a mesh on one machine has one for each of its chain nodes. */
	devnetFullNodes: 16,
	/** Head subscriptions of one WebSocket. */
	devnetChannels: 16,
	/** Unsent bytes of one WebSocket; a reader that is slower is hung up. Some thousand head changes. */
	devnetSocketBufferBytes: 16 * 1024 * KIB,
	/** Calls that wait for a message, or hang while the API is frozen. */
	devnetWaiting: 1024,
	/** Sectors of one genesis miner. */
	devnetSectors: 256 * KIB,

	// The loop.
	/** Events stepped before one synced write: a batch of 64 takes a few milliseconds and costs one fsync. */
	loopBatchEvents: 64,
	/** Statements and questions of others that wait; above it they are dropped and found again by sync. */
	loopOutsideEvents: 16 * KIB,
	/** Pause before a refused write is tried again, doubled each time up to the second. */
	storeRetryFirstMs: 100,
	storeRetryLastMs: 5_000,
	/** Manifests kept decoded: two per slot and some to verify; 2,349 sectors take about 300 KB. */
	manifestsDecoded: 64,
	// Mesh core: times and counts of its rules.
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
	/** Digest exchange with one peer. */
	syncMs: 10_000,
	/** A late joiner claims nothing until its first sync, or this long. */
	firstSyncMs: 5_000,
	/** Exchanges this node has begun, and an unanswered one is forgotten after this. */
	syncTimeoutMs: 15_000,
	/** Proof, store and message must be done this many epochs before close. */
	marginEpochs: 8,
	/** Announcements are accepted from challenge to this long after close, and up to this far ahead. */
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
	/** From challenge to close: 80 epochs on public networks, 260 of a dry run; test chains may have wider windows. */
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
	/** Signatures of messages under way, and those of one author, so that whoever sends rubbish waits for itself first. */
	messageChecks: 32,
	messageChecksPerAuthor: 8,
	/** Forged messages of one sender that are known again; a repeat beyond costs one more look at its signature. */
	forgedSubmissions: 256,
	/** Messages of one sender that wait for the chain: its pool refuses more. */
	pendingMessages: 1_000,
	/** A message not included after this many epochs may be replaced, every `fallbackEpochs`. */
	stuckEpochs: 5,
	/** State of one core: 3,000 items of 50 members take 1.5 MB, a full table of 16,384 eight. */
	snapshotBytes: 32 * KIB * KIB,
	/** Texts that a recording writes once and numbers from then on: identities, CIDs and codes, by far not all there are. */
	packedTextChars: 128,
	packedTexts: 64 * KIB,
	/** Alarms kept; the oldest key gives way. */
	alarms: 256,
	/** Durations kept for the percentiles. */
	durations: 64,
	/** Epoch lengths that are believed when they are learned: a hurried test chain to ten times mainnet's. */
	epochLeastMs: 20,
	epochMostMs: 300_000,
	/** Heads kept for the epoch length: short and long window. */
	headsShort: 5,
	headsLong: 100,

	// Full node.
	/** One call; a full node under load takes seconds for the sectors of a large partition. */
	chainCallMs: 30_000,
	/** Calls at a time to one full node, and waiting ones: a chain node follows at most a few hundred miners. */
	chainCalls: 16,
	chainCallQueue: 4096,
	/** Answers of bounded content (tipsets, partitions of one deadline); read on the event loop, 20 ms at worst. */
	chainAnswerBytes: 4 * KIB * KIB,
	/** Answers that grow with the network: 2,349 sectors are 2.2 MB, a pool of 50,000 messages is 60 MB. */
	chainBulkBytes: 128 * KIB * KIB,
	/** Such answers from this size on are read in a worker thread: below, parsing takes under 5 ms. */
	chainInlineBytes: 256 * KIB,
	/** One frame of head changes: a reorg of 900 tipsets of 5 blocks is 9 MB. */
	headFrameBytes: 16 * KIB * KIB,
	/** Frames read from the socket and not yet by the core; behind that, starting anew is cheaper. */
	headFrames: 1024,
	/** A connection without any frame, ping or pong: Lotus pings every 5 s. */
	headConnectionSilenceMs: 20_000,
	/** Epochs without a head change, null rounds and all, until the subscription is made anew. */
	headSilenceEpochs: 10,
	/** The same for chains of short epochs. */
	headSilenceMinMs: 30_000,
	/** First pause before a lost subscription is made anew; doubled each time ... */
	headRetryMs: 100,
	/** ... up to this: a full node that restarts is noticed within a sixth of an epoch. */
	headRetryMaxMs: 5_000,
	/** Where there is no WebSocket: pause between two questions for the head, ... */
	headPollMinMs: 100,
	headPollMaxMs: 1_000,
	/** ... and the time until WebSocket is tried again. */
	headPollPhaseMs: 60_000,

	// The node around the core.
	/** Statements of one author: a record each 3 s, a claim sent three times, and bursts of announcements and results. */
	authorStatements: { perSecond: 100, burst: 8 * KIB },
	/** Statements kept away because the core failed on them. */
	quarantined: 64,
	/** Their file: 70 characters for each. */
	quarantineFileBytes: 8 * KIB,
	/** Questions of others that wait for the core: 32 streams of some peers at once. */
	syncQuestions: 256,
	syncAnswerMs: 10_000,
	/** Partitions whose sectors are read in one call: 8 x 2,349 sectors are about 10 MB of JSON. */
	chainPartitionsPerCall: 8,
	/** Miners read side by side at each head. */
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

	// Parameter files.
	/** The largest published file, the parameters of a 64 GiB window, has 62.6 GB. */
	paramsFileBytes: 128 * KIB * KIB * KIB,
	/** Read and digested at a time. */
	paramsChunkBytes: 1024 * KIB,
	/** A source that sends nothing for this long is left. */
	paramsSilenceMs: 30_000,
	/** Tries at one source that each bring less than a MiB, and the pauses between them, doubled each time. */
	paramsTries: 5,
	paramsProgressBytes: 1024 * KIB,
	paramsRetryMs: 1_000,
	paramsRetryMaxMs: 30_000,
	/** Sources of one fetch. */
	paramsSources: 16,
	/** Free space that stays beside the files: a full disk stops more than this program. */
	paramsSpareBytes: 256 * KIB * KIB,

	// Demo: processes of one machine.
	/** From the request to end in order to the kill: a node releases its leases and closes its store first. */
	processStopMs: 10_000,
	/** Seven nodes that start together on two busy cores. */
	demoConnectMs: 60_000,
	/** Pause between two looks at the nodes while they connect, and at the head of the embedded chain. */
	demoPollMs: 100,
	/** One call to the embedded chain; the wait for a message takes some epochs. */
	demoCallMs: 30_000,
	/** How long a killed storage node stays away, as long as a machine takes to restart a service that it watches over. */
	demoRestartMs: 10_000,
} as const;
