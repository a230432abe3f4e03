/**
 * One deadline of eight miners, each with a trouble of its own, proven by real processes with the DHT switched off:
 * damaged, forged and lost sectors, members that lie by gossip, and strangers at the door.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { NativeChild } from '../../src/adapters/native/native-child.ts';
import { NativeVanillaSource } from '../../src/adapters/native/vanilla-source.ts';
import type { MemberPlan } from '../../src/cli/demo/mesh-homes.ts';
import { proveDirectly } from '../../src/cli/demo/prove-directly.ts';
import { encodeSubmitWindowedPoSt, minerMethod } from '../../src/codec/miner-params.ts';
import { submissionOf } from '../../src/codec/submission.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import {
	actorId,
	attoFil,
	deadlineIndex,
	epoch,
	hex32,
	partitionIndex,
	sectorNumber,
	type WorkId,
} from '../../src/domain/ids.ts';
import { type PoStProofType, PROOF_BYTES } from '../../src/domain/proof.ts';
import { EvilMember } from '../fakes/evil-member.ts';
import { memoryLog } from '../support/memory-log.ts';
import { epochsOf, MeshBench, SETTLE_EPOCHS } from '../support/mesh-bench.ts';
import { readRandomness } from '../support/post-randomness.ts';
import { makeStrangerHome } from '../support/stranger-home.ts';
import { systemClock } from '../support/system-clock.ts';

const DEADLINE = 1;
const WINDOW_2KIB = 10 as PoStProofType;
const LYING_WORKER = resolve(import.meta.dirname, '../fakes/lying-worker.ts');
/** The miner of each trouble: two sectors, one partition. */
const MINER = {
	...{ damaged: 1000, forged: 1001, down: 1002, gone: 1003, falseResult: 1004, needless: 1005, fake: 1006 },
	mute: 1007,
};
const BOTH = [0, 1];
const DOUBTFUL_EPOCHS = 12;
/** Two proofs one after another, the second after an objection, also on a machine with other things to do. */
const EPOCH_MS = 1_500;

test('a deadline with every kind of lie and loss is proven, and only what is gone for good is given up', async (t) => {
	const bench = await MeshBench.start(
		t,
		Object.values(MINER).map((id) => ({ id, deadlines: { [DEADLINE]: BOTH } })),
		EPOCH_MS,
	);
	const { cluster } = bench;
	const plan = bench.mesh(await members(bench), { network: { dht: false } });
	await bench.found(plan);
	const running = ['bootstrap-1', 'storage-1', 'damaged', 'liar', 'mortal', 'prover-1', 'prover-2', 'chain-1'];
	await cluster.startNodes(['bootstrap-1'], []);
	const door = cluster.node('bootstrap-1').addresses;
	await cluster.startNodes(running.slice(1), door);
	const evil = await joinEvil(t, bench, door);
	await serveMutely(t, bench, evil);
	await startStrangers(bench, door);
	const others = running.length + evil.size - 1;
	await bench.told('everybody is connected', async () => {
		const reports = await Promise.all(running.map((name) => cluster.node(name).status()));
		return reports.every(({ connected, synced }) => connected >= others && synced);
	});
	// Everybody has heard what it holds; from now on it is known, and gone.
	await cluster.node('mortal').kill();
	await cluster.chain.call('Devnet.Resume');

	await gossipLies(bench, evil);
	await cluster.startNodes(['late'], door);
	const { close } = epochsOf(DEADLINE);
	await cluster.chain.until(close + SETTLE_EPOCHS);

	await bench.rule(t, 'a damaged copy of a sector costs nothing', async () => {
		await bench.assertProven(MINER.damaged, DEADLINE, 1);
		assert.deepEqual(await bench.faults(MINER.damaged), []);
		assert.ok((await bench.metric('damaged', 'poster_vanilla_served_total', /failed/)) > 0, 'it was asked');
	});
	await bench.rule(t, 'a forged vanilla proof is found out by its receiver and asked from another holder', async () => {
		await bench.assertProven(MINER.forged, DEADLINE, 1);
		assert.deepEqual(await bench.faults(MINER.forged), []);
		const refused = await Promise.all(
			['prover-1', 'prover-2'].map((name) => bench.metric(name, 'poster_gather_sectors_total', /outcome="(?!ok)/)),
		);
		assert.ok(
			refused.some((count) => count > 0),
			'a forgery was refused',
		);
	});
	await bench.rule(t, 'a dead storage node is replaced by another holder', async () => {
		await bench.assertProven(MINER.down, DEADLINE, 1);
		assert.deepEqual(await bench.faults(MINER.down), []);
	});
	await bench.rule(
		t,
		'a sector whose only holder is gone is left out at the latest start time, and alone',
		async () => {
			await bench.assertProven(MINER.gone, DEADLINE, 1);
			assert.deepEqual(await bench.faults(MINER.gone), [1]);
			const work = await bench.workOf('chain-1', MINER.gone, DEADLINE, 0);
			const skip = bench.events.find((event) => event.type === 'skip' && event.facts['work'] === work);
			assert.equal(skip?.facts['reason'], 'latest-start-time');
			assert.ok((await landedAt(bench, MINER.gone)) >= close - DOUBTFUL_EPOCHS, 'not before the doubtful time');
		},
	);
	await bench.rule(t, 'a false result is refused, its author named, and the partition proven', async () => {
		await bench.assertProven(MINER.falseResult, DEADLINE, 1);
		const author = cluster.node('evil-result').home.identity.id;
		assert.ok(
			bench.events.some(
				({ type, facts }) => type === 'alarm' && facts['code'] === 'bad-result' && facts['subject'] === author,
			),
		);
	});
	await bench.rule(t, 'a needless skip meets an objection, and the full proof is what is submitted', async () => {
		await bench.assertProven(MINER.needless, DEADLINE, 1);
		assert.deepEqual(await bench.faults(MINER.needless), []);
		const work = await bench.workOf('chain-1', MINER.needless, DEADLINE, 0);
		const holder = cluster.node('late').home.identity.id;
		const told = (type: string, by: readonly string[]): boolean =>
			bench.events.some(
				({ type: seen, node, facts }) =>
					seen === type && by.includes(node) && facts['work'] === work && facts['peer'] === holder,
			);
		// Whoever is first: the holder itself, or the submitter that asked it.
		assert.ok(told('object', ['late', 'chain-1']), 'the holder’s sector is told of');
		assert.ok(told('reopen', ['chain-1']), 'the item is open again');
	});
	await bench.rule(
		t,
		'a submitter objects for a holder that only serves, and the full proof is submitted',
		async () => {
			await bench.assertProven(MINER.mute, DEADLINE, 1);
			assert.deepEqual(await bench.faults(MINER.mute), []);
			const work = await bench.workOf('chain-1', MINER.mute, DEADLINE, 0);
			const objections = bench.events.filter(({ type, facts }) => type === 'object' && facts['work'] === work);
			assert.deepEqual(
				objections.map(({ node, facts }) => [node, facts['reason'], facts['peer']]),
				[['chain-1', 'holder-delivered', cluster.node('mute').home.identity.id]],
			);
			assert.ok((await bench.metric('chain-1', 'poster_gather_sectors_total', /outcome="ok"/)) >= 1, 'it was checked');
		},
	);
	await bench.rule(t, 'a forged submission silences nobody', async () => {
		await bench.assertProven(MINER.fake, DEADLINE, 1);
		const author = cluster.node('evil-submission').home.identity.id;
		assert.ok(
			bench.events.some(
				({ type, facts }) => type === 'alarm' && facts['code'] === 'bad-submission' && facts['subject'] === author,
			),
		);
	});
	await bench.rule(t, 'with the DHT dead all is proven, every sector that anybody holds', async () => {
		const survivors = running.filter((name) => name !== 'mortal');
		for (const name of survivors) assert.equal(await bench.metric(name, 'poster_directory_'), 0, `${name} has a DHT`);
		for (const id of Object.values(MINER)) {
			const outcome = await bench.outcome(id, DEADLINE);
			assert.deepEqual(
				outcome.map(({ partition, accepted, missed }) => ({ partition, accepted, missed })),
				[{ partition: 0, accepted: 1, missed: false }],
			);
			assert.deepEqual(await bench.faults(id), id === MINER.gone ? [1] : [], `f0${id}`);
		}
	});
	await bench.rule(t, 'nobody without the mesh key, or outside the roster, is let in', async () => {
		for (const name of ['wrong-key', 'outsider']) {
			const { connected } = await cluster.node(name).status();
			assert.equal(connected, 0, name);
		}
		assert.ok((await bench.metric('bootstrap-1', 'poster_mesh_refused_total')) > 0, 'the outsider was refused');
		const { peers } = await cluster.node('bootstrap-1').get<{ peers: readonly { name: string }[] }>('/peers');
		assert.ok(peers.every(({ name }) => !['wrong-key', 'outsider'].includes(name)));
	});
	await bench.rule(t, 'no node died', () => {
		for (const { name, died } of cluster.nodes.values()) assert.equal(died, undefined, name);
	});
	bench.finish();
});

async function members(bench: MeshBench): Promise<readonly MemberPlan[]> {
	const { damaged, forged, down, gone, falseResult, needless, fake } = MINER;
	const honest = await bench.storage('honest', {
		...{ [damaged]: BOTH, [forged]: BOTH, [down]: BOTH, [gone]: [0], [falseResult]: BOTH, [fake]: BOTH },
	});
	const mortal = await bench.storage('mortal', { [down]: BOTH, [gone]: [1] });
	const late = await bench.storage('late', { [needless]: BOTH });
	const lying = await bench.storage('lying', { [forged]: BOTH });
	const rotten = await bench.storage('rotten', { [damaged]: BOTH });
	for (const sector of BOTH) await damage(join(rotten, 'sealed', `s-t0${damaged}-${sector}`));
	const storage = (name: string, path: string, worker?: readonly string[]): MemberPlan => ({
		name,
		example: 'storage',
		roles: ['storage'],
		config: { storage: { paths: [path], ...(worker !== undefined && { worker: [...worker] }) } },
	});
	const prover = (name: string): MemberPlan => ({
		name,
		example: 'prover',
		roles: ['prover'],
		slots: 2,
		config: { prover: { slots: 2 } },
	});
	const evil = (name: string): MemberPlan => ({ name, example: 'bootstrap', roles: ['prover', 'submitter'], slots: 1 });
	return [
		{ name: 'bootstrap-1', example: 'bootstrap', roles: ['bootstrap'] },
		storage('storage-1', honest),
		storage('damaged', rotten),
		storage('liar', lying, [process.execPath, LYING_WORKER, bench.native, 'vanilla', '--storage', lying]),
		storage('mortal', mortal),
		storage('late', late),
		prover('prover-1'),
		prover('prover-2'),
		{ name: 'chain-1', example: 'chain-submitter', roles: ['chain', 'submitter'], config: bench.chainConfig() },
		evil('evil-result'),
		evil('evil-skip'),
		evil('evil-submission'),
		{ name: 'mute', example: 'bootstrap', roles: ['storage'] },
	];
}

/** Other bytes of the same length: a disk that rots tells no error. */
async function damage(file: string): Promise<void> {
	const { length } = await readFile(file);
	await writeFile(file, randomBytes(length));
}

async function joinEvil(
	t: TestContext,
	bench: MeshBench,
	door: readonly string[],
): Promise<ReadonlyMap<string, EvilMember>> {
	const evil = new Map<string, EvilMember>();
	for (const name of ['evil-result', 'evil-skip', 'evil-submission', 'mute']) {
		const member = await EvilMember.join(bench.cluster.node(name).home, door);
		t.after(() => member.stop());
		evil.set(name, member);
	}
	return evil;
}

/** A storage member of another make: it serves what it holds, and neither refuses nor objects. */
async function serveMutely(t: TestContext, bench: MeshBench, evil: ReadonlyMap<string, EvilMember>): Promise<void> {
	const storage = await bench.storage('mute', { [MINER.mute]: BOTH });
	const source = new NativeVanillaSource(
		new NativeChild(
			{ clock: systemClock, log: memoryLog() },
			{
				command: [bench.native, 'vanilla', '--storage', storage],
				env: process.env,
				scratch: join(bench.folder, 'mute-worker'),
				nice: 0,
			},
		),
		systemClock,
	);
	t.after(() => source.close());
	evil.get('mute')?.serve(source);
}

async function startStrangers(bench: MeshBench, door: readonly string[]): Promise<void> {
	const { cluster, plan } = bench;
	assert.ok(plan);
	const operator = cluster.node('bootstrap-1').home;
	cluster.add('wrong-key', await makeStrangerHome(plan, operator, 'wrong-key', randomBytes(32)));
	cluster.add('outsider', await makeStrangerHome(plan, operator, 'outsider'));
	await cluster.startNodes(['wrong-key', 'outsider'], door);
}

/** Returns once all of them have been said. */
async function gossipLies(bench: MeshBench, evil: ReadonlyMap<string, EvilMember>): Promise<void> {
	const { challenge } = epochsOf(DEADLINE);
	const say = async (name: string, ...what: Parameters<EvilMember['say']>): Promise<void> => {
		await evil.get(name)?.say(...what);
	};
	const [falseWork, fakeWork, needlessWork, muteWork] = await Promise.all(
		[MINER.falseResult, MINER.fake, MINER.needless, MINER.mute].map((id) => bench.workOf('chain-1', id, DEADLINE, 0)),
	);
	const result = (work: string | undefined, proof: Uint8Array, skipped: readonly number[]) =>
		({
			kind: 'res',
			body: { work: work as WorkId, proof, skipped: Bitfield.of(skipped), refusals: [], proveMs: 1 },
		}) as const;
	await say('evil-result', result(falseWork, randomBytes(PROOF_BYTES), []), challenge);
	await say('evil-submission', { kind: 'sub', body: forgedSubmission(bench, fakeWork as WorkId) }, challenge);
	for (const [id, work] of [
		[MINER.needless, needlessWork],
		[MINER.mute, muteWork],
	] as const) {
		await say('evil-skip', result(work, await proofWithout(bench, id, 1), [1]), challenge);
		await bench.event('the needless skip is stored', ({ type, node, facts }) => {
			return type === 'result-stored' && node === 'chain-1' && facts['work'] === work;
		});
	}
	// Only now does anybody hear who holds the sectors; that holder serves them and says nothing of the skip.
	const held = { miner: actorId(MINER.mute), sectors: Bitfield.of(BOTH) };
	await say('mute', { kind: 'hold', body: held }, challenge);
}

/** All about it is right but the proof and the signature. */
function forgedSubmission(bench: MeshBench, work: WorkId) {
	const { challenge } = epochsOf(DEADLINE);
	const sender = bench.cluster.chain.started.miners.find(({ miner }) => miner === `f0${MINER.fake}`)?.sender ?? '';
	const params = encodeSubmitWindowedPoSt({
		deadline: deadlineIndex(DEADLINE),
		partitions: [{ index: partitionIndex(0), skipped: Bitfield.empty }],
		proofs: [{ type: WINDOW_2KIB, bytes: randomBytes(PROOF_BYTES) }],
		commitEpoch: epoch(challenge),
		commitRandomness: hex32(randomBytes(32).toString('hex')),
	});
	return submissionOf(work, {
		message: {
			version: 0,
			to: `f0${MINER.fake}`,
			from: sender,
			nonce: 0,
			value: attoFil(0n),
			gasLimit: 50_000_000,
			gasFeeCap: attoFil(200_000n),
			gasPremium: attoFil(100_000n),
			method: minerMethod.submitWindowedPoSt,
			params,
		},
		signatureType: 1,
		signature: randomBytes(65),
	});
}

/** A good proof of the partition's other sector. */
async function proofWithout(bench: MeshBench, miner: number, left: number): Promise<Uint8Array> {
	const { dir, sectors } = bench.sealedOf(miner);
	const randomness = await readRandomness(bench.cluster.chain, miner, epochsOf(DEADLINE).challenge);
	return proveDirectly(
		{
			native: bench.native,
			scratch: await mkdtemp(join(bench.folder, 'evil-')),
			storage: dir,
			testParameters: bench.testParameters,
			log: memoryLog(),
			// Before the provers are through with the others: the objection to it needs its time.
			nice: 0,
		},
		{
			proofType: WINDOW_2KIB,
			miner: actorId(miner),
			randomness,
			sectors: sectors
				.filter(({ number }) => number !== left)
				.map(({ number, commR }) => ({ number: sectorNumber(number), commR: hex32(commR ?? '') })),
		},
	);
}

/** Height of the tipset after which the partition was posted. */
async function landedAt(bench: MeshBench, miner: number): Promise<number> {
	const work = await bench.workOf('chain-1', miner, DEADLINE, 0);
	const { claims } = await bench.cluster.node('chain-1').claims();
	return claims.find((row) => row.work === work)?.submission?.includedAt ?? -1;
}
