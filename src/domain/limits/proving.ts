/** The native worker and vanilla proofs, on disk and between nodes. */
import { KIB } from './units.ts';

export const provingLimits = {
	// Native worker.
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
	/** From the exit of a worker to the end of its pipes, where something else keeps them open: a death is known within 1 s. */
	nativeDrainMs: 500,
	/** A verification, a check or a folder scan that takes longer is stuck: a cold 32 GiB key takes 8 s. The worker is killed. */
	nativeAnswerMs: 60_000,
	/** First pause before a dead worker is started again; doubled each time ... */
	nativeRestartMs: 100,
	/** ... up to this, so that a driver that comes back is used soon and a broken binary costs nothing. */
	nativeRestartMaxMs: 30_000,
	/** A cancelled proof must be known as such within 1 s: the worker has this long to go by itself, then it is killed. */
	nativeCancelMs: 500,
	/** One line of an external prover: 2,349 faults of eight digits take 21 KB, a proof as numbers 1 KB. */
	externalLineBytes: 256 * KIB,
	/** External provers of one node, and proofs at a time in one of them. */
	externalProvers: 16,
	externalConcurrency: 16,
	/** Logged stderr lines of one worker per window: a panic with its backtrace fits, a loop of them does not. */
	nativeStderrLines: 200,
	nativeStderrWindowMs: 60_000,
	nativeStderrLineChars: 2_000,
	/** Sectors of one job of the opening worker: 800 KB of proofs; what was asked for waits at most for one such chunk. */
	vanillaChunkSectors: 32,
	/**
	 * An opening worker that has sectors to open and answers for none hangs with a disk: it is ended, and what waits is told
	 * so. A sector takes seconds on the slowest disks; a deadline is open for 30 minutes.
	 */
	vanillaSilenceMs: 120_000,

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
	/** Work items whose sectors are opened ahead: each keeps its manifest in memory (325 KB) and the fate of each sector. */
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

	// Winning PoSt.
	/** A question of it, and an answer: one vanilla proof of at most 167,760 bytes and its statement. */
	winningBytes: 168 * KIB,
	/** From the question to the proof; an epoch has 30 s, and a block that comes later than that is worth nothing. */
	winningMs: 25_000,
	/** A member says within this time whether it can prove: it looks at nothing but its own memory. */
	winningOfferMs: 2_000,
	/** Members asked whether they can prove; more answers do not make a better choice of two. */
	winningOffers: 16,
	/** Holders asked for the sector, and provers asked for the proof, at a time: the first good answer counts. */
	winningHolders: 2,
	winningProvers: 2,
	/** One of them that is silent for so long keeps the next one from being asked no longer: there is time for several. */
	winningPatienceMs: 2_500,
	/** A prover has twice the time that it says it needs, but no longer than this: it may say anything, and a block waits. */
	winningPatienceMaxMs: 10_000,
	/** Proofs that wait in one node for the one that runs: a third one would come too late. */
	winningQueue: 1,
	/** Proofs asked for through one node at a time. */
	winningRequests: 8,
	/** Window proofs stand still for a winning proof at most this long, whatever becomes of it. */
	winningPauseMs: 30_000,
	/** The core is told so often that they stand still: it gives up proofs without progress, after 10 s at the earliest. */
	winningTellMs: 3_000,
	/** A winning proof that takes this long hangs, where its usual time is not known: the first one reads 200 MB. */
	winningProofMs: 120_000,
	/** Pause before a winning prover that could not be warmed up is tried again. */
	winningWarmMs: 60_000,

	// GPUs.
	/** Faults of one device without a proof between them until its slot is out of service; one may be another program's doing. */
	gpuFaults: 3,
	/** Then it is left alone this long, two deadlines: a driver that is restarted is back by then. */
	gpuDemotedMs: 3_600_000,

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
	/** Served by a member in one go, so that vanilla proofs wait a second behind it on a line of 100 Mbit/s. */
	paramsSegmentBytes: 16 * KIB * KIB,
	/** Transfers from members at a time through one node. */
	paramsTransfers: 4,
	/** Sources of one fetch. */
	paramsSources: 16,
	/** Free space that stays beside the files: a full disk stops more than this program. */
	paramsSpareBytes: 256 * KIB * KIB,
} as const;
