/**
 * Two deadlines of one miner whose holdings are too large for gossip, so that only the DHT knows where its sectors lie.
 * Before the first is due it is proven as a dry run. In the first a prover dies while it proves and a submitter between signing and sending; the second is proven by
 * whoever is left.
 */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { NativeVerifier } from '../../src/adapters/native/verifier.ts';
import type { MemberPlan } from '../../src/cli/demo/mesh-homes.ts';
import { actorId, hex32, sectorNumber } from '../../src/domain/ids.ts';
import { COMPUTE_STEPS, type ComputeState } from '../../src/node/control-api.ts';
import { FullNodeProxy } from '../fakes/full-node-proxy.ts';
import { type CliResult, cli } from '../support/cli.ts';
import { epochsOf, MeshBench, SETTLE_EPOCHS, type SeenEvent } from '../support/mesh-bench.ts';
import { nativeChild } from '../support/native-fixtures.ts';

const MINER = 1100;
const FIRST = { deadline: 1, sectors: [0, 1, 2, 3] };
const SECOND = { deadline: 2, sectors: [4, 5, 6, 7] };
const PARTITIONS = 2;
const SECTORS_OF_PARTITION = 2;
const WINDOW_2KIB = 10;
/** One sector in three, so that its bitfield compresses badly: more than `limits.bitfieldBytes`. */
const SCATTERED = { from: 1_002, step: 3, count: 40_000 };
const PROVERS = ['prover-1', 'prover-2'];
const HELD_PROVER = resolve(import.meta.dirname, '../fakes/held-prover.ts');
/** The phase in which a proof spends most of its time. */
const DEADLY_PHASE = 'synthesis';

test('a mesh whose members die one after another misses nothing and pays once', async (t) => {
	const bench = await MeshBench.start(t, [
		{ id: MINER, deadlines: { [FIRST.deadline]: FIRST.sectors, [SECOND.deadline]: SECOND.sectors } },
	]);
	const { cluster } = bench;
	const deaths = new Deaths(bench);
	const members = await plan(t, bench, deaths);
	await bench.found(bench.mesh(members));
	const names = members.map(({ name }) => name);
	await cluster.startNodes(['bootstrap-1'], []);
	await cluster.startNodes(names.slice(1), cluster.node('bootstrap-1').addresses);
	await cluster.untilConnected(names, 60_000);
	for (const name of ['storage-1', 'storage-2']) {
		await bench.metricAtLeast(name, 'poster_directory_provided_total', 1);
	}
	await bench.rule(t, 'at any time of day a deadline is proven as a dry run, which sends nothing', () => dryRun(bench));
	await deaths.holdProofs();
	await cluster.chain.call('Devnet.Resume');
	const { victim, works } = await deaths.ofProver();
	await cluster.chain.until(epochsOf(FIRST.deadline).close + SETTLE_EPOCHS);

	await bench.rule(t, 'what only the DHT knows is found and proven', async () => {
		for (const name of ['storage-1', 'storage-2']) {
			const { alarms } = await cluster.node(name).status();
			assert.ok(
				alarms.some(({ code }) => code === 'holdings-too-large'),
				`${name} told its holdings by gossip`,
			);
		}
		await bench.assertProven(MINER, FIRST.deadline, PARTITIONS);
	});
	await bench.rule(t, 'what a killed prover held is taken over', () => {
		for (const work of works) {
			assert.ok(
				bench.events.some(({ type, node, facts }) => type === 'takeover' && node !== victim && facts['work'] === work),
				`${work} was taken over`,
			);
		}
	});
	await bench.rule(t, 'a submitter killed between signing and sending holds nothing up', async () => {
		const { victim: submitter, work } = await deaths.ofSubmitter();
		const survivor = submitter === 'chain-1' ? 'chain-2' : 'chain-1';
		const included = ({ type, node, facts }: SeenEvent): boolean =>
			type === 'included' && node === survivor && facts['work'] === work;
		assert.equal(bench.events.find(included)?.facts['reason'], 'posted');
	});

	const survivor = cluster.node('chain-1').running ? 'chain-1' : 'chain-2';
	await bench.rule(t, 'compute --submit follows what is due until it is on the chain', async () => {
		const { code, stdout, stderr } = await compute(bench, survivor, SECOND.deadline, '--submit');
		assert.equal(code, 0, `${stdout} ${stderr}`);
		const { state, partitions } = JSON.parse(stdout) as ComputeState;
		assert.equal(state, 'done');
		assert.equal(partitions.length, PARTITIONS);
		for (const { phase } of partitions) assert.match(phase, /^(included|done)$/);
	});
	await bench.closed(survivor, SECOND.deadline, PARTITIONS);
	await bench.rule(t, 'with one of two chain nodes and one of two provers dead all is proven', async () => {
		const alive = ['chain-1', 'chain-2', 'prover-1', 'prover-2'].filter((name) => cluster.node(name).running);
		assert.equal(alive.length, 2);
		await bench.assertProven(MINER, SECOND.deadline, PARTITIONS);
		assert.deepEqual(await bench.faults(MINER), []);
	});
	await bench.rule(t, 'nobody died but the killed', () => {
		for (const { name, died } of cluster.nodes.values()) assert.equal(died, undefined, name);
	});
	bench.finish();
});

async function compute(bench: MeshBench, name: string, deadline: number, ...more: string[]): Promise<CliResult> {
	const { root } = bench.cluster.node(name).home.paths;
	return cli('compute', '--home', root, '--deadline', String(deadline), '--json', ...more);
}

async function dryRun(bench: MeshBench): Promise<void> {
	for (const [name, error] of [
		['chain-1', 'compute-not-due'],
		['storage-1', 'compute-no-chain'],
	] as const) {
		const early = await compute(bench, name, FIRST.deadline, '--submit');
		assert.equal(JSON.parse(early.stdout).error.code, error, 'no dry run can be sent');
	}
	const out = join(bench.folder, 'proofs');
	// Of a node without a chain: another one has to say what is in the deadline.
	const { code, stdout, stderr } = await compute(bench, 'storage-1', FIRST.deadline, '--out', out);
	assert.equal(code, 0, `${stdout} ${stderr}`);
	const { state, files, partitions } = JSON.parse(stdout) as ComputeState & { files: readonly string[] };
	assert.equal(state, 'done');
	assert.deepEqual(
		[...files].sort(),
		(await readdir(out)).sort().map((name) => join(out, name)),
	);
	assert.deepEqual(
		partitions.map(({ partition }) => partition),
		Array.from({ length: PARTITIONS }, (_, partition) => partition),
	);
	for (const { stepMs, holder, sectors } of partitions) {
		assert.deepEqual(Object.keys(stepMs), COMPUTE_STEPS);
		assert.ok(stepMs.prove !== undefined && stepMs.prove > 0, 'a real proof takes time');
		assert.match(holder ?? '', /^prover-/);
		assert.equal(sectors, SECTORS_OF_PARTITION);
	}
	await assertSaved(bench, files);
	assert.deepEqual(await bench.cluster.chain.call('Filecoin.MpoolPending', [[]]), []);
	assert.equal(
		bench.events.some(({ type }) => type === 'sign'),
		false,
	);
}

/** Each saved proof holds for the sectors of its partition, and for no other's. */
async function assertSaved(bench: MeshBench, files: readonly string[]): Promise<void> {
	const verifier = new NativeVerifier(await nativeChild('verify', '--params', bench.testParameters, '--test-params'));
	try {
		for (const file of files) {
			const { randomness, proofType, skipped, proof, partition } = JSON.parse(await readFile(file, 'utf8'));
			assert.deepEqual([proofType, skipped], [WINDOW_2KIB, []]);
			for (let other = 0; other < PARTITIONS; other++) {
				const from = other * SECTORS_OF_PARTITION;
				const sectors = FIRST.sectors.slice(from, from + SECTORS_OF_PARTITION).map((number) => {
					const sealed = bench.sealedOf(MINER).sectors.find((sector) => sector.number === number);
					return { number: sectorNumber(number), commR: hex32(sealed?.commR ?? '') };
				});
				const statement = { proofType, miner: actorId(MINER), randomness: hex32(randomness), sectors };
				const { ok } = await verifier.verifyPost(statement, Buffer.from(proof, 'base64'));
				assert.equal(ok, other === partition, `${file} for partition ${other}`);
			}
		}
	} finally {
		await verifier.close();
	}
}

/**
 * Kills one prover in the middle of a proof, and one submitter that is about to send what it signed. Neither is left to
 * chance: no proof ends before the prover is dead, and no message gets through before the submitter is.
 */
class Deaths {
	readonly #bench: MeshBench;
	/** While this file exists no proof ends. */
	readonly heldFile: string;
	readonly #pushers = new Set<string>();
	#pushesHeld = true;
	#submitter: Promise<{ readonly victim: string; readonly work: unknown }> | undefined;

	constructor(bench: MeshBench) {
		this.#bench = bench;
		this.heldFile = join(bench.folder, 'held');
	}

	async holdProofs(): Promise<void> {
		await writeFile(this.heldFile, '');
	}

	/** Resolves once a prover is dead whose progress was told, with the works that it held alone, as all survivors knew. */
	async ofProver(): Promise<{ readonly victim: string; readonly works: readonly string[] }> {
		const { cluster, events } = this.#bench;
		const isProven = (victim: string, work: string): boolean =>
			events.some(
				({ type, node, facts }) =>
					type === 'progress' && node === victim && facts['work'] === work && facts['phase'] === DEADLY_PHASE,
			);
		const dying = async (): Promise<{ readonly victim: string; readonly works: readonly string[] } | undefined> => {
			for (const victim of PROVERS) {
				const survivors = ['storage-1', ...PROVERS.filter((name) => name !== victim)];
				const held = await Promise.all(survivors.map((name) => this.#heldBy(victim, name)));
				const works = held.reduce((all, some) => all.filter((work) => some.includes(work)));
				if (works.some((work) => isProven(victim, work))) return { victim, works };
			}
			return undefined;
		};
		let death: Awaited<ReturnType<typeof dying>>;
		await this.#bench.told('all know of one that proves', async () => {
			death ??= await dying();
			return death !== undefined;
		});
		assert.ok(death);
		await cluster.node(death.victim).kill();
		await rm(this.heldFile);
		return death;
	}

	/** For the wire of this submitter: true when the message must not get through. */
	onPush(name: string): boolean {
		this.#pushers.add(name);
		this.#submitter ??= this.#killSubmitter();
		// Its failure is heard by `ofSubmitter`.
		this.#submitter.catch(() => undefined);
		return this.#pushesHeld;
	}

	async ofSubmitter(): Promise<{ readonly victim: string; readonly work: unknown }> {
		assert.ok(this.#submitter, 'a submitter was killed');
		return this.#submitter;
	}

	/** Whoever pushes what it signed itself: another one may be faster with the same message. */
	async #killSubmitter(): Promise<{ readonly victim: string; readonly work: unknown }> {
		const { node: victim, facts } = await this.#bench.event(
			'a submitter sends what it signed',
			({ type, node, facts }) => type === 'push' && facts['reason'] === 'signed' && this.#pushers.has(node),
		);
		await this.#bench.cluster.node(victim).kill();
		this.#pushesHeld = false;
		return { victim, work: facts['work'] };
	}

	async #heldBy(victim: string, witness: string): Promise<readonly string[]> {
		const { claims } = await this.#bench.cluster.node(witness).claims();
		const held = claims.filter(
			({ kind, result, holders }) =>
				kind === 'post' && result === null && holders.length === 1 && holders[0]?.name === victim,
		);
		return held.map(({ work }) => work);
	}
}

async function plan(t: TestContext, bench: MeshBench, deaths: Deaths): Promise<readonly MemberPlan[]> {
	const holdings = { [MINER]: [...FIRST.sectors, ...SECOND.sectors] };
	const storage = async (name: string): Promise<MemberPlan> => {
		const path = await bench.storage(name, holdings);
		await scatter(path);
		return { name, example: 'storage', roles: ['storage'], config: { storage: { paths: [path] } } };
	};
	const prover = (name: string): MemberPlan => ({
		name,
		example: 'prover',
		roles: ['prover'],
		slots: 1,
		config: {
			prover: { slots: 1 },
			native: { worker: [process.execPath, HELD_PROVER, deaths.heldFile, bench.native] },
		},
	});
	const chain = async (name: string): Promise<MemberPlan> => {
		const proxy = await FullNodeProxy.open(bench.cluster.chain.started.url, () => deaths.onPush(name));
		t.after(() => proxy.close());
		return { name, example: 'chain-submitter', roles: ['chain', 'submitter'], config: bench.chainConfig(proxy.url) };
	};
	return [
		{ name: 'bootstrap-1', example: 'bootstrap', roles: ['bootstrap'] },
		await storage('storage-1'),
		await storage('storage-2'),
		prover('prover-1'),
		prover('prover-2'),
		await chain('chain-1'),
		await chain('chain-2'),
	];
}

/** Names of many more sectors, all of which lead to the files of one. */
async function scatter(storage: string): Promise<void> {
	const { from, step, count } = SCATTERED;
	for (const kind of ['sealed', 'cache']) {
		await mkdir(join(storage, kind), { recursive: true });
		const target = `s-t0${MINER}-0`;
		const numbers = Array.from({ length: count }, (_, i) => from + i * step);
		await Promise.all(numbers.map((number) => symlink(target, join(storage, kind, `s-t0${MINER}-${number}`))));
	}
}
