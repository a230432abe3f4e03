import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KeyFileWallet } from '../../src/adapters/chain/key-file-wallet.ts';
import { LotusChain } from '../../src/adapters/chain/lotus-chain.ts';
import { workItem } from '../../src/codec/work-id.ts';
import type { ChainView, Event, EventOf } from '../../src/core/api.ts';
import { startDevnet } from '../../src/devnet/devnet.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import { actorId, attoFil } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { WorkItem } from '../../src/domain/work.ts';
import { DuePartitions } from '../../src/node/chain/due-partitions.ts';
import { ChainFollower } from '../../src/node/chain/follower.ts';
import { SenderCheck } from '../../src/node/chain/sender-check.ts';
import { Submitter } from '../../src/node/chain/submitter.ts';
import { ViewReader } from '../../src/node/chain/view-reader.ts';
import { ManifestBook } from '../../src/node/manifest-book.ts';
import { checkMessage } from '../../src/node/message-check.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { TagVerifier, tagProof } from '../fakes/tag-verifier.ts';
import { BENCH_MINER, FIRST_OPEN, MINER, SHORT_POLICY } from '../support/devnet-bench.ts';
import { memoryLog } from '../support/memory-log.ts';
import { memoryMetrics } from '../support/memory-metrics.ts';
import { systemClock } from '../support/system-clock.ts';
import { until } from '../support/until.ts';

const NETWORK = 'bench';
const OTHER = actorId(1999);

async function setup(t: { after(run: () => Promise<void>): void }) {
	const verifier = new TagVerifier();
	const ports = { clock: systemClock, log: memoryLog(), verifier };
	const devnet = await startDevnet(
		{ miners: [BENCH_MINER], policy: SHORT_POLICY, running: false, networkName: NETWORK },
		ports,
	);
	const components = { ...ports, metrics: memoryMetrics() };
	const chain = new LotusChain(components, { endpoints: [{ url: devnet.url, token: devnet.tokens.sign }] });
	const worker = devnet.workers.get(MINER);
	assert.ok(worker);
	const folder = await mkdtemp(join(tmpdir(), 'poster-node-chain-'));
	await writeFile(join(folder, 'key'), worker.exportedKey, { mode: 0o600 });
	const maxFee = attoFil(10n ** 18n);
	const wallet = await KeyFileWallet.open([join(folder, 'key')], {
		miners: new Map([[MINER, { sender: worker.address }]]),
		maxFee,
	});
	const events: Event[] = [];
	const enqueue = (event: Event): void => void events.push(event);
	const book = new ManifestBook(new MemoryStore());
	/** Knows nothing, as at the start of a process. */
	const newReader = (): ViewReader => {
		const partitions = new DuePartitions(chain, book, (root, sectors) =>
			enqueue({ type: 'manifest-held', root, sectors }),
		);
		return new ViewReader(chain, partitions, new SenderCheck(chain, () => undefined));
	};
	const miners = [{ miner: MINER, sender: worker.address }];
	const follower = new ChainFollower(
		{ ...components, chain },
		{ views: newReader(), miners: () => miners, readsPool: true, enqueue },
	);
	const submitter = new Submitter({ chain, wallet, log: ports.log }, { sender: () => worker.address, maxFee, enqueue });
	t.after(async () => {
		await follower.stop();
		await chain.close();
		await devnet.close();
		await rm(folder, { recursive: true, force: true });
	});
	const last = <T extends Event['type']>(type: T): EventOf<T> | undefined =>
		events.findLast((event): event is EventOf<T> => event.type === type);
	const viewAt = async (height: number): Promise<ChainView> => {
		while (devnet.node.chain.head.height < height) await devnet.node.mine();
		await until(`a view at ${height}`, () => last('chain-view')?.view.epoch === height);
		return last('chain-view')?.view as ChainView;
	};
	const sender = worker.address;
	/** What a process that starts now sees. */
	const freshView = async (): Promise<ChainView> =>
		newReader().read({ miner: MINER, sender, head: await chain.head(), pool: [] });
	return { devnet, follower, submitter, sender, verifier, enqueue, book, events, last, viewAt, freshView, miners };
}

type Bench = Awaited<ReturnType<typeof setup>>;

async function proofOf({ book }: Bench, work: WorkItem, skipped: Bitfield): Promise<Uint8Array> {
	const sectors = (await book.require(work.sectorRoot)).filter(({ number }) => !skipped.has(number));
	return tagProof({ ...work, sectors });
}

/** Looks, signs and pushes one partition, and mines it in. */
async function post(bench: Bench, work: WorkItem, skipped: Bitfield): Promise<EventOf<'searched'>> {
	const { submitter, sender, last, devnet } = bench;
	const proof = await proofOf(bench, work, skipped);
	await submitter.prepare({ type: 'prepare', work, proof, skipped });
	const prepared = last('prepared');
	assert.ok(prepared, JSON.stringify(last('prepare-failed')));
	assert.equal(prepared.randomness, work.randomness);
	assert.equal(prepared.posted, false);
	const { commitEpoch, commitRandomness, gas } = prepared;
	const { deadline, partition, proofType } = work;
	const params = { deadline, partition, skipped, proofType, proof, commitEpoch, commitRandomness };
	await submitter.sign({ type: 'sign', work: work.id, miner: work.miner, sender, params, nonce: 0, gas });
	const submission = last('signed')?.submission;
	assert.ok(submission, JSON.stringify(last('sign-failed')));
	await submitter.push({ type: 'push', cid: submission.cid, signed: submission.signed });
	assert.deepEqual(last('pushed'), { type: 'pushed', cid: submission.cid, code: null });
	await submitter.search({ type: 'search', cid: submission.cid, work });
	assert.equal(last('searched')?.lookup, null, 'a pending message is on no chain');
	await devnet.node.mine();
	await devnet.node.mine();
	await submitter.search({ type: 'search', cid: submission.cid, work });
	return last('searched') as EventOf<'searched'>;
}

test('from the challenge on a view names what is due, and its manifests are held before', async (t) => {
	const { follower, viewAt, events } = await setup(t);
	follower.start(assert.ifError);
	assert.deepEqual(
		(await viewAt(FIRST_OPEN - 5)).challenges.flatMap(({ due }) => due),
		[],
	);
	const view = await viewAt(FIRST_OPEN - 4);
	const [challenge] = view.challenges.filter(({ due }) => due.length > 0);
	assert.ok(challenge);
	assert.equal(challenge.challenge.deadline, 0);
	assert.equal(challenge.posted, null, 'the deadline is not open: PostSubmissions belongs to another one');
	assert.deepEqual(
		challenge.due.map(({ partition, sectorCount }) => [partition, sectorCount]),
		[
			[0, 2],
			[1, 2],
		],
	);
	const heldAt = (root: string): number =>
		events.findIndex((event) => event.type === 'manifest-held' && event.root === root);
	const viewedAt = events.findIndex((event) => event.type === 'chain-view' && event.view === view);
	for (const { sectorRoot } of challenge.due) {
		assert.ok(heldAt(sectorRoot) >= 0 && heldAt(sectorRoot) < viewedAt, sectorRoot);
	}
	assert.equal(challenge.challenge.randomness.length, 64);
	assert.ok(Number.parseInt(challenge.challenge.randomness.slice(62), 16) < 0x40, 'byte 31 is masked');
});

test('a posted partition keeps its item although its skip made a sector faulty, over a restart too', async (t) => {
	const bench = await setup(t);
	bench.follower.start(assert.ifError);
	const open = await bench.viewAt(FIRST_OPEN);
	const challenge = open.challenges[0];
	assert.ok(challenge?.due[0]);
	assert.deepEqual(challenge.posted, Bitfield.empty);
	const work = workItem(NETWORK, challenge.challenge, challenge.due[0]);
	const searched = await post(bench, work, Bitfield.of([1]));
	assert.equal(searched.lookup?.exitCode, 0);
	assert.equal(searched.posted, true);
	const after = await bench.viewAt(FIRST_OPEN + 3);
	assert.deepEqual(after.challenges[0]?.due, challenge.due);
	assert.deepEqual([...(after.challenges[0]?.posted ?? [])], [0]);
	assert.equal(after.sender.nonce, 1);

	const restarted = await bench.freshView();
	assert.deepEqual(restarted.challenges[0]?.due, challenge.due, 'a node that starts after the skip sees the same item');
	assert.deepEqual([...(restarted.challenges[0]?.posted ?? [])], [0]);
});

test('what the chain refuses is told with its own text, and a posted partition is seen before signing', async (t) => {
	const bench = await setup(t);
	bench.follower.start(assert.ifError);
	const open = await bench.viewAt(FIRST_OPEN);
	const challenge = open.challenges[0];
	assert.ok(challenge?.due[0] && challenge.due[1]);
	const work = workItem(NETWORK, challenge.challenge, challenge.due[1]);
	const all = await bench.book.require(work.sectorRoot);
	const skipped = Bitfield.of(all.map(({ number }) => number));
	const proof = new Uint8Array(192);
	await bench.submitter.prepare({ type: 'prepare', work, proof, skipped });
	const refused = bench.last('prepare-failed');
	assert.equal(refused?.refused, true);
	assert.match(refused?.detail ?? '', /no active sectors/);

	const first = workItem(NETWORK, challenge.challenge, challenge.due[0]);
	await post(bench, first, Bitfield.empty);
	await bench.submitter.prepare({ type: 'prepare', work: first, proof, skipped: Bitfield.empty });
	assert.equal(bench.last('prepared')?.posted, true);
});

test("a waiting message of the sender is in the view's pool with its call", async (t) => {
	const bench = await setup(t);
	bench.follower.start(assert.ifError);
	const open = await bench.viewAt(FIRST_OPEN);
	const challenge = open.challenges[0];
	assert.ok(challenge?.due[0]);
	const work = workItem(NETWORK, challenge.challenge, challenge.due[0]);
	const { submitter, sender, last, devnet } = bench;
	const proof = await proofOf(bench, work, Bitfield.empty);
	await submitter.prepare({ type: 'prepare', work, proof, skipped: Bitfield.empty });
	const { commitEpoch, commitRandomness, gas } = last('prepared') as EventOf<'prepared'>;
	const { deadline, partition, proofType } = work;
	const params = { deadline, partition, skipped: Bitfield.empty, proofType, proof, commitEpoch, commitRandomness };
	// A gap: it waits in the pool whatever is mined.
	await submitter.sign({ type: 'sign', work: work.id, miner: MINER, sender, params, nonce: 1, gas });
	const submission = last('signed')?.submission;
	assert.ok(submission);
	await submitter.push({ type: 'push', cid: submission.cid, signed: submission.signed });
	const view = await bench.viewAt(devnet.node.chain.head.height + 1);
	assert.deepEqual(
		view.sender.pool.map(({ cid, call }) => [cid, call?.kind]),
		[[submission.cid, 'submit-post']],
	);
	await checkMessage(
		bench.verifier,
		{ type: 'check-message', cid: submission.cid, signed: submission.signed },
		bench.enqueue,
	);
	assert.equal(last('message-checked')?.verdict, 'good');
	const forged = { ...submission.signed, message: { ...submission.signed.message, nonce: 7 } };
	await checkMessage(bench.verifier, { type: 'check-message', cid: submission.cid, signed: forged }, bench.enqueue);
	assert.equal(last('message-checked')?.verdict, 'bad');
});

test('one miner that cannot be read hides no other', async (t) => {
	const bench = await setup(t);
	const sender = bench.miners[0]?.sender ?? '';
	for (let i = 0; i <= limits.chainMinersAtOnce; i++) bench.miners.unshift({ miner: actorId(OTHER + i), sender });
	bench.follower.start(assert.ifError);
	const view = await bench.viewAt(FIRST_OPEN);
	assert.equal(view.miner, MINER);
	assert.equal(
		bench.events.some((event) => event.type === 'chain-lost'),
		false,
	);
});

test('a full node that is gone is told: nothing may be signed on what it said before', async (t) => {
	const bench = await setup(t);
	bench.follower.start(assert.ifError);
	await bench.viewAt(FIRST_OPEN - 5);
	const { devnet, follower } = bench;
	assert.equal(follower.status, 'following');
	await devnet.close();
	await until('it is told', () => bench.last('chain-lost') !== undefined);
	assert.equal(follower.status, 'lost');
});
