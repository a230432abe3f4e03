import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { configured } from '../support/founder.ts';
import { ensureNative, ensureParams } from '../support/native-fixtures.ts';

const run = promisify(execFile);
const repository = resolve(import.meta.dirname, '../..');

test('the packed package runs elsewhere: compiled, with its native sources and example configs', async (t) => {
	const folder = await mkdtemp(join(tmpdir(), 'poster-package-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: repository });
	const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as { filename: string; files: { path: string }[] }[];
	assert.ok(packed);
	const paths = new Set(packed.files.map(({ path }) => path));
	for (const needed of [
		'native/Cargo.lock',
		'native/Cargo.toml',
		'bootstrap/prover.toml',
		'LICENSE-MIT',
		'README.md',
	]) {
		assert.ok(paths.has(needed), needed);
	}
	assert.deepEqual(
		[...paths].filter((path) => /\.ts$/.test(path) && !/\.d\.ts$/.test(path)),
		[],
		'node does not strip types inside node_modules',
	);
	const { mode } = await stat(join(repository, 'dist/cli/main.js'));
	assert.equal(mode & 0o111, 0o111, 'a command that is a link into the clone runs after a build, too');
	await run('tar', ['xzf', packed.filename], { cwd: folder });
	const root = join(folder, 'package');
	// What `npm install` would bring, without asking a registry for it.
	await symlink(join(repository, 'node_modules'), join(root, 'node_modules'));
	const cli = async (...args: string[]): Promise<string> =>
		(await run(process.execPath, [join(root, 'dist/cli/main.js'), ...args])).stdout;
	const { version } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as { version: string };
	assert.equal((await cli('version')).trim(), version);
	const home = join(folder, 'home');
	await cli('init', '--home', home, '--network', 'testing', '--miner', 'f01000', '--sender', SENDER);
	const roster = JSON.parse(await cli('roster', 'show', '--home', home, '--json')) as { version: number };
	assert.equal(roster.version, 1);

	// Without cargo: the packed sources are those of the repository, byte for byte, or its worker would not do.
	await ensureNative();
	await mkdir(join(folder, 'sectors'));
	const proofs = `[proofs]\ntest_parameters = ${JSON.stringify(await ensureParams())}\n`;
	await configured(home, `[storage]\npaths = [${JSON.stringify(join(folder, 'sectors'))}]\n${proofs}`);
	const start = [join(root, 'dist/cli/main.js'), 'start', '--home', home, '--json'];
	const env = { ...process.env, PATH: dirname(process.execPath) };
	const missing = { ...env, POSTER_NATIVE: join(folder, 'none') };
	await assert.rejects(run(process.execPath, start, { env: missing }), { code: 3, stdout: /"code":"native-missing"/ });
	const node = spawn(process.execPath, start, { env, stdio: ['ignore', 'pipe', 'inherit'] });
	t.after(() => node.kill('SIGKILL'));
	const [line] = await once(node.stdout, 'data');
	assert.equal(JSON.parse(String(line)).event, 'started', String(line));
	const status = JSON.parse(await cli('status', '--home', home, '--json')) as { roles: readonly string[] };
	assert.deepEqual(status.roles, ['storage']);
	const ended = once(node, 'close');
	await cli('stop', '--home', home);
	assert.deepEqual(await ended, [0, null]);
});

/** Any key address: nothing is signed here. */
const SENDER = 'f162i5kougbzp6bouckumnz7bptaral3yq7ecyl2a';
