import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { secpAddress } from '../../src/codec/address.ts';
import type { StatusReport } from '../../src/node/control-api.ts';
import { homePaths } from '../../src/node/home.ts';
import { CLI_MAIN, cli } from '../support/cli.ts';
import { configured, found, succeeds } from '../support/founder.ts';
import { until } from '../support/until.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-join-'));
const children: ChildProcess[] = [];
after(async () => {
	for (const child of children) child.kill('SIGKILL');
	await rm(root, { recursive: true, force: true });
});

/** Starts the node of a home and waits until it runs. */
async function started(home: string): Promise<ChildProcess & { told: () => string }> {
	const child = spawn(process.execPath, [CLI_MAIN, 'start', '--home', home, '--json'], {
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	children.push(child);
	let told = '';
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		told += text;
	});
	const [line] = await once(child.stdout, 'data');
	assert.equal(JSON.parse(String(line)).event, 'started', told);
	return Object.assign(child, { told: () => told });
}

async function status(home: string): Promise<StatusReport> {
	const { url, token } = JSON.parse(await readFile(homePaths(home).control, 'utf8'));
	const response = await fetch(`${url}/status`, { headers: { authorization: `Bearer ${token}` } });
	return (await response.json()) as StatusReport;
}

test('a machine joins by invitation while it waits, is named, is expelled, and both nodes end in order', async () => {
	const [first, second, invite] = [join(root, 'first'), join(root, 'second'), join(root, 'invite.json')];
	await found(first, '--name', 'op');
	await configured(first);
	const operator = await started(first);

	const again = await cli('start', '--home', first);
	assert.equal(again.code, 3);
	assert.match(again.stderr, new RegExp(`process ${operator.pid} uses this home`));

	await succeeds('roster', 'invite', '--home', first, '--out', invite);
	const { rosterAdd } = JSON.parse(
		await succeeds('init', '--home', second, '--join', invite, '--name', 'p1', '--json'),
	);
	await configured(second);
	const joined = await started(second);
	assert.match(joined.told(), /does not name this node.*\n.*roster add --id.*\n.*Waiting for a roster that names it/);
	assert.equal((await status(second)).rosterVersion, 1);

	await succeeds(...(rosterAdd as string).split(' ').slice(1), '--home', first);
	await until('the new node follows the roster that names it', async () => (await status(second)).rosterVersion === 2);
	await until(
		'both are connected',
		async () => (await status(first)).connected === 1 && (await status(second)).connected === 1,
	);
	assert.equal((await status(second)).name, 'p1');

	const hungUp = () => [operator, joined].map((child) => child.told().split('peer disconnected').length);
	const before = hungUp();
	await succeeds('roster', 'set', 'p1', '--home', first, '--name', 'prover-1', '--slots', '2');
	await until('the member knows what it is now', async () => (await status(second)).name === 'prover-1');
	assert.deepEqual(hungUp(), before, 'its connection stays');

	await succeeds('roster', 'remove', 'prover-1', '--home', first);
	await until('the expelled node is hung up', async () => (await status(first)).connected === 0);
	assert.notDeepEqual(hungUp(), before);

	for (const [home, child] of [
		[first, operator],
		[second, joined],
	] as const) {
		const exit = once(child, 'exit');
		await succeeds('stop', '--home', home);
		assert.deepEqual(await exit, [0, null]);
		for (const file of [homePaths(home).control, homePaths(home).lock])
			await assert.rejects(stat(file), { code: 'ENOENT' });
	}
});

test('a second process with the key of another gives way', async () => {
	const [original, copy] = [join(root, 'original'), join(root, 'copy')];
	await found(original);
	await configured(original);
	await cp(original, copy, { recursive: true });
	const first = await started(original);
	const { addresses } = await status(original);
	const second = await cli('start', '--home', copy, '--bootstrap', addresses[0] ?? '');
	assert.equal(second.code, 3, second.stderr);
	assert.match(second.stderr, /another process runs with the identity of this node/);
	await until('the other one has noticed, too', () => first.told().includes('mesh-cloned'));
});

test('a mesh gets another miner, another sender and another network while it runs', async () => {
	const [first, second, invite] = [join(root, 'op-3'), join(root, 'p-3'), join(root, 'invite-3.json')];
	const [sender, next] = ['f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq', 'f15ihq5ibzwki2b4ep2f46avlkrqzhpqgtga7pdrq'];
	const spare = secpAddress(new Uint8Array(65));
	const founding = ['--name', 'op', '--network', 'mistyped', '--miner', 'f01000', '--sender', sender];
	await succeeds('init', '--home', first, ...founding);
	await configured(first);
	const operator = await started(first);
	await succeeds('roster', 'invite', '--home', first, '--out', invite);
	const { rosterAdd } = JSON.parse(
		await succeeds('init', '--home', second, '--join', invite, '--name', 'p1', '--json'),
	);
	await configured(second);
	const joined = await started(second);
	await succeeds(...(rosterAdd as string).split(' ').slice(1), '--home', first);
	await succeeds('roster', 'miner', 'add', 'f02000', '--sender', spare, '--home', first);
	await succeeds('roster', 'miner', 'sender', 'f02000', next, '--home', first);
	const asked = await cli('roster', 'miner', 'sender', 'f09', next, '--home', first);
	assert.equal(asked.code, 3);
	assert.match(asked.stderr, /no miner f09\n {2}It names: f01000, f02000/);
	await until('the other node follows both changes', async () => (await status(second)).rosterVersion === 4);
	const shown = async (home: string) => JSON.parse(await succeeds('roster', 'show', '--home', home, '--json'));
	assert.deepEqual((await shown(second)).miners, [
		{ miner: 1000, sender },
		{ miner: 2000, sender: next },
	]);

	const exits = [operator, joined].map((child) => once(child, 'exit'));
	await succeeds('roster', 'network', 'testing', '--home', first);
	assert.deepEqual(await exits[0], [1, null], 'so that a supervisor starts it again');
	assert.match(operator.told(), /network-changed/);
	await started(first);
	assert.equal((await status(first)).network, 'testing');
	assert.deepEqual(await exits[1], [1, null], 'the other one hears of it when the first is back');
	await started(second);
	await until(
		'both are on the new network',
		async () => (await status(first)).connected === 1 && (await status(second)).network === 'testing',
	);
	assert.equal((await shown(second)).version, 5);
});
