/** Sizes of what is on the wire and of what is remembered of it. */
import { KIB } from './units.ts';

export const protocolLimits = {
	// Statements and chain.
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
} as const;
