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
} as const;
