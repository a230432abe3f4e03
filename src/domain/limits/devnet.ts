/** The embedded chain and the demo on it. */
import { KIB } from './units.ts';

export const devnetLimits = {
	// Embedded chain.
	/** Genesis file: half a million sectors of about 120 bytes. */
	devnetGenesisBytes: 64 * 1024 * KIB,
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
