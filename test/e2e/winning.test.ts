/**
 * A block's winning PoSt through a mesh of real processes, without a chain: the sector from the node that holds it, the
 * proof of two that are warm, verified. One of them may die over it; the budget holds; a Damocles miner plugs in by lines.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { NativeVerifier } from '../../src/adapters/native/verifier.ts';
import { connectControl } from '../../src/cli/control-client.ts';
import { ClusterNode } from '../../src/cli/demo/cluster-node.ts';
import { type MemberPlan, makeMeshHomes } from '../../src/cli/demo/mesh-homes.ts';
import { ownCommand, Processes } from '../../src/cli/demo/processes.ts';
import { isPosterError } from '../../src/domain/errors.ts';
import { actorId, type Hex32, hex32 } from '../../src/domain/ids.ts';
import { CLI_MAIN } from '../support/cli.ts';
import { ensureNative, ensureParams, ensureSectors, nativeChild } from '../support/native-fixtures.ts';
import { until } from '../support/until.ts';

const MINER = 1300;
const WINNING_2KIB = 0;
const SENDER = 'f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq';
/** Also on a machine that is busy with other things. */
const PATIENCE_MS = 180_000;
const PER_EPOCH = 5;

const root = await mkdtemp(join(tmpdir(), 'poster-winning-'));
const randomnessOf = (byte: number): Hex32 => hex32(`${byte.toString(16).padStart(2, '0').repeat(31)}1b`);

test('the mesh makes the winning PoSt of a block', { timeout: 600_000 }, async (t) => {
	const native = await ensureNative();
	const params = await ensureParams('both');
	const sealed = await ensureSectors(MINER, 4);
	const processes = new Processes(join(root, 'logs'));
	const nodes = new Map<string, ClusterNode>();
	t.after(async () => {
		for (const node of nodes.values()) node.closing();
		await processes.close();
		await rm(root, { recursive: true });
	});
	const prover = (name: string): MemberPlan => ({
		name,
		example: 'prover',
		roles: ['prover'],
		slots: 1,
		config: { prover: { slots: 1 }, winning: {} },
	});
	const homes = await makeMeshHomes({
		root: join(root, 'homes'),
		network: 'winning',
		miners: [{ miner: actorId(MINER), sender: SENDER }],
		config: {
			network: { listen: ['/ip4/127.0.0.1/tcp/0'] },
			proofs: { params: null, test_parameters: params, engine: 'own' },
		},
		members: [
			{ name: 'asker', example: 'bootstrap', roles: ['bootstrap'], config: { winning: { per_epoch: PER_EPOCH } } },
			{
				name: 'holder',
				example: 'storage',
				roles: ['storage'],
				config: { storage: { paths: [sealed.dir] }, winning: {} },
			},
			{ name: 'off', example: 'storage', roles: ['storage'], config: { storage: { paths: [sealed.dir] } } },
			prover('prover-1'),
			prover('prover-2'),
		],
	});
	const start = async (name: string, bootstrap: readonly string[]): Promise<ClusterNode> => {
		const home = homes.get(name);
		assert.ok(home !== undefined);
		const node = new ClusterNode(name, home);
		nodes.set(name, node);
		const words = bootstrap.flatMap((address) => ['--bootstrap', address]);
		const command = ownCommand('start', '--json', '--home', home.paths.root, ...words);
		await node.runs(await processes.start(name, command, { ...process.env, POSTER_NATIVE: native }));
		return node;
	};
	const asker = await start('asker', []);
	const rest = ['holder', 'off', 'prover-1', 'prover-2'];
	const [, , first, second] = await Promise.all(rest.map((name) => start(name, asker.addresses)));
	assert.ok(first !== undefined && second !== undefined);
	await until('all are connected', async () => (await asker.status()).connected === rest.length, PATIENCE_MS);
	const isWarm = async (node: ClusterNode): Promise<boolean> =>
		(await node.status()).proofTimes.some(({ slot, proof }) => slot === 'winning' && proof === 'winning 2KiB');
	await until('both provers are warm', async () => (await isWarm(first)) && (await isWarm(second)), PATIENCE_MS);

	const verifier = new NativeVerifier(await nativeChild('verify', '--params', params, '--test-params'));
	t.after(() => verifier.close());
	const [sector, other] = sealed.sectors;
	assert.ok(sector !== undefined && other !== undefined);
	const check = async (randomness: Hex32, proof: string): Promise<void> => {
		const statement = { proofType: WINNING_2KIB, miner: actorId(MINER), randomness, sectors: [sector] };
		assert.deepEqual(await verifier.verifyPost(statement, Buffer.from(proof, 'base64')), { ok: true });
	};
	const ask = async (node: ClusterNode, randomness: Hex32, commR = sector.commR) => {
		const control = await connectControl(node.home.paths.root);
		const body = { miner: MINER, proofType: WINNING_2KIB, randomness, sector: sector.number, commR };
		return control.post<{ proof: string; prover: string }>('/winning-post', body, PATIENCE_MS);
	};
	/** Asks again where the machine was too busy for a block. */
	const made = async (...asked: Parameters<typeof ask>): Promise<{ proof: string; prover: string }> => {
		for (;;) {
			try {
				return await ask(...asked);
			} catch (error) {
				if (!isPosterError(error, 'winning-timeout', 'winning-no-prover', 'winning-failed')) throw error;
			}
		}
	};

	await t.test('through a node that neither holds the sector nor proves', async () => {
		const { proof, prover: by } = await made(asker, randomnessOf(1));
		await check(randomnessOf(1), proof);
		assert.ok([first, second].some(({ home }) => home.identity.id === by));
	});

	await t.test('a sector that nobody has is told, and no prover is troubled with it', async () => {
		await assert.rejects(ask(asker, randomnessOf(2), other.commR), { code: 'winning-no-holder' });
	});

	await t.test('a node without the section neither asks nor answers', async () => {
		const off = nodes.get('off');
		assert.ok(off !== undefined);
		await assert.rejects(ask(off, randomnessOf(3)), { code: 'winning-off' });
	});

	await t.test('for a Damocles miner, by lines', async () => {
		const child = spawn(process.execPath, [CLI_MAIN, 'winning-prover', '--home', asker.home.paths.root]);
		const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
		assert.equal((await lines.next()).value, 'winning_post processor ready');
		const bytes = (hex: string): number[] => [...Buffer.from(hex, 'hex')];
		const replica = { sector_id: sector.number, comm_r: bytes(sector.commR), cache_dir: '/c', sealed_file: '/s' };
		const task = {
			miner_id: MINER,
			proof_type: 'StackedDrgWinning2KiBV1',
			replicas: [replica],
			seed: bytes(randomnessOf(4)),
		};
		let good = { id: 0, err_msg: 'winning-timeout', output: { proofs: [''] } };
		for (let id = 1; /^winning-(timeout|no-prover|failed)/.test(good.err_msg ?? ''); id++) {
			child.stdin.write(`${JSON.stringify({ id, task })}\n`);
			good = JSON.parse(String((await lines.next()).value));
			assert.equal(good.id, id);
		}
		assert.equal(good.err_msg, null);
		await check(randomnessOf(4), good.output.proofs[0] ?? '');
		child.stdin.write(`${JSON.stringify({ id: 800, task: { ...task, proof_type: 'StackedDrgWindow2KiBV1_2' } })}\n`);
		const bad = JSON.parse(String((await lines.next()).value));
		assert.deepEqual([bad.id, bad.output], [800, null]);
		assert.match(bad.err_msg, /proofType/);
		child.stdin.end();
		assert.deepEqual(await once(child, 'close'), [0, null]);
	});

	await t.test('while one of the provers dies over it', async () => {
		const asked = made(asker, randomnessOf(5));
		await first.kill();
		await check(randomnessOf(5), (await asked).proof);
	});

	await t.test('within its budget', async () => {
		const bytes = Array.from({ length: PER_EPOCH + 1 }, (_, i) => 16 + i);
		// Of a sector that nobody has: told at once, and counted all the same.
		const answers = await Promise.allSettled(bytes.map((byte) => ask(asker, randomnessOf(byte), other.commR)));
		const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.code] : []));
		assert.equal(refused.length, bytes.length);
		assert.ok(refused.includes('winning-budget'), refused.join());
	});
});
