import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeVanillaRequest, VANILLA_PROTOCOL, type VanillaRecord } from '../../../../src/codec/vanilla-wire.ts';
import type { Effect, EventOf } from '../../../../src/core/api.ts';
import { Bitfield } from '../../../../src/domain/bitfield.ts';
import { hex32, nodeId, type SectorNumber, sectorNumber } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { Manifest } from '../../../../src/domain/manifest.ts';
import { proofShape } from '../../../../src/domain/proof.ts';
import type { OpenRequest } from '../../../../src/domain/vanilla.ts';
import { VanillaServer } from '../../../../src/node/vanilla-server/vanilla-server.ts';
import { fakeVanilla } from '../../../fakes/fake-proofs.ts';
import { FakeVanillaSource } from '../../../fakes/fake-vanilla.ts';
import { MemoryStreams } from '../../../fakes/memory-streams.ts';
import { CoreBench, MINER } from '../../../support/core.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { systemClock } from '../../../support/system-clock.ts';
import { until } from '../../../support/until.ts';
import { fakeManifest, type WorkOptions, workOf } from '../../../support/work-items.ts';

const V = proofShape(10).vanillaBytes;
const never = new AbortController().signal;

function setUp(manifest: Manifest, cacheSectors = 1000) {
	const source = new FakeVanillaSource(MINER, manifest);
	const events: EventOf<'opened'>[] = [];
	const server = new VanillaServer(
		{ source, clock: systemClock, log: memoryLog(), metrics: memoryMetrics() },
		{ cacheBytes: cacheSectors * V, threads: undefined, emit: (event) => events.push(event) },
	);
	return { source, server, events };
}

const ahead = (manifest: Manifest, options: WorkOptions = {}) => ({
	work: workOf(manifest, options),
	manifest,
	sectors: Bitfield.of(manifest.map(({ number }) => number)),
});

/** The same item as the core hears of it. */
function announcementOf(manifest: Manifest) {
	const { kind, nonce, miner, periodStart, deadline, challenge, open, close, randomness, proofType, ...rest } =
		workOf(manifest);
	const { partition, sectorCount, sectorRoot } = rest;
	return {
		challenge: { kind, nonce, miner, periodStart, deadline, challenge, open, close, randomness, proofType },
		due: { partition, sectorCount, sectorRoot },
	};
}

function requestFor(sectors: Manifest): OpenRequest {
	const { proofType, miner, randomness } = workOf(sectors);
	return { proofType, miner, randomness, sectors };
}

async function collect(server: VanillaServer, request: OpenRequest, signal = never): Promise<VanillaRecord[]> {
	const all: VanillaRecord[] = [];
	for await (const records of server.open(request, signal)) all.push(...records);
	return all.sort((a, b) => a.sector - b.sector);
}

const sectorsOf = (records: readonly VanillaRecord[]): number[] => records.map(({ sector }) => sector);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('each sector asked for is answered once, with its proof or with the reason', async () => {
	const manifest = fakeManifest(...range(0, 100));
	const { source, server } = setUp(manifest);
	source.failures.set(sectorNumber(7), 'unreadable');
	const request = requestFor(manifest);
	const records = await collect(server, request);
	assert.deepEqual(sectorsOf(records), range(0, 100));
	for (const [i, record] of records.entries()) {
		if (i === 7) assert.deepEqual(record, { sector: 7, failure: 'unreadable' });
		else assert.deepEqual(record, { sector: i, proof: fakeVanilla(request, manifest[i] as (typeof manifest)[0]) });
	}
	await server.stop();
});

test('what was opened ahead is served without reading the disk again', async () => {
	const manifest = fakeManifest(...range(0, 40));
	const { source, server, events } = setUp(manifest);
	server.openAhead([ahead(manifest)]);
	await until('all opened ahead', () => source.attempts.length === 40 && events.length > 0);
	assert.deepEqual(sectorsOf(await collect(server, requestFor(manifest))), range(0, 40));
	assert.equal(source.attempts.length, 40);
	await server.stop();
});

test('items are opened ahead in the order of the list, and the core hears of every sector', async () => {
	const first = fakeManifest(...range(50, 70));
	const second = fakeManifest(...range(0, 20));
	const { source, server, events } = setUp([...first, ...second]);
	server.openAhead([
		ahead(first, { partition: 1 }),
		ahead(second, { partition: 2, randomness: hex32('11'.repeat(32)) }),
	]);
	await until('all opened', () => source.attempts.length === 40);
	const opened = (partition: number): number =>
		events.filter(({ work }) => work === workOf([], { partition }).id).reduce((sum, { ok }) => sum + ok.size, 0);
	await until('all told', () => opened(1) === 20 && opened(2) === 20);
	assert.ok(source.attempts.slice(0, 4).every((sector) => sector >= 50));
	assert.deepEqual(
		[...source.attempts].sort((a, b) => a - b),
		[...range(0, 20), ...range(50, 70)],
	);
	await server.stop();
});

test('a full cache stops opening ahead; what was read makes room; what nobody read stays', async () => {
	const manifest = fakeManifest(...range(0, 30));
	const { source, server } = setUp(manifest, 10);
	server.openAhead([ahead(manifest)]);
	await until('the cache is full', () => source.attempts.length === 10);
	const taken = source.attempts.slice(0, 4).sort((a, b) => a - b) as SectorNumber[];
	const asked = manifest.filter(({ number }) => taken.includes(number));
	assert.deepEqual(sectorsOf(await collect(server, requestFor(asked))), taken);
	await until('four more were opened', () => source.attempts.length === 14);
	const unread = new Set(source.attempts.slice(4));
	const before = source.attempts.length;
	const rest = manifest.filter(({ number }) => unread.has(number));
	assert.equal((await collect(server, requestFor(rest.slice(0, 6)))).length, 6);
	assert.deepEqual(
		source.attempts.slice(before).filter((sector) => unread.has(sector)),
		[],
	);
	await server.stop();
});

test('with a full cache a sector that is asked for is opened on request', async () => {
	const manifest = fakeManifest(...range(0, 30));
	const { source, server } = setUp(manifest, 10);
	server.openAhead([ahead(manifest)]);
	await until('the cache is full', () => source.attempts.length === 10);
	assert.deepEqual(sectorsOf(await collect(server, requestFor(manifest.slice(25)))), range(25, 30));
	await server.stop();
});

test('driven by the core: everything opened ahead stays open until the item has a result', async () => {
	const manifest = fakeManifest(...range(0, 300));
	const sectors = Bitfield.of(range(0, 300));
	const source = new FakeVanillaSource(MINER, manifest);
	const bench = new CoreBench({ store: ['storage', 'prover'], a: ['chain'], b: ['chain'] });
	const take = (effects: readonly Effect[]): void => {
		for (const effect of effects) {
			if (effect.type !== 'open-ahead') continue;
			server.openAhead(effect.works.map((entry) => ({ ...entry, manifest })));
		}
	};
	let told = 0;
	const server: VanillaServer = new VanillaServer(
		{ source, clock: systemClock, log: memoryLog(), metrics: memoryMetrics() },
		{
			cacheBytes: 1000 * V,
			threads: undefined,
			emit: (event) => {
				told += event.ok.size + event.failed.length;
				take(bench.give(event));
			},
		},
	);
	source.failures.set(sectorNumber(7), 'missing');
	const { challenge, due } = announcementOf(manifest);
	for (const name of ['a', 'b']) bench.hear(name, { kind: 'ann', body: { challenge, items: [due] } }, 165);
	take(bench.give({ type: 'holdings', miner: MINER, sectors }));
	take(bench.give({ type: 'manifest-held', root: due.sectorRoot, sectors }));
	await until('all were tried and told', () => told === 300);
	take(bench.second());
	const before = source.attempts.length;
	const asked = manifest.filter(({ number }) => number !== 7);
	const { proofType, miner, randomness } = challenge;
	assert.equal((await collect(server, { proofType, miner, randomness, sectors: asked })).length, 299);
	assert.equal(source.attempts.length, before, 'nothing is read twice');
	await server.stop();
});

test('a sector that leaves the list and comes back is opened again, the others are not', async () => {
	const manifest = fakeManifest(...range(0, 20));
	const { source, server, events } = setUp(manifest);
	const whole = ahead(manifest);
	server.openAhead([whole]);
	await until('all opened', () => events.reduce((sum, { ok }) => sum + ok.size, 0) === 20);
	server.openAhead([{ ...whole, sectors: whole.sectors.subtract(Bitfield.of([3])) }]);
	server.openAhead([whole]);
	await until('it was opened again', () => source.attempts.length === 21);
	assert.equal(source.attempts[20], 3);
	await collect(server, requestFor(manifest));
	assert.equal(source.attempts.length, 21);
	await server.stop();
});

test('who asks is served before what is opened ahead', async () => {
	const manifest = fakeManifest(...range(0, 200));
	const { source, server } = setUp(manifest);
	source.hold();
	server.openAhead([ahead(manifest)]);
	const asked = collect(server, requestFor(manifest.slice(190)));
	source.release();
	await asked;
	// At most the jobs that ran already came first.
	const last = Math.max(...range(190, 200).map((sector) => source.attempts.indexOf(sector as SectorNumber)));
	assert.ok(last < limits.vanillaWindow + limits.vanillaReadSectors, `it was the ${last}th`);
	await server.stop();
});

test('a failed sector is told, and tried again in the next epoch, not before', async () => {
	const manifest = fakeManifest(1, 2, 3);
	const { source, server, events } = setUp(manifest);
	source.failures.set(sectorNumber(2), 'missing');
	const work = ahead(manifest);
	const told = (code: string): number =>
		events.flatMap(({ failed }) => failed).filter((fault) => fault.sector === 2 && fault.code === code).length;
	server.openAhead([work]);
	await until('told once', () => told('missing') === 1);
	// The list as it comes again, with a less urgent item behind.
	const later = ahead(fakeManifest(9), { partition: 1 });
	assert.deepEqual(await collect(server, requestFor(manifest.slice(1, 2))), [{ sector: 2, failure: 'missing' }]);
	server.openAhead([work, later]);
	await until('the later one was tried', () => source.attempts.includes(sectorNumber(9)));
	assert.deepEqual([told('missing'), source.attempts.length], [1, 4]);
	server.epochPassed();
	await until('told twice', () => told('missing') === 2);
	assert.equal(source.attempts.filter((sector) => sector === 2).length, 2);
	source.failures.clear();
	server.epochPassed();
	await until('opened', () => events.some(({ ok }) => ok.has(2)));
	await server.stop();
});

test('a request with a wrong commitment spoils nothing for the right one', async () => {
	const manifest = fakeManifest(1, 2);
	const { server } = setUp(manifest);
	const wrong = manifest.map((sector) => ({ ...sector, commR: hex32('00'.repeat(32)) }));
	const [bad, good] = await Promise.all([collect(server, requestFor(wrong)), collect(server, requestFor(manifest))]);
	assert.deepEqual(
		bad.map((record) => 'failure' in record && record.failure),
		['mismatch', 'mismatch'],
	);
	assert.ok(good.every((record) => 'proof' in record));
	await server.stop();
});

test('a sector that kills the reading worker costs itself alone, and is left alone until the next epoch', async () => {
	const manifest = fakeManifest(...range(0, 100));
	const { source, server, events } = setUp(manifest);
	source.fatal.add(sectorNumber(4));
	const records = await collect(server, requestFor(manifest));
	assert.deepEqual(
		records.map((record) => ('failure' in record ? record.failure : 'proof')),
		range(0, 100).map((sector) => (sector === 4 ? 'unavailable' : 'proof')),
	);
	const tries = (): number => source.attempts.filter((sector) => sector === 4).length;
	assert.equal(tries(), 2);
	await collect(server, requestFor(manifest));
	assert.equal(tries(), 2);
	server.epochPassed();
	source.fatal.clear();
	assert.ok((await collect(server, requestFor(manifest))).every((record) => 'proof' in record));
	assert.deepEqual(events, [], 'a dead worker says nothing about a sector');
	await server.stop();
});

test('a reader that takes nothing makes the server read no more than a window', async () => {
	const manifest = fakeManifest(...range(0, 500));
	const { source, server } = setUp(manifest);
	const reading = server.open(requestFor(manifest), never);
	await reading.next();
	await until('the window is full', () => source.attempts.length >= limits.vanillaWindow);
	await new Promise((resolve) => setImmediate(resolve));
	assert.ok(source.attempts.length <= 3 * limits.vanillaWindow, `${source.attempts.length} were read`);
	await reading.return(undefined);
	await server.stop();
});

test('over the stream: garbage is reset, the answer to a request is whole, an abort ends it', async () => {
	const manifest = fakeManifest(...range(0, 50));
	const { server, source } = setUp(manifest);
	const server0 = new MemoryStreams(nodeId('s'), () => undefined);
	const client = new MemoryStreams(nodeId('c'), () => server0);
	server.serveOn(server0);
	const options = { timeoutMs: 60_000, maxResponseBytes: 10_000_000 };
	const garbage = await client.pull(nodeId('s'), VANILLA_PROTOCOL, Uint8Array.of(1, 2, 3), options);
	await assert.rejects(garbage.read(), { code: 'stream-reset' });
	const reader = await client.pull(nodeId('s'), VANILLA_PROTOCOL, encodeVanillaRequest(requestFor(manifest)), options);
	let bytes = 0;
	for (let frame = await reader.read(); frame !== undefined; frame = await reader.read()) {
		assert.ok(frame.length <= limits.bulkFrameBytes);
		bytes += frame.length;
	}
	assert.equal(bytes, 51 * 13 + 50 * V);
	source.hold();
	const cut = await client.pull(nodeId('s'), VANILLA_PROTOCOL, encodeVanillaRequest(requestFor(manifest)), options);
	cut.abort(new Error('enough'));
	await until('the stream is gone', () => client.open.size === 0);
	source.release();
	await server.stop();
});
