/** What an operator can get wrong on one machine, against a real full node's answers: a clear error, never a crash. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse, stringify, type TomlTable } from 'smol-toml';
import type { MemberPlan } from '../../src/cli/demo/mesh-homes.ts';
import { type CliResult, cli } from '../support/cli.ts';
import { MeshBench } from '../support/mesh-bench.ts';

const MINER = 1200;
const OTHER_MINER = 1201;
const OLDER_WORKER = resolve(import.meta.dirname, '../fakes/older-worker.ts');
const EXIT = { failed: 1, home: 3, refused: 5 };

test('what an operator gets wrong is said with what to do', async (t) => {
	const bench = await MeshBench.start(t, [
		{ id: MINER, deadlines: { 1: [0, 1] } },
		{ id: OTHER_MINER, deadlines: { 1: [0, 1] } },
	]);
	const { cluster } = bench;
	const { dir, url } = cluster.chain.started;
	const members: readonly MemberPlan[] = [
		{ name: 'chain-1', example: 'chain-submitter', roles: ['chain', 'submitter'], config: bench.chainConfig() },
		{ name: 'broken', example: 'chain-submitter', roles: ['chain', 'submitter'], config: bench.chainConfig() },
	];
	await bench.found(bench.mesh(members));
	const wallet = (path: string) => ({ submitter: { miners: [{ miner: `f0${MINER}`, wallet: path }] } });

	/** Starts the second node with these changes of its config, which must end by itself. */
	const start = async (changes: Readonly<Record<string, object>>): Promise<CliResult> => {
		const { config, root } = cluster.node('broken').home.paths;
		const good = await readFile(config, 'utf8');
		const tables = parse(good);
		for (const [name, table] of Object.entries(changes)) tables[name] = { ...(tables[name] as object), ...table };
		await writeFile(config, stringify(tables as TomlTable));
		try {
			return await cli('start', '--home', root);
		} finally {
			await writeFile(config, good);
		}
	};
	const refuses = (what: string, run: () => Promise<CliResult>, code: number, text: RegExp): Promise<void> =>
		bench.rule(t, what, async () => {
			const result = await run();
			assert.match(result.stderr, text);
			assert.equal(result.code, code, result.stderr);
			assert.doesNotMatch(result.stderr, /^ {4}at /m, 'a stack');
		});

	const port = await busyPort(t);
	const listen = { listen: [`/ip4/127.0.0.1/tcp/${port}`] };
	await refuses(
		'a port in use, of the mesh',
		() => start({ network: listen }),
		EXIT.failed,
		/cannot listen: .*EADDRINUSE.*\n {2}Another process uses the port/,
	);
	await refuses(
		'a port in use, of the control API',
		() => start({ control: { address: `127.0.0.1:${port}` } }),
		EXIT.failed,
		/port is in use\n {2}Set another/,
	);
	await refuses(
		'a native worker of an older version',
		() => start({ prover: { slots: 1 }, native: { worker: [process.execPath, OLDER_WORKER, bench.native] } }),
		EXIT.home,
		/refuses what it is started with: unknown option --own-dir\n {2}It is of another version.* build the native part again/,
	);
	await refuses(
		'an unreachable full node',
		async () => start({ chain: { url: `ws://127.0.0.1:${await closedPort()}/rpc/v1` } }),
		EXIT.failed,
		/cannot be reached: .*ECONNREFUSED.*\n {2}See that the full node runs/,
	);
	await refuses(
		'a token without the permission to sign',
		() => start({ chain: { token_file: join(dir, 'token-read') } }),
		EXIT.refused,
		/no sign permission.*\n {2}Make a token/,
	);
	await refuses(
		'a token that is none',
		async () => {
			const file = join(bench.folder, 'no-token');
			await writeFile(file, 'not a token\n', { mode: 0o600 });
			return start({ chain: { token_file: file } });
		},
		EXIT.refused,
		/refused the token\n {2}Make a token/,
	);
	await refuses(
		'a missing key file',
		() => start(wallet(join(dir, 'no-such-key'))),
		EXIT.home,
		/no-such-key cannot be read/,
	);
	await refuses(
		'the key file of another miner',
		() => start(wallet(join(dir, `key-f0${OTHER_MINER}`))),
		EXIT.refused,
		/no key file holds the key of f1/,
	);
	await refuses(
		'a key file that others can read',
		async () => {
			const file = join(bench.folder, 'open-key');
			await writeFile(file, await readFile(join(dir, `key-f0${MINER}`)));
			await chmod(file, 0o644);
			return start(wallet(file));
		},
		EXIT.refused,
		/chmod 600/,
	);
	await refuses(
		'a miner that the roster does not name',
		() => start({ submitter: { miners: [{ miner: 'f09999', wallet: 'node' }] } }),
		EXIT.refused,
		/f09999/,
	);

	await cluster.startNodes(['chain-1'], []);
	const { root } = cluster.node('chain-1').home.paths;
	await refuses('a home in use', () => cli('start', '--home', root), EXIT.home, /process \d+ uses this home/);
	const compute = (...args: readonly string[]) => cli('compute', '--home', root, ...args);
	const miner = ['--miner', `f0${MINER}`];
	await refuses(
		'a deadline out of range',
		() => compute('--deadline', '48', ...miner),
		EXIT.failed,
		/deadline 48 does not exist\n.*0 to 47/,
	);
	await refuses('an unknown miner', () => compute('--deadline', '1', '--miner', 'f09999'), EXIT.failed, /f09999/);
	await bench.rule(t, 'an empty deadline ends at once and says so', async () => {
		const result = await compute('--deadline', '7', ...miner, '--json');
		assert.equal(result.code, 0, result.stderr);
		assert.equal(JSON.parse(result.stdout).state, 'empty');
	});
	await bench.rule(t, 'none of it hurt the node that runs', async () => {
		assert.equal((await cluster.node('chain-1').status()).chain, 'following');
	});
	await bench.rule(t, 'a full node of another network', async () => {
		const home = join(bench.folder, 'elsewhere');
		const sender = cluster.chain.started.miners[0]?.sender ?? '';
		await cli('init', '--home', home, '--network', 'elsewhere', '--miner', `f0${MINER}`, '--sender', sender);
		const config = {
			network: { listen: ['/ip4/127.0.0.1/tcp/0'] },
			chain: { url },
			proofs: { test_parameters: bench.testParameters },
		};
		await writeFile(join(home, 'config.toml'), stringify(config));
		const result = await cli('start', '--home', home);
		assert.equal(result.code, EXIT.failed);
		assert.match(result.stderr, /follows poster-e2e, the roster is of elsewhere\n {2}Give the URL/);
	});
	bench.finish();
});

async function busyPort(t: TestContext): Promise<number> {
	const server = await listening();
	t.after(() => server.close());
	return portOf(server);
}

/** One where nobody listens any more. */
async function closedPort(): Promise<number> {
	const server = await listening();
	const port = portOf(server);
	server.close();
	await once(server, 'close');
	return port;
}

async function listening(): Promise<Server> {
	const server = createServer();
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return server;
}

function portOf(server: Server): number {
	const address = server.address();
	assert.ok(typeof address === 'object' && address !== null);
	return address.port;
}
