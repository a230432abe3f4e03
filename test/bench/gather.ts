/**
 * The second half of `npm run bench:streams`: gathering a full 32 GiB partition (2,349 vanilla proofs, 58.6 MB) from the
 * sending process with the real serving side, the real gatherer and the real checking worker. Once with proofs that pass
 * the structural check and fail right after it, so that the stream and the parser are what is measured; once with proofs
 * that hold, so that everything is.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { NativeChecker } from '../../src/adapters/native/checker.ts';
import { NativeChild } from '../../src/adapters/native/native-child.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import { type Hex32, hex32, type NodeId } from '../../src/domain/ids.ts';
import { proofShape } from '../../src/domain/proof.ts';
import type { OpenRequest } from '../../src/domain/vanilla.ts';
import { Gatherer } from '../../src/node/gather/gatherer.ts';
import { SpoolFolder } from '../../src/node/gather/spool-folder.ts';
import { pullVanilla } from '../../src/node/gather/vanilla-stream.ts';
import type { GatherEvent } from '../../src/node/gather/work-gather.ts';
import { ManifestBook } from '../../src/node/manifest-book.ts';
import { StepTimes } from '../../src/node/step-times.ts';
import type { SpoolSession } from '../../src/ports/vanilla.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { MINER } from '../support/core.ts';
import type { TestNode } from '../support/libp2p-nodes.ts';
import { memoryLog } from '../support/memory-log.ts';
import { ensureNative } from '../support/native-fixtures.ts';
import { systemClock } from '../support/system-clock.ts';
import { until } from '../support/until.ts';
import { workOf } from '../support/work-items.ts';
import { ZERO_COMM_R, ZERO_SECTOR_TYPE, zeroManifest, zeroVanilla } from '../support/zero-sectors.ts';

const SECTORS = 2_349;
const PARTITION_MB = (SECTORS * proofShape(ZERO_SECTOR_TYPE).vanillaBytes) / 1e6;
/** A field element that is no hash of anything: the check ends at the commitment, after the whole structure. */
const NO_COMM_R = hex32(`${'11'.repeat(31)}01`);
/** Commitments of the two partitions that are gathered, for the sending process to open them ahead. */
export const BENCH_COMMITMENTS: readonly Hex32[] = [NO_COMM_R, ZERO_COMM_R];
const STRUCTURAL_ROUNDS = 5;
const CHECKED_ALONE = 600;
const IN_FLIGHT = 32;

export interface GatherBench {
	/** Megabytes per second from the stream through the structural check, median of several partitions. */
	readonly structuralMbps: number;
	readonly delayP50Ms: number;
	readonly delayP99Ms: number;
	readonly delayMaxMs: number;
	/** A whole partition from the first request to the last verdict, everything checked and spooled. */
	readonly partitionSeconds: number;
	readonly fullDelayP99Ms: number;
	readonly checkedPerSecondPerCore: number;
	/** Growth of this process's memory over the whole. */
	readonly grownMb: number;
}

export async function benchGather(client: TestNode, storage: NodeId): Promise<GatherBench> {
	const folder = await mkdtemp(join(tmpdir(), 'poster-bench-'));
	const command = await ensureNative();
	const check = (name: string, ...args: readonly string[]): NativeChecker => {
		const options = {
			command: [command, 'check', ...args] as const,
			env: process.env,
			scratch: join(folder, name),
			nice: 10,
		};
		return new NativeChecker(new NativeChild({ clock: systemClock, log: memoryLog() }, options), systemClock);
	};
	const checker = check('check');
	const single = check('check-1', '--threads', '1');
	try {
		const before = process.memoryUsage.rss();
		// Once before anything is measured: worker started, proofs in the sender's cache.
		await structural(client, storage, checker, join(folder, 'warm'));
		const delay = monitorEventLoopDelay({ resolution: 1 });
		delay.enable();
		const rounds: number[] = [];
		for (let i = 0; i < STRUCTURAL_ROUNDS; i++) {
			rounds.push(await structural(client, storage, checker, join(folder, 'structural')));
		}
		delay.disable();
		const structuralMbps = rounds.sort((a, b) => a - b)[STRUCTURAL_ROUNDS >> 1] ?? Number.NaN;
		const full = monitorEventLoopDelay({ resolution: 1 });
		full.enable();
		const partitionSeconds = await gatherAll(client, storage, checker, join(folder, 'spool'));
		full.disable();
		return {
			structuralMbps,
			delayP50Ms: delay.percentile(50) / 1e6,
			delayP99Ms: delay.percentile(99) / 1e6,
			delayMaxMs: delay.max / 1e6,
			partitionSeconds,
			fullDelayP99Ms: full.percentile(99) / 1e6,
			checkedPerSecondPerCore: await checkAlone(single, join(folder, 'alone')),
			grownMb: (process.memoryUsage.rss() - before) / 1e6,
		};
	} finally {
		await Promise.all([checker.close(), single.close()]);
		await rm(folder, { recursive: true, force: true });
	}
}

function requestOf(commR: Hex32): OpenRequest {
	const { proofType, miner, randomness } = workOf([], { proofType: ZERO_SECTOR_TYPE });
	return { proofType, miner, randomness, sectors: zeroManifest(SECTORS, commR) };
}

/** What a gatherer does with a stream, without its accounts. Every proof must be refused for its commitment alone. */
async function structural(client: TestNode, storage: NodeId, checker: NativeChecker, path: string): Promise<number> {
	const request = requestOf(NO_COMM_R);
	const session = await checker.begin(request, path);
	const started = performance.now();
	let checked = 0;
	const stream = pullVanilla(client.streams, storage, request, new AbortController().signal);
	const proofs = async function* () {
		for await (const records of stream) {
			for (const record of records) {
				if (!('proof' in record)) throw new Error(`sector ${record.sector}: ${record.failure}`);
				yield record;
			}
		}
	};
	await inFlight(proofs(), async ({ sector, proof }) => {
		const verdict = await session.check(sector, proof);
		if (verdict.ok || verdict.code !== 'comm-r-hash') throw new Error(`sector ${sector}: ${JSON.stringify(verdict)}`);
		checked++;
	});
	const seconds = (performance.now() - started) / 1000;
	await session.drop();
	if (checked !== SECTORS) throw new Error(`${checked} sectors came`);
	return PARTITION_MB / seconds;
}

async function gatherAll(client: TestNode, storage: NodeId, checker: NativeChecker, folder: string): Promise<number> {
	const { sectors } = requestOf(ZERO_COMM_R);
	const manifest = sectors.map((sector) => ({ ...sector, updated: false }));
	const work = workOf(manifest, { proofType: ZERO_SECTOR_TYPE });
	const book = new ManifestBook(new MemoryStore());
	await book.put(manifest);
	const events: GatherEvent[] = [];
	const { log, metrics, streams, id } = client;
	const spools = await SpoolFolder.open(folder, 1e9);
	const gatherer = new Gatherer(
		{ checker, streams, local: undefined, spools, book, times: new StepTimes(), clock: systemClock, log, metrics },
		{ self: id, enqueue: (event) => events.push(event) },
	);
	const started = performance.now();
	gatherer.gather({
		type: 'gather',
		work,
		shares: [{ peer: storage, sectors: Bitfield.of(sectors.map((s) => s.number)) }],
	});
	await until('the partition is gathered', () => events.some(({ type }) => type !== 'gathered'), 300_000);
	const seconds = (performance.now() - started) / 1000;
	const good = events.reduce((sum, event) => sum + (event.type === 'gathered' ? event.ok.size : 0), 0);
	if (good !== SECTORS) throw new Error(`${good} sectors are good`);
	await gatherer.stop({ type: 'gather-stop', work: work.id, keep: false });
	return seconds;
}

/** The whole check on one thread, nothing else running. */
async function checkAlone(checker: NativeChecker, path: string): Promise<number> {
	const request = { ...requestOf(ZERO_COMM_R), sectors: zeroManifest(CHECKED_ALONE) };
	const session: SpoolSession = await checker.begin({ ...request, miner: MINER }, path);
	const proofs = request.sectors.map((sector) => ({ sector: sector.number, proof: zeroVanilla(request, sector) }));
	const started = performance.now();
	await inFlight(proofs, async ({ sector, proof }) => {
		const verdict = await session.check(sector, proof);
		if (!verdict.ok) throw new Error(`sector ${sector}: ${verdict.code}`);
	});
	const seconds = (performance.now() - started) / 1000;
	await session.drop();
	return CHECKED_ALONE / seconds;
}

async function inFlight<T>(items: AsyncIterable<T> | Iterable<T>, run: (item: T) => Promise<void>): Promise<void> {
	const running = new Set<Promise<void>>();
	let failure: unknown;
	for await (const item of items) {
		const one = run(item)
			.catch((error: unknown) => {
				failure ??= error;
			})
			.finally(() => running.delete(one));
		running.add(one);
		if (running.size >= IN_FLIGHT) await Promise.race(running);
		if (failure !== undefined) throw failure;
	}
	await Promise.all(running);
	if (failure !== undefined) throw failure;
}
