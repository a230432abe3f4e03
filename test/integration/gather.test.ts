/** Gathering over real libp2p connections and the real worker: real sectors, a liar and a dying peer among the holders. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { NativeChecker } from '../../src/adapters/native/checker.ts';
import { NativeProverSlot } from '../../src/adapters/native/prover.ts';
import { NativeVanillaSource } from '../../src/adapters/native/vanilla-source.ts';
import { NativeVerifier } from '../../src/adapters/native/verifier.ts';
import { encodeVanillaEnd, encodeVanillaRecord, VANILLA_PROTOCOL } from '../../src/codec/vanilla-wire.ts';
import type { EventOf } from '../../src/core/api.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import { limits } from '../../src/domain/limits.ts';
import { Gatherer } from '../../src/node/gather/gatherer.ts';
import { SpoolFolder } from '../../src/node/gather/spool-folder.ts';
import { pullVanilla } from '../../src/node/gather/vanilla-stream.ts';
import type { GatherEvent } from '../../src/node/gather/work-gather.ts';
import { ManifestBook } from '../../src/node/manifest-book.ts';
import { ManifestExchange } from '../../src/node/manifest-exchange.ts';
import { StepTimes } from '../../src/node/step-times.ts';
import { VanillaServer } from '../../src/node/vanilla-server/vanilla-server.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { MINER } from '../support/core.ts';
import { connectAll, createNode, stopAll, type TestNode } from '../support/libp2p-nodes.ts';
import { memoryLog } from '../support/memory-log.ts';
import { memoryMetrics } from '../support/memory-metrics.ts';
import { ensureParams, ensureSectors, nativeChild } from '../support/native-fixtures.ts';
import { systemClock } from '../support/system-clock.ts';
import { until } from '../support/until.ts';
import { workOf } from '../support/work-items.ts';
import { ZERO_SECTOR_TYPE, ZeroSectorSource, zeroManifest } from '../support/zero-sectors.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-gather-test-'));
after(() => rm(root, { recursive: true, force: true }));
const sealed = await ensureSectors(MINER, 4);
const manifest = sealed.sectors.slice(0, 2);
const [zero, one] = manifest as [(typeof manifest)[0], (typeof manifest)[0]];
const work = workOf(manifest);
const never = new AbortController().signal;
const base = { clock: systemClock, log: memoryLog(), metrics: memoryMetrics() };

const storage = async (dir: string): Promise<NativeVanillaSource> =>
	new NativeVanillaSource(await nativeChild('vanilla', '--storage', dir), systemClock);

async function proofOf(source: NativeVanillaSource, sector: (typeof manifest)[0]): Promise<Uint8Array> {
	const { proofType, miner, randomness } = work;
	for await (const opened of source.open({ proofType, miner, randomness, sectors: [sector] }, never)) {
		assert.ok('proof' in opened);
		return opened.proof;
	}
	return assert.fail('nothing was opened');
}

/** Serves one sector with a changed hash in its path: a liar that passes every test but the hashing. */
function forge(node: TestNode, proof: Uint8Array): void {
	const forged = new Uint8Array(proof);
	// The low byte of a sibling in the middle of the proof: still a field element.
	const at = 56 + 4 + 64 + 8 + 8;
	forged[at] = (forged[at] ?? 0) ^ 1;
	node.streams.onPull(VANILLA_PROTOCOL, limits.vanillaRequestBytes, async (_peer, _request, writer) => {
		const record = encodeVanillaRecord({ sector: zero.number, proof: forged });
		await writer.write(Buffer.concat([...record, encodeVanillaEnd()]));
	});
}

/** Sends a part of a sector and is gone, as a killed process is. */
function die(node: TestNode, proof: Uint8Array): void {
	node.streams.onPull(VANILLA_PROTOCOL, limits.vanillaRequestBytes, async (_peer, _request, writer) => {
		const [head, body] = encodeVanillaRecord({ sector: one.number, proof });
		await writer.write(Buffer.concat([head as Uint8Array, (body as Uint8Array).subarray(0, 1000)]));
		await node.stop();
	});
}

test('a liar and a dying peer cost time only: the others deliver, and the proof verifies', async (t) => {
	const nodes = await Promise.all([1, 2, 3, 4, 5].map((seed) => createNode(seed, { dht: false })));
	t.after(() => stopAll(nodes));
	const [prover, first, second, liar, dying] = nodes as [TestNode, TestNode, TestNode, TestNode, TestNode];

	// Each of the two honest holders lacks one sector of the partition.
	const halves = [join(root, 'first'), join(root, 'second')] as const;
	for (const [i, dir] of halves.entries()) {
		await cp(sealed.dir, dir, { recursive: true });
		await rm(join(dir, 'sealed', `s-t01000-${1 - i}`));
	}
	const sources = await Promise.all(halves.map(storage));
	t.after(() => Promise.all(sources.map((source) => source.close())));
	const told: EventOf<'opened'>[] = [];
	for (const [i, node] of [first, second].entries()) {
		const source = sources[i] as NativeVanillaSource;
		const server = new VanillaServer(
			{ ...base, source },
			{ cacheBytes: 1e6, threads: undefined, emit: (event) => told.push(event) },
		);
		server.serveOn(node.streams);
		server.openAhead([{ work, manifest, sectors: Bitfield.of([i]) }]);
		t.after(() => server.stop());
	}
	await until('each opened its sector ahead', () => told.reduce((sum, { ok }) => sum + ok.size, 0) === 2);
	forge(liar, await proofOf(sources[0] as NativeVanillaSource, zero));
	die(dying, await proofOf(sources[1] as NativeVanillaSource, one));
	await connectAll(nodes);

	// The manifest travels too: a liar about it is passed over.
	const held = new ManifestBook(new MemoryStore());
	await held.put(manifest);
	new ManifestExchange(
		{ streams: first.streams, book: held, log: base.log },
		{ enqueue: () => assert.fail('it only serves') },
	).serve();
	liar.streams.onCall('/poster/manifest/1', 32, async () => Uint8Array.of(0x80));
	const book = new ManifestBook(new MemoryStore());
	const heard: EventOf<'manifest-held' | 'manifest-failed'>[] = [];
	const exchange = new ManifestExchange(
		{ streams: prover.streams, book, log: base.log },
		{ enqueue: (event) => heard.push(event) },
	);
	await exchange.fetch({ type: 'fetch-manifest', root: work.sectorRoot, from: [liar.id, second.id] });
	await exchange.fetch({ type: 'fetch-manifest', root: work.sectorRoot, from: [liar.id, first.id] });
	assert.deepEqual(heard, [
		{ type: 'manifest-failed', root: work.sectorRoot },
		{ type: 'manifest-held', root: work.sectorRoot, sectors: Bitfield.of([0, 1]) },
	]);

	const checker = new NativeChecker(await nativeChild('check'), systemClock);
	t.after(() => checker.close());
	const events: GatherEvent[] = [];
	const gatherer = new Gatherer(
		{
			...base,
			checker,
			streams: prover.streams,
			local: undefined,
			spools: await SpoolFolder.open(join(root, 'spool'), 1e6),
			book,
			times: new StepTimes(),
		},
		{ self: prover.id, enqueue: (event) => events.push(event) },
	);
	t.after(() => gatherer.close());
	const ended = (): number => events.filter(({ type }) => type === 'gather-ended').length;
	const share = (node: TestNode, number: number) => ({ peer: node.id, sectors: Bitfield.of([number]) });

	gatherer.gather({ type: 'gather', work, shares: [share(liar, 0), share(dying, 1)] });
	await until('both ended', () => ended() === 2);
	assert.deepEqual(
		events.flatMap((event) => (event.type === 'gathered' ? event.failed : [])),
		[{ sector: 0, code: 'merkle' }],
	);
	assert.equal(
		events.every((event) => event.type !== 'gathered' || event.ok.size === 0),
		true,
	);
	gatherer.gather({ type: 'gather', work, shares: [share(first, 0), share(second, 1)] });
	await until('the honest ones ended', () => ended() === 4);

	const params = await ensureParams();
	const slot = new NativeProverSlot(
		'cpu-0',
		await nativeChild('prove', '--params', params, '--test-params'),
		systemClock,
	);
	t.after(() => slot.close());
	const verifier = new NativeVerifier(await nativeChild('verify', '--params', params, '--test-params'));
	t.after(() => verifier.close());
	const statement = { ...work, sectors: manifest };
	const { proof } = await slot.prove({ statement, spool: await gatherer.spool(work) }, () => undefined, never);
	assert.deepEqual(await verifier.verifyPost(statement, proof), { ok: true });
});

test('a slow reader stops the sender again and again, and gets every sector', async (t) => {
	const nodes = await Promise.all([1, 2].map((seed) => createNode(seed, { dht: false })));
	t.after(() => stopAll(nodes));
	const [reader, sender] = nodes as [TestNode, TestNode];
	const server = new VanillaServer(
		{ ...base, source: new ZeroSectorSource() },
		{ cacheBytes: 0, threads: undefined, emit: () => assert.fail('nothing is announced') },
	);
	server.serveOn(sender.streams);
	await connectAll(nodes);
	const { miner, randomness } = work;
	const request = { proofType: ZERO_SECTOR_TYPE, miner, randomness, sectors: zeroManifest(600) };
	let sectors = 0;
	for await (const records of pullVanilla(reader.streams, sender.id, request, never)) {
		sectors += records.length;
		// Slower than the sender: 15 MB cross a window of 256 KiB.
		await systemClock.sleep(1);
	}
	assert.equal(sectors, 600);
	await server.stop();
});
