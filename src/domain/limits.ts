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
	/** Payload of one bulk frame: the fastest size measured under a 256 KiB yamux window. */
	bulkFrameBytes: 64 * KIB,
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

	// Home, configuration, control API.
	/** Key and token files: the longest, a Lotus KeyInfo or a JWT, takes some hundred bytes. */
	keyFileBytes: 4 * KIB,
	/** config.toml: the commented file has 10 KiB. */
	configFileBytes: 1024 * KIB,
	/** Complaints printed about one config file; the rest is counted. */
	configIssues: 10,
	/** Roster file and request body: 4,096 peers of about 200 bytes. */
	rosterBytes: 1024 * KIB,
	/** Body of any other control request: a handful of short fields. */
	controlBodyBytes: 16 * KIB,
	/** Open event streams of the control API: each buffers on its own. */
	controlStreams: 32,
	/** Events that wait for one slow reader of `/events`; then the reader is cut off. */
	controlQueuedEvents: 1024,
} as const;
