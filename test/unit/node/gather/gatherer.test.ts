import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
	encodeVanillaEnd,
	encodeVanillaRecord,
	VANILLA_PROTOCOL,
	type VanillaRecord,
} from '../../../../src/codec/vanilla-wire.ts';
import type { GatherShare } from '../../../../src/core/api.ts';
import { Bitfield } from '../../../../src/domain/bitfield.ts';
import { PosterError } from '../../../../src/domain/errors.ts';
import { type NodeId, nodeId, type SectorNumber, sectorNumber } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { Manifest } from '../../../../src/domain/manifest.ts';
import { proofShape } from '../../../../src/domain/proof.ts';
import { Gatherer } from '../../../../src/node/gather/gatherer.ts';
import { SpoolFolder } from '../../../../src/node/gather/spool-folder.ts';
import type { GatherEvent } from '../../../../src/node/gather/work-gather.ts';
import { ManifestBook } from '../../../../src/node/manifest-book.ts';
import { StepTimes } from '../../../../src/node/step-times.ts';
import { VanillaServer } from '../../../../src/node/vanilla-server/vanilla-server.ts';
import type { BulkWriter } from '../../../../src/ports/streams.ts';
import { fakeVanilla } from '../../../fakes/fake-proofs.ts';
import { FakeProverSlot } from '../../../fakes/fake-prover.ts';
import { FakeChecker, FakeVanillaSource } from '../../../fakes/fake-vanilla.ts';
import { MemoryStore } from '../../../fakes/memory-store.ts';
import { MemoryStreams } from '../../../fakes/memory-streams.ts';
import { MINER } from '../../../support/core.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { systemClock } from '../../../support/system-clock.ts';
import { until } from '../../../support/until.ts';
import { fakeManifest, type WorkOptions, workOf } from '../../../support/work-items.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-gather-'));
after(() => rm(root, { recursive: true, force: true }));
const self = nodeId('prover');
/** 32 GiB: partitions of more than two sectors. The fakes make its proofs in microseconds. */
const TYPE = 13;
const V = proofShape(TYPE).vanillaBytes;
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

let folders = 0;

/** A node that gathers, and peers that it reaches. */
async function setUp(manifest: Manifest, { maxBytes = 1e9, local = false, folder = join(root, `${folders++}`) } = {}) {
	const peers = new Map<NodeId, MemoryStreams>();
	const streams = new MemoryStreams(self, (peer) => peers.get(peer));
	const log = memoryLog();
	const metrics = memoryMetrics();
	const checker = new FakeChecker();
	const book = new ManifestBook(new MemoryStore());
	await book.put(manifest);
	const base = { clock: systemClock, log, metrics };
	const own = new VanillaServer(
		{ ...base, source: new FakeVanillaSource(MINER, manifest) },
		{ cacheBytes: 0, threads: undefined, emit: () => undefined },
	);
	const events: GatherEvent[] = [];
	const gatherer = new Gatherer(
		{
			...base,
			checker,
			streams,
			local: local ? own : undefined,
			spools: await SpoolFolder.open(folder, maxBytes),
			book,
			times: new StepTimes(),
		},
		{ self, enqueue: (event) => events.push(event) },
	);
	const peer = (name: string): MemoryStreams => {
		const made = new MemoryStreams(nodeId(name), () => streams);
		peers.set(nodeId(name), made);
		return made;
	};
	/** A peer with the real serving side over sectors of the manifest. */
	const honest = (name: string): FakeVanillaSource => {
		const source = new FakeVanillaSource(MINER, manifest);
		new VanillaServer({ ...base, source }, { cacheBytes: 0, threads: undefined, emit: () => undefined }).serveOn(
			peer(name),
		);
		return source;
	};
	/** A peer that answers as `answer` says. */
	const crooked = (name: string, answer: (writer: BulkWriter, streams: MemoryStreams) => Promise<void>): void => {
		const streams = peer(name);
		streams.onPull(VANILLA_PROTOCOL, limits.vanillaRequestBytes, (_peer, _request, writer) => answer(writer, streams));
	};
	return { gatherer, checker, events, honest, crooked, metrics, log, folder, streams };
}

const share = (peer: string, numbers: readonly number[]): GatherShare => ({
	peer: nodeId(peer),
	sectors: Bitfield.of(numbers),
});

/** What the core would have summed up of one peer's events. */
function summary(events: readonly GatherEvent[], peer: string) {
	const own = events.filter((event) => event.type !== 'gather-lost' && event.peer === nodeId(peer));
	const gathered = own.flatMap((event) => (event.type === 'gathered' ? [event] : []));
	const ended = own.flatMap((event) => (event.type === 'gather-ended' ? [event.code] : []));
	return {
		ok: [...gathered.reduce((sum, { ok }) => sum.union(ok), Bitfield.empty)],
		failed: gathered.flatMap(({ failed }) => failed.map(({ sector, code }) => [sector, code] as const)),
		ended,
	};
}

const endedShares = (events: readonly GatherEvent[]): number =>
	events.filter(({ type }) => type === 'gather-ended').length;

async function send(writer: BulkWriter, ...records: readonly VanillaRecord[]): Promise<void> {
	for (const record of records) {
		const bytes = Buffer.concat(encodeVanillaRecord(record));
		for (let at = 0; at < bytes.length; at += limits.bulkFrameBytes) {
			await writer.write(bytes.subarray(at, at + limits.bulkFrameBytes));
		}
	}
}

async function sendAll(writer: BulkWriter, ...records: readonly VanillaRecord[]): Promise<void> {
	await send(writer, ...records);
	await writer.write(encodeVanillaEnd());
}

const good = (manifest: Manifest, number: number): VanillaRecord => {
	const sector = manifest.find((candidate) => candidate.number === number);
	assert.ok(sector !== undefined);
	return { sector: sector.number, proof: fakeVanilla(workOf(manifest, { proofType: TYPE }), sector) };
};
const forged = (number: number): VanillaRecord => ({ sector: sectorNumber(number), proof: new Uint8Array(V).fill(1) });
const work = (manifest: Manifest, options: WorkOptions = {}) => workOf(manifest, { proofType: TYPE, ...options });
const effect = (manifest: Manifest, shares: readonly GatherShare[], options: WorkOptions = {}) =>
	({ type: 'gather', work: work(manifest, options), shares }) as const;
const stop = (manifest: Manifest, keep: boolean, options: WorkOptions = {}) =>
	({ type: 'gather-stop', work: work(manifest, options).id, keep }) as const;

test('a partition comes from several peers and the own disk into one spool that can be proven', async () => {
	const manifest = fakeManifest(...range(0, 300));
	const { gatherer, events, honest } = await setUp(manifest, { local: true });
	honest('a');
	honest('b');
	gatherer.gather(
		effect(manifest, [share('a', range(0, 120)), share('b', range(120, 240)), share(self, range(240, 300))]),
	);
	await until('all shares ended', () => endedShares(events) === 3);
	assert.deepEqual(summary(events, 'a'), { ok: range(0, 120), failed: [], ended: [null] });
	assert.deepEqual(summary(events, 'b'), { ok: range(120, 240), failed: [], ended: [null] });
	assert.deepEqual(summary(events, self), { ok: range(240, 300), failed: [], ended: [null] });
	const gatheredEvents = events.filter(({ type }) => type === 'gathered').length;
	assert.ok(
		gatheredEvents < 300 / 4,
		`${gatheredEvents} events for 300 sectors: they are told in batches, more of them on a slow machine`,
	);
	const spool = await gatherer.spool(work(manifest));
	const statement = { ...work(manifest), sectors: manifest };
	await new FakeProverSlot('x').prove({ statement, spool }, () => undefined, new AbortController().signal);
	await gatherer.stop(stop(manifest, false));
	assert.equal(existsSync(spool.path), false);
});

test('a peer that forges loses those sectors, and is left after some of them', async () => {
	const manifest = fakeManifest(...range(0, 100));
	const { gatherer, events, crooked, honest, metrics } = await setUp(manifest);
	honest('honest');
	crooked('forger', (writer) => sendAll(writer, good(manifest, 0), ...range(1, 100).map(forged)));
	gatherer.gather(effect(manifest, [share('forger', range(0, 100))]));
	await until('the share ended', () => endedShares(events) === 1);
	const bad = summary(events, 'forger');
	assert.deepEqual(bad.ok, [0]);
	assert.deepEqual(bad.ended, ['vanilla-forged']);
	assert.ok(bad.failed.length >= limits.gatherForged && bad.failed.length < limits.gatherForged + limits.gatherChecks);
	assert.ok(bad.failed.every(([, code]) => code === 'merkle'));
	assert.equal(metrics.total('poster_gather_sectors_total', { outcome: 'merkle' }), bad.failed.length);
	gatherer.gather(effect(manifest, [share('honest', range(0, 100))]));
	await until('the rest came', () => endedShares(events) === 2);
	assert.deepEqual(summary(events, 'honest').ok, range(1, 100));
	await gatherer.close();
});

test('a peer that dies in the middle costs only what it still owed', async () => {
	const manifest = fakeManifest(...range(0, 60));
	const { gatherer, events, crooked, honest } = await setUp(manifest);
	honest('b');
	crooked('dying', async (writer, streams) => {
		await send(writer, ...range(0, 20).map((number) => good(manifest, number)));
		await until('the prover read them', () => summary(events, 'dying').ok.length === 20);
		streams.cut(self);
	});
	gatherer.gather(effect(manifest, [share('dying', range(0, 60))]));
	await until('the share ended', () => endedShares(events) === 1);
	assert.deepEqual(summary(events, 'dying'), { ok: range(0, 20), failed: [], ended: ['stream-reset'] });
	gatherer.gather(effect(manifest, [share('b', range(20, 60))]));
	await until('the rest came', () => endedShares(events) === 2);
	assert.deepEqual(summary(events, 'b').ok, range(20, 60));
	await gatherer.close();
});

for (const [what, answer, code] of [
	['garbage', (writer) => writer.write(new Uint8Array(1000).fill(0xff)), 'bad-vanilla-stream'],
	['a sector that was not asked for', (writer) => sendAll(writer, forged(99)), 'bad-vanilla-stream'],
	['a sector that comes twice', (writer) => sendAll(writer, forged(1), forged(1)), 'bad-vanilla-stream'],
	[
		'a stream without an end',
		(writer) => send(writer, { sector: sectorNumber(0), failure: 'missing' }),
		'bad-vanilla-stream',
	],
	['a reset', () => Promise.reject(new Error('broken')), 'stream-reset'],
] as const satisfies readonly (readonly [string, (writer: BulkWriter) => Promise<void>, string])[]) {
	test(`${what} from a peer ends its share with ${code}, and nothing else`, async () => {
		const manifest = fakeManifest(...range(0, 10));
		const { gatherer, events, crooked, honest } = await setUp(manifest);
		crooked('bad', answer);
		honest('good');
		gatherer.gather(effect(manifest, [share('bad', range(0, 5)), share('good', range(5, 10))]));
		await until('both ended', () => endedShares(events) === 2);
		assert.deepEqual(summary(events, 'bad').ended, [code]);
		assert.deepEqual(summary(events, 'good'), { ok: range(5, 10), failed: [], ended: [null] });
		await gatherer.close();
	});
}

test('a sector that a holder cannot open is told with its reason', async () => {
	const manifest = fakeManifest(...range(0, 10));
	const { gatherer, events, honest } = await setUp(manifest);
	honest('a').failures.set(sectorNumber(3), 'unreadable');
	gatherer.gather(effect(manifest, [share('a', range(0, 10))]));
	await until('ended', () => endedShares(events) === 1);
	assert.deepEqual(summary(events, 'a').failed, [[3, 'unreadable']]);
	await gatherer.close();
});

test('a peer that is not there ends its share at once', async () => {
	const manifest = fakeManifest(0);
	const { gatherer, events } = await setUp(manifest);
	gatherer.gather(effect(manifest, [share('nobody', [0]), share(self, [0])]));
	await until('both ended', () => endedShares(events) === 2);
	assert.deepEqual(summary(events, 'nobody').ended, ['stream-not-connected']);
	assert.deepEqual(summary(events, self).ended, ['no-storage']);
	await gatherer.close();
});

test('a spool that is kept is taken up again, also by the next run of the node', async () => {
	const manifest = fakeManifest(...range(0, 20));
	const first = await setUp(manifest);
	first.honest('a');
	first.gatherer.gather(effect(manifest, [share('a', range(0, 12))]));
	await until('ended', () => endedShares(first.events) === 1);
	await first.gatherer.stop(stop(manifest, true));
	const second = await setUp(manifest, { folder: first.folder });
	const source = second.honest('b');
	second.gatherer.gather(effect(manifest, [share('b', range(0, 20))]));
	await until('ended', () => endedShares(second.events) === 1);
	assert.deepEqual(summary(second.events, self).ok, range(0, 12));
	assert.deepEqual(summary(second.events, 'b').ok, range(12, 20));
	assert.deepEqual(
		[...source.attempts].sort((a, b) => a - b),
		range(12, 20) as SectorNumber[],
	);
	await second.gatherer.close();
});

test('no event follows a stop, and a stop without keep leaves no file', async () => {
	const manifest = fakeManifest(...range(0, 50));
	const { gatherer, events, honest, folder } = await setUp(manifest);
	const source = honest('a');
	source.hold();
	gatherer.gather(effect(manifest, [share('a', range(0, 50))]));
	await until('the spool is there', async () => (await readdir(folder)).length === 1);
	const stopped = gatherer.stop(stop(manifest, false));
	const before = events.length;
	source.release();
	await stopped;
	assert.equal(events.length, before);
	assert.deepEqual(await readdir(folder), []);
	await assert.rejects(gatherer.spool(work(manifest)), { code: 'spool-missing' });
});

test('gathering again right after a stop finds the spool closed and whole', async () => {
	const manifest = fakeManifest(...range(0, 10));
	const { gatherer, events, honest } = await setUp(manifest);
	honest('a');
	gatherer.gather(effect(manifest, [share('a', range(0, 5))]));
	await until('ended', () => endedShares(events) === 1);
	void gatherer.stop(stop(manifest, true));
	gatherer.gather(effect(manifest, [share('a', range(5, 10))]));
	await until('ended again', () => endedShares(events) === 2);
	assert.deepEqual(summary(events, self).ok, range(0, 5));
	assert.deepEqual(summary(events, 'a').ok, range(0, 10));
	await gatherer.close();
});

for (const [code, keeps] of [
	['spool-io', false],
	['check-unavailable', true],
] as const) {
	test(`${code} while checking: the gather is lost once, the file is ${keeps ? 'kept' : 'removed'}, the next one works`, async () => {
		const manifest = fakeManifest(...range(0, 20));
		const { gatherer, events, honest, checker, folder } = await setUp(manifest);
		honest('a');
		honest('b');
		checker.failNext.push(new PosterError(code, 'as the test asked'));
		gatherer.gather(effect(manifest, [share('a', range(0, 10)), share('b', range(10, 20))]));
		await until('lost', () => events.some(({ type }) => type === 'gather-lost'));
		await until('the spool is closed', () => checker.sessions.size === 0);
		assert.deepEqual(
			events.filter(({ type }) => type === 'gather-lost'),
			[{ type: 'gather-lost', work: work(manifest).id, code }],
		);
		if (keeps) assert.equal((await readdir(folder)).length, 1);
		else await until('removed', async () => (await readdir(folder)).length === 0);
		events.length = 0;
		gatherer.gather(effect(manifest, [share('a', range(0, 20))]));
		await until('ended', () => endedShares(events) === 1);
		assert.deepEqual(
			[...summary(events, 'a').ok, ...summary(events, self).ok].sort((a, b) => a - b),
			range(0, 20),
		);
		await gatherer.close();
	});
}

test('a spool folder without room loses the gather, and removes kept spools first', async () => {
	const manifest = fakeManifest(...range(0, 10));
	const { gatherer, events, honest, folder } = await setUp(manifest, { maxBytes: 25 * V });
	honest('a');
	const shares = [share('a', range(0, 10))];
	const gather = async (partition: number): Promise<void> => {
		const before = endedShares(events);
		gatherer.gather(effect(manifest, shares, { partition }));
		await until('ended', () => endedShares(events) === before + 1);
	};
	await gather(1);
	await gather(2);
	gatherer.gather(effect(manifest, shares, { partition: 3 }));
	await until('lost', () => events.some((event) => event.type === 'gather-lost' && event.code === 'spool-full'));
	await gatherer.stop(stop(manifest, true, { partition: 1 }));
	await gather(4);
	const names = await readdir(folder);
	assert.deepEqual(names.sort(), [2, 4].map((partition) => `${work(manifest, { partition }).id}.vanilla`).sort());
	await gatherer.close();
});

test('a spool that waits for its proof gives its room to nobody until the job ends', async () => {
	const manifest = fakeManifest(...range(0, 10));
	const { gatherer, events, honest, folder } = await setUp(manifest, { maxBytes: 15 * V });
	honest('a');
	const shares = [share('a', range(0, 10))];
	gatherer.gather(effect(manifest, shares, { partition: 1 }));
	await until('gathered', () => endedShares(events) === 1);
	await gatherer.stop({ ...stop(manifest, true, { partition: 1 }), ready: true });
	gatherer.gather(effect(manifest, shares, { partition: 2 }));
	await until('lost', () => events.some((event) => event.type === 'gather-lost' && event.code === 'spool-full'));
	const { path } = await gatherer.spool(work(manifest, { partition: 1 }));
	assert.ok(existsSync(path));
	await gatherer.stop(stop(manifest, true, { partition: 1 }));
	gatherer.gather(effect(manifest, shares, { partition: 3 }));
	await until('gathered', () => endedShares(events) === 2);
	assert.deepEqual(await readdir(folder), [`${work(manifest, { partition: 3 }).id}.vanilla`]);
	await gatherer.close();
});

test('a disk that does not give room is a fault of this node, and no share of a peer breaks off', async () => {
	const manifest = fakeManifest(...range(0, 10));
	const folder = join(root, 'stuck');
	// What cannot be removed like a file.
	await mkdir(join(folder, `${work(manifest, { partition: 1 }).id}.vanilla`), { recursive: true });
	const { gatherer, events, honest } = await setUp(manifest, { maxBytes: 10 * V, folder });
	honest('a');
	gatherer.gather(effect(manifest, [share('a', range(0, 10))], { partition: 2 }));
	await until('an end', () => events.length > 0);
	assert.deepEqual(events, [{ type: 'gather-lost', work: work(manifest, { partition: 2 }).id, code: 'spool-io' }]);
	await gatherer.close();
});

test('foreign files in the spool folder stay, a folder that cannot be made is told', async () => {
	const folder = join(root, 'foreign');
	await SpoolFolder.open(folder, 1000);
	await writeFile(join(folder, 'notes.txt'), 'mine');
	await SpoolFolder.open(folder, 1000);
	assert.deepEqual(await readdir(folder), ['notes.txt']);
	await assert.rejects(SpoolFolder.open(join(folder, 'notes.txt', 'below'), 1000), { code: 'spool-io' });
});

test('a checker that is slow stops the peers: no more than the bound is being checked', async () => {
	const manifest = fakeManifest(...range(0, 400));
	const { gatherer, events, honest, checker } = await setUp(manifest);
	const sources = [honest('a'), honest('b')];
	checker.hold();
	gatherer.gather(effect(manifest, [share('a', range(0, 200)), share('b', range(200, 400))]));
	await until('both wait', () => checker.checking === 2 * limits.gatherChecks);
	const read = sources.reduce((sum, { attempts }) => sum + attempts.length, 0);
	assert.ok(read < 400, 'the peers were read to the end');
	checker.release();
	await until('ended', () => endedShares(events) === 2);
	assert.ok(checker.mostChecking <= 2 * limits.gatherChecks);
	await gatherer.close();
});

test('streams of all works together are bounded', async () => {
	const manifest = fakeManifest(...range(0, 4));
	const { gatherer, events, honest, streams } = await setUp(manifest);
	const names = range(0, limits.gatherStreams + 3).map((i) => `peer-${i}`);
	const sources = names.map(honest);
	for (const source of sources) source.hold();
	for (const [partition, name] of names.entries()) {
		gatherer.gather(effect(manifest, [share(name, [0, 1, 2, 3])], { partition }));
	}
	await until('as many as may', () => streams.open.size === limits.gatherStreams);
	for (const source of sources) source.release();
	await until('all ended', () => endedShares(events) === names.length);
	await gatherer.close();
});
