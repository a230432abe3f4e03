/** Questions to holders over the real serving side and a fake worker: what counts as an answer, and what stays. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeVanillaEnd, encodeVanillaRecord, VANILLA_PROTOCOL } from '../../../../src/codec/vanilla-wire.ts';
import type { EventOf } from '../../../../src/core/api.ts';
import { Bitfield } from '../../../../src/domain/bitfield.ts';
import { PosterError } from '../../../../src/domain/errors.ts';
import { nodeId, sectorNumber } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import { proofShape } from '../../../../src/domain/proof.ts';
import { Gatherer } from '../../../../src/node/gather/gatherer.ts';
import { HolderQuestions } from '../../../../src/node/gather/holder-questions.ts';
import { SpoolFolder } from '../../../../src/node/gather/spool-folder.ts';
import type { GatherEvent } from '../../../../src/node/gather/work-gather.ts';
import { ManifestBook } from '../../../../src/node/manifest-book.ts';
import { StepTimes } from '../../../../src/node/step-times.ts';
import { VanillaServer } from '../../../../src/node/vanilla-server/vanilla-server.ts';
import { FakeProverSlot } from '../../../fakes/fake-prover.ts';
import { FakeChecker, FakeVanillaSource } from '../../../fakes/fake-vanilla.ts';
import { MemoryStore } from '../../../fakes/memory-store.ts';
import { MemoryStreams } from '../../../fakes/memory-streams.ts';
import { MINER } from '../../../support/core.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { hurried, systemClock } from '../../../support/system-clock.ts';
import { until } from '../../../support/until.ts';
import { fakeManifest, workOf } from '../../../support/work-items.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-questions-'));
after(() => rm(root, { recursive: true, force: true }));
const self = nodeId('submitter');
const HOLDER = nodeId('holder');
/** 32 GiB: partitions of more than two sectors. */
const TYPE = 13;
const manifest = fakeManifest(0, 1, 2, 3, 4, 5);
const work = workOf(manifest, { proofType: TYPE });
let folders = 0;

/** A submitter that reaches one holder. */
async function setUp({ clock = systemClock } = {}) {
	const holder = new MemoryStreams(HOLDER, () => streams);
	const streams = new MemoryStreams(self, (peer) => (peer === HOLDER ? holder : undefined));
	const base = { clock, log: memoryLog(), metrics: memoryMetrics() };
	const checker = new FakeChecker();
	const book = new ManifestBook(new MemoryStore());
	await book.put(manifest);
	const folder = join(root, `${folders++}`);
	const components = { ...base, checker, streams, book };
	const answers: EventOf<'holder-answered'>[] = [];
	const create = () =>
		HolderQuestions.create(components, { self, folder, enqueue: (event) => void answers.push(event) });
	/** The real serving side over sectors of the manifest. */
	const honest = (): FakeVanillaSource => {
		const source = new FakeVanillaSource(MINER, manifest);
		new VanillaServer({ ...base, source }, { cacheBytes: 0, threads: undefined, emit: () => undefined }).serveOn(
			holder,
		);
		return source;
	};
	return { components, questions: await create(), create, answers, checker, holder, honest, folder };
}

const ask = (...sectors: readonly number[]) =>
	({ type: 'ask-holder', work, peer: HOLDER, sectors: Bitfield.of(sectors) }) as const;
const plain = ({ ok, asked }: EventOf<'holder-answered'>) => ({ ok: [...ok], asked });

test('what the holder opens is its answer; the file is gone afterwards', async () => {
	const { questions, answers, honest, folder } = await setUp();
	const source = honest();
	source.failures.set(sectorNumber(4), 'unreadable');
	await questions.ask(ask(1, 4, 5));
	assert.deepEqual(answers.map(plain), [{ ok: [1, 5], asked: true }]);
	assert.deepEqual(source.attempts, [1, 4, 5], 'nothing else was opened');
	assert.deepEqual(await readdir(folder), []);
});

test('a proof that does not pass the check is no answer', async () => {
	const { questions, answers, holder, folder } = await setUp();
	const proof = new Uint8Array(proofShape(TYPE).vanillaBytes).fill(1);
	holder.onPull(VANILLA_PROTOCOL, limits.vanillaRequestBytes, async (_peer, _request, writer) => {
		await writer.write(Buffer.concat(encodeVanillaRecord({ sector: sectorNumber(1), proof })));
		await writer.write(encodeVanillaEnd());
	});
	await questions.ask(ask(1));
	assert.deepEqual(answers.map(plain), [{ ok: [], asked: true }]);
	assert.deepEqual(await readdir(folder), []);
});

test('without a checker this node has not asked', async () => {
	const { questions, answers, checker, honest } = await setUp();
	honest();
	checker.failNext.push(new PosterError('check-unavailable', 'as the test asked'));
	await questions.ask(ask(1));
	assert.deepEqual(answers.map(plain), [{ ok: [], asked: false }]);
});

test('a holder that hangs has answered when its time is over', async () => {
	const { questions, answers, honest, folder } = await setUp({ clock: hurried(50) });
	honest().hold();
	await questions.ask(ask(1));
	assert.deepEqual(answers.map(plain), [{ ok: [], asked: true }]);
	assert.deepEqual(await readdir(folder), []);
});

test('a question and a gather of the same item have each their own file', async () => {
	const { components, questions, answers, honest, folder } = await setUp();
	honest();
	const events: GatherEvent[] = [];
	const spools = await SpoolFolder.open(join(root, `${folders++}`), 1e9);
	const gatherer = new Gatherer(
		{ ...components, local: undefined, spools, times: new StepTimes() },
		{ self, enqueue: (event) => void events.push(event) },
	);
	const gather = (...sectors: number[]): void =>
		gatherer.gather({ type: 'gather', work, shares: [{ peer: HOLDER, sectors: Bitfield.of(sectors) }] });
	gather(0, 1, 2);
	await Promise.all([questions.ask(ask(2, 3)), until('gathered', () => events.at(-1)?.type === 'gather-ended')]);
	assert.deepEqual(answers.map(plain), [{ ok: [2, 3], asked: true }]);
	const gathered = events.flatMap((event) => (event.type === 'gathered' ? [...event.ok] : []));
	assert.deepEqual(gathered, [0, 1, 2]);
	assert.deepEqual(await readdir(folder), []);
	gather(3, 4, 5);
	await until('gathered', () => events.filter(({ type }) => type === 'gather-ended').length === 2);
	const spool = await gatherer.spool(work);
	const statement = { ...work, sectors: manifest };
	await new FakeProverSlot('x').prove({ statement, spool }, () => undefined, new AbortController().signal);
	await gatherer.close();
});

test('the end of the node leaves no file and waits for no holder', async () => {
	const { questions, honest, folder } = await setUp();
	honest().hold();
	const asked = questions.ask(ask(1));
	await until('the file is there', async () => (await readdir(folder)).length === 1);
	await questions.close();
	assert.deepEqual(await readdir(folder), []);
	await asked;
});

test('what an earlier run left is nobody’s answer', async () => {
	const { create, answers, honest, folder } = await setUp();
	await mkdir(folder, { recursive: true });
	const left = join(folder, `${work.id}.vanilla`);
	await writeFile(left, 'anything');
	const questions = await create();
	assert.equal(existsSync(left), false);
	honest().failures.set(sectorNumber(1), 'missing');
	await questions.ask(ask(1));
	assert.deepEqual(answers.map(plain), [{ ok: [], asked: true }]);
});
