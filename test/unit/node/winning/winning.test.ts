/** Winning PoSt between an asker, holders and provers that may lie, be busy or vanish. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeCbor } from '../../../../src/codec/cbor.ts';
import {
	decodeWinningAsk,
	encodeWinningAnswer,
	encodeWinningAsk,
	WINNING_PROTOCOL,
} from '../../../../src/codec/winning-wire.ts';
import { PosterError } from '../../../../src/domain/errors.ts';
import { actorId, hex32, type NodeId, nodeId, sectorNumber } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { WinningChallenge } from '../../../../src/domain/winning.ts';
import { ProofTimes } from '../../../../src/node/proof-times.ts';
import { VanillaServer } from '../../../../src/node/vanilla-server/vanilla-server.ts';
import { EpochBudget } from '../../../../src/node/winning/epoch-budget.ts';
import { WindowPause } from '../../../../src/node/winning/window-pause.ts';
import { WinningProver } from '../../../../src/node/winning/winning-prover.ts';
import { WinningRequests } from '../../../../src/node/winning/winning-requests.ts';
import { WinningServer } from '../../../../src/node/winning/winning-server.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import { fakeCommR, fakeProof, fakeVanilla } from '../../../fakes/fake-proofs.ts';
import { FakeProverSlot, FakeVerifier } from '../../../fakes/fake-prover.ts';
import { FakeChecker, FakeVanillaSource } from '../../../fakes/fake-vanilla.ts';
import { MemoryStore } from '../../../fakes/memory-store.ts';
import { MemoryStreams } from '../../../fakes/memory-streams.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { hurried, systemClock } from '../../../support/system-clock.ts';
import { until } from '../../../support/until.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-winning-unit-'));
after(() => rm(root, { recursive: true, force: true }));
const never = new AbortController().signal;
const miner = actorId(1000);
const sector = { number: sectorNumber(7), commR: fakeCommR(1000, 7) };
const challenge: WinningChallenge = { proofType: 3, miner, randomness: hex32(`${'5b'.repeat(31)}1b`), sector };
const statement = { proofType: 3, miner, randomness: challenge.randomness, sectors: [sector] };
const vanilla = fakeVanilla(challenge, sector);

async function setUp({ perEpoch = 4, clock = systemClock } = {}) {
	const peers = new Map<NodeId, MemoryStreams>();
	const me = nodeId('me');
	const streams = new MemoryStreams(me, (peer) => peers.get(peer));
	const log = memoryLog();
	const budgetOf = (most: number) => new EpochBudget(systemClock, most, () => 600_000);
	const holders: NodeId[] = [];
	const provers: NodeId[] = [];
	const joined = (name: string): MemoryStreams => {
		const made = new MemoryStreams(nodeId(name), () => streams);
		peers.set(nodeId(name), made);
		return made;
	};
	const serve = (name: string, parts: Partial<ConstructorParameters<typeof WinningServer>[0]>): void => {
		const budget = budgetOf(perEpoch);
		const all = { local: undefined, prover: undefined, budget, serves: () => true, metrics: memoryMetrics(), ...parts };
		new WinningServer(all).serveOn(joined(name));
	};
	const localOf = (committed: readonly (typeof sector)[]) =>
		new VanillaServer(
			{ source: new FakeVanillaSource(miner, committed), clock: systemClock, log, metrics: memoryMetrics() },
			{ cacheBytes: 0, threads: 1, emit: () => assert.fail('it belongs to no work') },
		);
	const holder = (name: string, committed: readonly (typeof sector)[]): void => {
		serve(name, { local: localOf(committed) });
		holders.push(nodeId(name));
	};
	/** A member that answers what a test wants. */
	const answering = (name: string, to: NodeId[], answer: (kind: string) => Uint8Array | Promise<Uint8Array>): void => {
		joined(name).onCall(WINNING_PROTOCOL, limits.winningBytes, async (_peer, bytes) =>
			answer(decodeWinningAsk(bytes).kind),
		);
		to.push(nodeId(name));
	};
	const requests = new WinningRequests({
		self: me,
		streams,
		checker: new FakeChecker(),
		verifier: new FakeVerifier(),
		local: undefined,
		prover: undefined,
		budget: budgetOf(perEpoch),
		proofTypes: [3],
		holders: () => holders,
		provers: () => provers,
		folder: root,
		clock,
		log,
		metrics: memoryMetrics(),
	});
	return { requests, holders, provers, holder, serve, answering, streams, log };
}

let slots = 0;
async function proverOf(clock: Clock = systemClock) {
	const slot = new FakeProverSlot('winning');
	const told: string[] = [];
	const window = {
		pause: () => {
			told.push('stopped');
			return () => void told.push('goes on');
		},
	};
	const index = slots++;
	const proofTimes = await ProofTimes.load(new MemoryStore(), memoryLog());
	const prover = new WinningProver(
		{
			slot,
			checker: new FakeChecker(),
			sample: async (proofType) => {
				const path = join(root, `sample-${index}`);
				const of = { proofType, miner: actorId(0), randomness: challenge.randomness };
				await writeFile(path, fakeVanilla(of, sector));
				return { statement: { ...of, sectors: [sector] }, spool: { path, slotOf: () => 0 } };
			},
			pause: new WindowPause(clock, [window], () => undefined),
			proofTimes,
			clock,
			log: memoryLog(),
		},
		{ proofTypes: [3], folder: await mkdtemp(join(root, 'prover-')), enqueue: () => undefined },
	);
	return { slot, prover, told, proofTimes };
}

/** The second proof tells what one takes: it is warm then. */
async function proveTwice(prover: WinningProver): Promise<void> {
	for (let i = 0; i < 2; i++) await prover.prove(challenge, vanilla, never);
}

test('the sector comes past holders that lie or lack it, the proof past provers that lie, are cold or gone', async () => {
	const mesh = await setUp();
	mesh.holders.push(nodeId('gone'));
	mesh.answering('lies', mesh.holders, () => encodeWinningAnswer(new Uint8Array(vanilla.length)));
	mesh.holder('lacks', []);
	mesh.holder('holds', [sector]);
	mesh.provers.push(nodeId('gone'));
	const [cold, warm] = [await proverOf(), await proverOf()];
	mesh.serve('cold', { prover: cold.prover });
	mesh.serve('warm', { prover: warm.prover });
	mesh.provers.push(nodeId('cold'), nodeId('warm'));
	const forged = Buffer.from(fakeProof(statement));
	forged[5] = (forged[5] ?? 0) ^ 1;
	for (const [name, bytes] of [
		['forges', forged],
		['talks', new Uint8Array(3)],
	] as const) {
		mesh.answering(name, mesh.provers, (kind) => encodeWinningAnswer(kind === 'offer' ? 0 : bytes));
	}
	await proveTwice(warm.prover);
	const { proof, prover } = await mesh.requests.prove(challenge, never);
	assert.deepEqual([...proof], [...fakeProof(statement)]);
	assert.equal(prover, 'warm');
	assert.ok(
		mesh.log.entries.some(({ level, facts }) => level === 'error' && 'peer' in facts && facts.peer === 'forges'),
		'who forges is told',
	);
});

test('two silent holders and two silent provers that say they are the fastest do not use up the block', async () => {
	const soon = hurried(20);
	const after: Clock['after'] = (ms, run) => (ms < limits.winningMs ? soon : systemClock).after(ms, run);
	const mesh = await setUp({ clock: { ...systemClock, after } });
	const silent = (): Promise<never> => new Promise(() => undefined);
	for (const name of ['mute', 'dumb']) mesh.answering(name, mesh.holders, silent);
	mesh.holder('holds', [sector]);
	for (const name of ['slow', 'slower']) {
		mesh.answering(name, mesh.provers, (kind) => (kind === 'offer' ? encodeWinningAnswer(0) : silent()));
	}
	const warm = await proverOf();
	await proveTwice(warm.prover);
	mesh.serve('warm', { prover: warm.prover });
	mesh.provers.push(nodeId('warm'));
	assert.equal((await mesh.requests.prove(challenge, never)).prover, 'warm');
});

test('with no holder, and with no warm prover, that is said', async () => {
	const mesh = await setUp();
	mesh.holder('lacks', []);
	await assert.rejects(mesh.requests.prove(challenge, never), { code: 'winning-no-holder' });
	mesh.holder('holds', [sector]);
	mesh.serve('cold', { prover: (await proverOf()).prover });
	mesh.provers.push(nodeId('cold'));
	await assert.rejects(mesh.requests.prove(challenge, never), { code: 'winning-no-prover' });
	await assert.rejects(mesh.requests.prove({ ...challenge, proofType: 0 }, never), { code: 'winning-no-key' });
});

test('more than the budget is neither asked for nor served', async () => {
	const mesh = await setUp({ perEpoch: 2 });
	mesh.holder('lacks', []);
	for (const code of ['winning-no-holder', 'winning-no-holder', 'winning-budget']) {
		await assert.rejects(mesh.requests.prove(challenge, never), { code });
	}
	mesh.serve('holds', { local: undefined });
	const codes = [];
	for (let i = 0; i < 3; i++) {
		const options = { timeoutMs: 60_000, maxResponseBytes: limits.winningBytes };
		const ask = encodeWinningAsk({ kind: 'open', challenge });
		codes.push(Buffer.from(await mesh.streams.call(nodeId('holds'), WINNING_PROTOCOL, ask, options)).toString());
	}
	assert.deepEqual(
		codes.map((text) => text.includes('winning-budget')),
		[false, false, true],
	);
});

test('a member is served for its miners only, and garbage is its own fault', async () => {
	const mesh = await setUp();
	mesh.serve('strict', { local: undefined, serves: (peer, of) => peer === nodeId('me') && of !== miner });
	const call = (bytes: Uint8Array) =>
		mesh.streams.call(nodeId('strict'), WINNING_PROTOCOL, bytes, { timeoutMs: 60_000, maxResponseBytes: 1_000 });
	const answer = await call(encodeWinningAsk({ kind: 'offer', proofType: 3, miner }));
	assert.match(Buffer.from(answer).toString(), /winning-not-served/);
	await assert.rejects(call(encodeCbor([9, 9])), { code: 'stream-bad-request' });
});

test('window proofs stand still while a block is proven; one more waits in line, a third is refused', async () => {
	const { slot, prover, told } = await proverOf();
	slot.hold();
	const first = prover.prove(challenge, vanilla, never);
	const second = prover.prove(challenge, vanilla, never);
	await assert.rejects(prover.prove(challenge, vanilla, never), { code: 'winning-busy' });
	await until('the first begins', () => told.length > 0);
	assert.deepEqual(told, ['stopped']);
	slot.release();
	for (const proof of [await first, await second]) assert.deepEqual([...proof], [...fakeProof(statement)]);
	assert.deepEqual(told.slice(0, 2), ['stopped', 'goes on']);
	assert.ok(prover.offer(3) >= 0, 'it is warm now: the second one told what one takes');
	assert.throws(() => prover.offer(0), { code: 'winning-no-params' });
});

test('whoever asked and went away keeps no window proof waiting, and the prover stays warm', async () => {
	const { slot, prover, told } = await proverOf();
	slot.hold();
	const gone = new AbortController();
	const run = prover.prove(challenge, vanilla, gone.signal);
	await until('it begins', () => told.length > 0);
	gone.abort(new Error('another one was first'));
	await assert.rejects(run, /another one/);
	assert.deepEqual(told, ['stopped', 'goes on']);
	slot.release();
	// Behind it in line: it went on to its end, else the worker would have ended.
	await prover.prove(challenge, vanilla, never);
	assert.equal(slot.deaths, 0);
	assert.ok(prover.offer(3) >= 0);
});

test('nothing is begun for whoever gave up already', async () => {
	const { slot, prover, told } = await proverOf();
	slot.prove = () => assert.fail('it was proven');
	await assert.rejects(prover.prove(challenge, vanilla, AbortSignal.abort(new Error('too late'))), /too late/);
	assert.deepEqual(told, []);
});

test('what does not hold reaches no prover, and leaves no file', async () => {
	const { slot, prover } = await proverOf();
	slot.prove = () => assert.fail('it was proven');
	const bad = Buffer.from(vanilla);
	bad[9] = (bad[9] ?? 0) ^ 1;
	await assert.rejects(prover.prove(challenge, bad, never), { code: 'winning-vanilla' });
	for (const folder of await readdir(root)) {
		if (folder.startsWith('prover-')) assert.deepEqual(await readdir(join(root, folder)), []);
	}
});

test('only a warm proof with the processor for itself is taken for hanging, and the next one has twice the time', async () => {
	const clock = new ManualClock();
	const { slot, prover, proofTimes } = await proverOf(clock);
	await proofTimes.learn('winning', 3, { ms: 6_000, phaseMs: { prove: 6_000 }, device: 'cpu' });
	const { prove } = slot;
	let phase = '';
	slot.prove = (job, onPhase, signal) => {
		const heard: typeof onPhase = (told) => {
			onPhase(told);
			phase = told.phase;
		};
		return prove.call(slot, job, heard, signal);
	};
	const begun = async (): Promise<Promise<Uint8Array>[]> => {
		slot.hold();
		phase = '';
		const run = [prover.prove(challenge, vanilla, never)];
		await until('it is in its last phase', () => phase === 'prove');
		return run;
	};
	const [cold] = await begun();
	clock.advance(20_000);
	slot.release();
	await cold;
	clock.advance(20_000);
	await prover.prove(challenge, vanilla, never);
	const [warm] = await begun();
	clock.advance(12_000);
	await assert.rejects(Promise.resolve(warm), { code: 'prover-cancelled' });
	slot.release();
	await proveTwice(prover);
	// Window proofs go on for as long as they stood still.
	const [unpaused] = await begun();
	clock.advance(60_000);
	slot.release();
	await unpaused;
	const [patient] = await begun();
	clock.advance(23_999);
	slot.release();
	await patient;
	clock.advance(24_000);
	const [hung] = await begun();
	clock.advance(12_000);
	await assert.rejects(Promise.resolve(hung), { code: 'prover-cancelled' });
});

test('a worker that died while it was idle is cold, and no offer is made before it is warm again', async () => {
	const { slot, prover } = await proverOf();
	await prover.prove(challenge, vanilla, never);
	assert.throws(() => prover.offer(3), { code: 'winning-cold' }, 'nobody knows yet what a proof takes');
	await prover.prove(challenge, vanilla, never);
	assert.ok(prover.offer(3) >= 0);
	slot.deaths++;
	assert.throws(() => prover.offer(3), { code: 'winning-cold' });
	await proveTwice(prover);
	assert.ok(prover.offer(3) >= 0);
});

test('a prover warms itself up, and again after its worker died', async (t) => {
	const { slot, prover } = await proverOf();
	prover.start((error) => assert.fail(String(error)));
	t.after(() => prover.stop());
	const warm = (): boolean => {
		try {
			return prover.offer(3) >= 0;
		} catch {
			return false;
		}
	};
	await until('warm', warm);
	slot.failNext.push(new PosterError('prover-crashed', 'it died'));
	await assert.rejects(prover.prove(challenge, vanilla, never), { code: 'prover-crashed' });
	assert.throws(() => prover.offer(3), { code: 'winning-cold' });
	await until('warm again', warm);
});

test('a warm-up goes on to its end, whatever members send: no offer is made before, and a block waits for one proof', async (t) => {
	const { slot, prover, told } = await proverOf();
	slot.hold();
	const proven: string[] = [];
	const { prove } = slot;
	slot.prove = (job, onPhase, signal) => {
		proven.push(job.spool.path.includes('sample') ? 'sample' : 'block');
		return prove.call(slot, job, onPhase, signal);
	};
	prover.start((error) => assert.fail(String(error)));
	t.after(() => prover.stop());
	await until('the warm-up runs', () => proven.length === 1);
	await assert.rejects(prover.prove(challenge, new Uint8Array(vanilla.length), never), { code: 'winning-vanilla' });
	assert.deepEqual(told, []);
	const block = prover.prove(challenge, vanilla, never);
	await until('window proofs stand still for the warm-up, too', () => told.length === 1);
	assert.throws(() => prover.offer(3), { code: 'winning-cold' });
	slot.release();
	assert.deepEqual([...(await block)], [...fakeProof(statement)]);
	assert.deepEqual(proven, ['sample', 'block']);
	assert.equal(slot.deaths, 0);
	assert.ok(prover.offer(3) >= 0, 'the block’s was the second');
});
