import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { nodeId } from '../../src/domain/ids.ts';
import { startControl } from '../../src/node/control.ts';
import { homePaths, openHome, readOperatorKey } from '../../src/node/home.ts';
import { loadRoster } from '../../src/node/roster-file.ts';
import { FakeControlSource } from '../fakes/control-source.ts';
import { CLI_MAIN, cli } from '../support/cli.ts';
import { found, SENDER } from '../support/founder.ts';
import { silentLog } from '../support/silent-log.ts';
import { until } from '../support/until.ts';
import { holder, item, computeRun as run, view } from '../support/views.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-cli-'));
after(() => rm(root, { recursive: true, force: true }));
let homes = 0;

const address = '/ip4/192.0.2.1/tcp/4101/p2p/12D3KooWBXvQwoQpTCQoSU6VVCpJBZjoxVqPmwwNMjFi2GuFNqn8';
const twice = (option: string, value: string): readonly string[] => [option, value, option, value];
const newHome = (): string => join(root, `home-${homes++}`);

async function madeHome(): Promise<string> {
	const home = newHome();
	await found(home, '--name', 'op');
	return home;
}

/** A node behind its control API, on the home. */
async function fakeNode(
	t: { after(run: () => Promise<void>): void },
	home: string,
): Promise<FakeControlSource & { close(): Promise<void> }> {
	const opened = await openHome(home);
	const source = new FakeControlSource(
		view([item({ holders: [holder()] })]),
		await loadRoster(opened),
		await readOperatorKey(opened.paths),
	);
	const server = await startControl(source, { address: '127.0.0.1:0', file: opened.paths.control }, silentLog);
	t.after(() => server.close());
	return Object.assign(source, { close: () => server.close() });
}

test('a mesh grows: init, invite, init --join, roster add, show, remove', async () => {
	const [home, joined, invite] = [await madeHome(), newHome(), join(root, 'invite.json')];
	assert.equal((await cli('roster', 'invite', '--home', home, '--out', invite, '--address', address)).code, 0);
	assert.equal((await stat(invite)).mode & 0o777, 0o600);
	const join_ = await cli('init', '--home', joined, '--join', invite, '--name', 'p1', '--json');
	const { id, rosterAdd } = JSON.parse(join_.stdout);
	assert.equal(await readFile(homePaths(joined).addresses, 'utf8'), `${address}\n`);
	const words = (rosterAdd as string).split(' ').slice(1);
	assert.equal((await cli(...words, '--home', home)).code, 0, 'the printed line works as it is');
	const { stdout } = await cli('roster', 'show', '--home', home, '--json');
	const roster = JSON.parse(stdout);
	assert.equal(roster.version, 2);
	assert.deepEqual(
		roster.peers.find((peer: { id: string }) => peer.id === id),
		{
			id,
			name: 'p1',
			site: 'main',
			weight: 1,
			slots: 1,
			roles: ['prover'],
			miners: [],
		},
	);
	assert.equal((await cli('roster', 'remove', 'p1', '--home', home)).code, 0);
	const shown = await cli('roster', 'show', '--home', home);
	assert.match(shown.stdout, /^Roster version 3 of the mesh on testing\n {2}f01000 sends from f134/);
	assert.doesNotMatch(shown.stdout, /p1/);
});

/** Each bad command line or state: exit code and what stderr must name. */
const refused: readonly (readonly [args: (home: string) => readonly string[], code: number, names: RegExp])[] = [
	[() => ['clams'], 2, /Did you mean claims\?/],
	[() => ['compute'], 2, /--deadline/],
	[(home) => ['compute', '--home', home, '--deadline', '-1'], 2, /whole number from 0/],
	[(home) => ['compute', '--home', home, '--deadline', '1', '--miner', 'f1abc'], 2, /no miner id/],
	[() => ['init', '--home', newHome()], 2, /each --miner needs its --sender/],
	[() => ['init', '--home', newHome(), '--miner', 'f01000', '--sender', 'f01000'], 2, /no f1 or f3 address/],
	[() => ['init', '--home', newHome(), '--join', join(root, 'none')], 3, /does not exist/],
	[(home) => ['init', '--home', home, '--miner', 'f01000', '--sender', SENDER], 3, /holds identity\.key already/],
	[() => ['init', '--home', newHome(), '--join', root], 3, /is a folder\n.*file itself/],
	[() => ['init', '--home', '', '--miner', 'f01000', '--sender', SENDER], 2, /It is empty/],
	[() => ['init', '--home', newHome(), ...twice('--miner', 'f01000'), ...twice('--sender', SENDER)], 2, /given twice/],
	[
		() => ['init', '--home', newHome(), '--miner', 'f01000', '--miner', 'f02000', ...twice('--sender', SENDER)],
		2,
		/given twice\n.*each miner needs its own/,
	],
	[
		(home) => ['roster', 'miner', 'add', 'f02000', '--sender', SENDER, '--home', home],
		3,
		/sends for f01000 already\n.*each miner needs its own/,
	],
	[(home) => ['start', '--home', home, '--config', '/dev/zero'], 3, /no regular file\n/],
	[(home) => ['roster', 'network', '', '--home', home], 2, /A name has 1 to 63/],
	[
		(home) => ['roster', 'miner', 'add', 'f01000', '--sender', SENDER, '--home', home],
		3,
		/f01000 already\n.*miner sender/,
	],
	[(home) => ['roster', 'miner', 'sender', 'f01000', 'f0100', '--home', home], 2, /no f1 or f3 address/],
	[
		(home) => ['roster', 'invite', '--home', home, '--out', root, '--address', address],
		3,
		/A folder lies where a file/,
	],
	[() => ['devnet', '--dir', join(root, 'chain'), '--genesis', '/dev/zero'], 1, /no regular file\n.*docs\/devnet\.md/],
	[() => ['start', '--home', newHome()], 3, /no home of a node.*\n.*poster-node init/],
	[(home) => ['start', '--home', home, '--config', '/none'], 3, /does not exist/],
	[(home) => ['start', '--home', home, '--bootstrap', '/ip4/1.2.3.4/tcp/1'], 2, /no multiaddr with a peer id/],
	[(home) => ['claims', '--home', home], 4, /no node answers on the home.*\n.*poster-node start/],
	[(home) => ['status', '--home', home], 4, /no node answers/],
	[(home) => ['roster', 'remove', 'nobody', '--home', home], 3, /no peer nobody\n.*op/],
	[
		(home) => ['roster', 'add', '--home', home, '--id', 'x', '--name', 'n', '--roles', 'prover'],
		3,
		/no Ed25519 peer id/,
	],
	[(home) => ['roster', 'add', '--home', home, '--id', 'x', '--name', 'n', '--roles', 'provr'], 2, /Roles are chain,/],
	[(home) => ['roster', 'set', 'op', '--home', home], 2, /nothing is named that is to change\n.*roster set op --slots/],
	[(home) => ['roster', 'set', 'nobody', '--home', home, '--slots', '2'], 3, /no peer nobody\n.*op/],
	[(home) => ['roster', 'set', 'op', '--home', home, '--slots', '65'], 2, /whole number from 0 to 64/],
	[(home) => ['roster', 'invite', '--home', home, '--out', join(root, 'x')], 2, /needs an address/],
];

test('what cannot work is refused with its exit code, the reason and what to do, and no stack', async () => {
	const home = await madeHome();
	for (const [args, code, names] of refused) {
		const line = args(home);
		const result = await cli(...line);
		assert.equal(result.code, code, `${line.join(' ')}: ${result.stderr}`);
		assert.match(result.stderr, names);
		assert.doesNotMatch(result.stderr, /\n {4}at /, line.join(' '));
		assert.equal(result.stdout, '');
	}
});

test('a cache folder that cannot be made ends the command at once', {
	skip: process.platform !== 'linux',
}, async (t) => {
	const { POSTER_NATIVE: _, ...env } = process.env;
	const devnet = spawn(process.execPath, [CLI_MAIN, 'devnet', '--json', '--dir', join(root, 'no-cache')], {
		env: { ...env, XDG_CACHE_HOME: '/proc/poster' },
	});
	t.after(() => devnet.kill('SIGKILL'));
	const [[code], answer] = await Promise.all([once(devnet, 'close'), text(devnet.stdout)]);
	assert.equal(code, 3);
	assert.equal(JSON.parse(answer).error.code, 'file-io');
});

test('with --json a failure is one JSON object on stdout; with --verbose it shows its stack', async () => {
	const home = newHome();
	const json = await cli('start', '--home', home, '--json');
	assert.equal(JSON.parse(json.stdout).error.code, 'home-missing');
	assert.equal(json.code, 3);
	assert.match((await cli('--verbose', 'start', '--home', home)).stderr, /code: home-missing\n.*\n {4}at /);
});

test('with --json a wrong command line is one JSON object too, and nothing else', async () => {
	const wrong: readonly (readonly [args: readonly string[], message: RegExp, advice: RegExp])[] = [
		[['claims', '--wach', '--json'], /unknown option '--wach'/, /Did you mean --watch/],
		[['compute', '--deadline', 'x', '--json'], /'x' is invalid.*whole number/, /--help/],
		[['frobnicate', '--json'], /unknown command 'frobnicate'/, /--help/],
		[['roster', 'add', '--json'], /'--id <peer id>' not specified/, /--help/],
		[['init', '--home', newHome(), '--json'], /each --miner needs its --sender/, /Example/],
	];
	for (const [args, message, advice] of wrong) {
		const { code, stdout, stderr } = await cli(...args);
		assert.equal(code, 2, args.join(' '));
		assert.equal(stderr, '', args.join(' '));
		const { error } = JSON.parse(stdout);
		assert.equal(error.code, 'usage');
		assert.match(error.message, message);
		assert.match(error.advice, advice);
	}
});

test('a config with a misspelt key, test keys on mainnet and an open key file stop the start', async () => {
	const home = newHome();
	await cli('init', '--home', home, '--miner', 'f01000', '--sender', SENDER);
	const config = join(home, 'config.toml');
	await writeFile(config, '[provr]\n');
	const misspelt = await cli('start', '--home', home);
	assert.equal(misspelt.code, 3);
	assert.match(misspelt.stderr, /unknown option or section "provr"; did you mean "prover"\?/);
	await writeFile(config, `[proofs]\ntest_parameters = "${root}"\n`);
	assert.match((await cli('start', '--home', home)).stderr, /test_parameters is refused on testnetnet/);
	await chmod(join(home, 'identity.key'), 0o644);
	const open = await cli('start', '--home', home);
	assert.equal(open.code, 5);
	assert.match(open.stderr, /chmod 600/);
});

test('a roster of another operator in the home is refused', async () => {
	const [home, other] = [await madeHome(), await madeHome()];
	await writeFile(homePaths(home).roster, await readFile(homePaths(other).roster));
	const result = await cli('roster', 'show', '--home', home);
	assert.equal(result.code, 5);
	assert.match(result.stderr, /is not signed by the operator/);
});

test('claims and status ask the running node; where another token is wanted, or nobody answers, no node runs', async (t) => {
	const home = await madeHome();
	await fakeNode(t, home);
	const table = await cli('claims', '--home', home);
	assert.match(
		table.stdout,
		/^prover-1 on testing, epoch 120, 1 of 1 other members connected\n\nMiner .*\nf01000 +7 +0 +2349 +prover-2/,
	);
	const report = JSON.parse((await cli('claims', '--home', home, '--json')).stdout);
	assert.equal(report.claims[0].holders[0].name, 'prover-2');
	assert.match((await cli('status', '--home', home)).stdout, /^Node +prover-1/);
	const { control } = homePaths(home);
	const content = JSON.parse(await readFile(control, 'utf8'));
	await writeFile(control, JSON.stringify({ ...content, token: 'wrong' }));
	assert.equal((await cli('claims', '--home', home)).code, 4, 'the node of another home may have the port');
	await writeFile(control, JSON.stringify({ ...content, url: 'http://127.0.0.1:1' }));
	assert.equal((await cli('claims', '--home', home)).code, 4);
});

test('claims --watch goes on when the node was started again', async (t) => {
	const home = await madeHome();
	const first = await fakeNode(t, home);
	const watch = spawn(process.execPath, [CLI_MAIN, 'claims', '--watch', '--json', '--home', home]);
	t.after(() => watch.kill('SIGKILL'));
	const told = { reports: 0, remarks: '' };
	createInterface({ input: watch.stdout }).on('line', (line) => {
		told.reports += JSON.parse(line).node === 'prover-1' ? 1 : 0;
	});
	watch.stderr.setEncoding('utf8').on('data', (text: string) => {
		told.remarks += text;
	});
	await until('it shows the first node', () => told.reports > 0);
	await first.close();
	await until('it says that it waits', () => told.remarks.includes('waiting until it is back'));
	const before = told.reports;
	await fakeNode(t, home);
	await until('it shows the second node', () => told.reports > before);
	watch.kill('SIGINT');
	const [code] = await once(watch, 'close');
	assert.equal(code, 0, told.remarks);
});

test('a roster change starts from what the running node knows and goes to it first', async (t) => {
	const home = await madeHome();
	const source = await fakeNode(t, home);
	const before = await readFile(homePaths(home).roster);
	const id = '12D3KooWBXvQwoQpTCQoSU6VVCpJBZjoxVqPmwwNMjFi2GuFNqn8';
	assert.equal(
		(await cli('roster', 'add', '--home', home, '--id', id, '--name', 'x', '--roles', 'chain,prover')).code,
		0,
	);
	assert.equal(source.roster().roster.version, 2);
	// The file falls behind, as on an operator's machine that was off: the node's version counts.
	await writeFile(homePaths(home).roster, before);
	assert.equal((await cli('roster', 'remove', 'op', '--home', home)).code, 0);
	const given = ['--name', 'y', '--site', 'cellar', '--weight', '2', '--slots', '3', '--miners', 'f01000'];
	const set = await cli('roster', 'set', 'x', '--home', home, ...given);
	assert.match(
		set.stdout,
		/^Roster version 4: changed name, site, weight, slots, miners of x\.\nThe running node spreads it/,
	);
	assert.equal(
		(await cli('roster', 'set', id, '--home', home, '--roles', 'prover,storage', '--miners', 'all')).code,
		0,
	);
	const { version, peers } = source.roster().roster;
	assert.equal(version, 5);
	assert.deepEqual(peers, [
		{ id, name: 'y', site: 'cellar', weight: 2, slots: 3, roles: ['storage', 'prover'], miners: [] },
	]);
	assert.equal((await loadRoster(await openHome(home))).roster.version, 5);
});

test('compute follows its run, saves what was proven, and fails when a partition was not', async (t) => {
	const home = await madeHome();
	const source = await fakeNode(t, home);
	const out = join(root, 'proofs');
	source.runs.set('run-1', run);
	const done = await cli('compute', '--home', home, '--deadline', '7', '--out', out);
	assert.equal(done.code, 0, done.stderr);
	assert.match(done.stdout, /1 of 2 partitions proven/);
	assert.deepEqual(JSON.parse(await readFile(join(out, 'f01000-deadline-7-partition-0.json'), 'utf8')), {
		miner: 'f01000',
		deadline: 7,
		partition: 0,
		randomness: run.randomness,
		proofType: 10,
		skipped: [],
		proof: 'AAAA',
	});
	const asked = source.asked.length;
	const nowhere = await cli('compute', '--home', home, '--deadline', '7', '--out', join(home, 'identity.key'));
	assert.equal(nowhere.code, 3);
	assert.match(nowhere.stderr, /identity\.key.*\n.*a folder is needed/);
	assert.equal(source.asked.length, asked, 'nothing is proven that could not be saved');
	source.runs.set('run-1', { ...run, state: 'failed' });
	assert.equal((await cli('compute', '--home', home, '--deadline', '7')).code, 1);
	source.runs.set('run-1', { ...run, state: 'empty', partitions: [] });
	const empty = await cli('compute', '--home', home, '--deadline', '7', '--partition', '2', '--miner', 'f01000');
	assert.equal(empty.code, 0);
	assert.match(empty.stdout, /has nothing to prove/);
	const refusedRun = await cli('compute', '--home', home, '--deadline', '48');
	assert.equal(refusedRun.code, 1);
	assert.match(refusedRun.stderr, /deadlines are 0 to 47\n {2}Take one\./);
	assert.deepEqual(source.asked.map(({ partition, miner, submit }) => ({ partition, miner, submit }))[2], {
		partition: 2,
		miner: 1000,
		submit: false,
	});
});

test('a compute that is told to end takes its run back', async (t) => {
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		const home = await madeHome();
		const source = await fakeNode(t, home);
		source.runs.set('run-1', { ...run, state: 'running' });
		const child = spawn(process.execPath, [CLI_MAIN, 'compute', '--home', home, '--deadline', '7'], {
			stdio: ['ignore', 'ignore', 'pipe'],
		});
		t.after(() => child.kill('SIGKILL'));
		const ended = once(child, 'close');
		// It says so once it follows the run.
		await once(child.stderr, 'data');
		child.kill(signal);
		await until('the run is taken back', () => source.cancelled.includes('run-1'));
		source.runs.set('run-1', { ...run, state: 'cancelled' });
		assert.deepEqual(await ended, [1, null], signal);
	}
});

test('bans are shown, and lifted by name; who is not banned cannot be', async (t) => {
	const home = await madeHome();
	const source = await fakeNode(t, home);
	assert.match((await cli('bans', '--home', home)).stdout, /refuses no member/);
	source.banned = [
		{ peer: source.roster().roster.peers[0]?.id ?? nodeId(''), reason: 'garbage', leftMs: 59_000, times: 1 },
	];
	const shown = await cli('bans', '--home', home, '--json');
	assert.deepEqual(JSON.parse(shown.stdout).bans[0].name, 'op');
	assert.match((await cli('bans', '--home', home)).stdout, /op +garbage +59s +1/);
	assert.equal((await cli('bans', 'lift', 'op', '--home', home)).code, 0);
	assert.deepEqual(source.banned, []);
	const again = await cli('bans', 'lift', 'op', '--home', home);
	assert.equal(again.code, 1);
	assert.match(again.stderr, /op is not banned here/);
});

test('stop asks the node to end', async (t) => {
	const home = await madeHome();
	const source = await fakeNode(t, home);
	assert.equal((await cli('stop', '--home', home)).code, 0);
	assert.equal(source.stops, 1);
});

test('the version is that of the package', async () => {
	const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'));
	assert.equal((await cli('version')).stdout, `${version}\n`);
	assert.deepEqual(JSON.parse((await cli('version', '--json')).stdout), { version });
});
