/** Connections, streams, gossip and the directory. */
import { KIB } from './units.ts';

export const networkLimits = {
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
		/** Data for streams that are not open: a window was on its way to each stream that this node gave up. */
		'mux-stray-bytes': { perSecond: 1024 * KIB, burst: 32 * 1024 * KIB },
		/** Bytes to be echoed: 32 for each ping. */
		'ping-bytes': { perSecond: 16 * KIB, burst: 64 * KIB },
		/** Messages on streams of the DHT and of identify; a provide takes two or three of each peer, four times a second. */
		'service-frames': { perSecond: 50, burst: 500 },
		/** Requests of calls: a full digest and a full pull of a sync, 1.3 MiB, each 10 s, and three of both at once. */
		'request-bytes': { perSecond: 1024 * KIB, burst: 4 * 1024 * KIB },
		/**
		 * Requests of bulk pulls, 43 bytes for a sector: ten full partitions of 58.6 MB at once, which take five seconds
		 * of this node's time, and one in two seconds from then on. Honest members keep to `pullBytesPace`.
		 */
		'pull-bytes': { perSecond: 48 * KIB, burst: 1024 * KIB },
		/** Calls that cost milliseconds each. Honest members sync and ask for addresses once in 5 to 10 s, and some in a row after an absence. */
		costly: { perSecond: 5, burst: 100 },
	},
	/**
	 * What this node passes on for others: well below `quotas`, each message being a frame and an entry. Members that each
	 * keep to their quota must not make a flooder of whoever relays for all of them. What is left out comes by sync.
	 */
	relayedMessages: { perSecond: 300, burst: 1_500 },
	relayedBytes: { perSecond: 2 * 1024 * KIB, burst: 16 * 1024 * KIB },
	/** The answer of a probe made for another member serves everybody who asks within this time. */
	probeReuseMs: 500,
	/** Streams that this node opens to one member: half of what others allow. */
	callPace: { perSecond: 50, burst: 200 },
	/**
	 * Bytes of requests for bulk that this node sends to one member, below its `quotas`: seven full partitions at once and
	 * one in three seconds from then on, more than eight GPUs use up. Above it a request waits.
	 */
	pullBytesPace: { perSecond: 36 * KIB, burst: 768 * KIB },
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
	/** Of them kept on disk for the next start, of members that were connected: one that is reachable is enough. */
	rememberedAddresses: 4,
	/** Their file: 4,096 members of four addresses of some 100 characters. */
	rememberedBytes: 4 * 1024 * KIB,
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
	/** The pause doubles while nobody takes a record, up to this: a DHT that comes back knows the holders soon after. */
	provideRetryMaxMs: 30_000,
	/** Blocks of one tipset: 5 are expected, more than 20 are beyond any chance. */
	tipSetBlocks: 100,
} as const;
