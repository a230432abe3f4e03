/** Calls to a full node and its answers. */
import { KIB } from './units.ts';

export const fullNodeLimits = {
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
} as const;
