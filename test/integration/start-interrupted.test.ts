/** A node that is told to end while it still starts ends in order, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { homePaths } from '../../src/node/home.ts';
import { CLI_MAIN } from '../support/cli.ts';
import { alive } from '../support/descendants.ts';
import { endlessProgram } from '../support/endless-program.ts';
import { configured, found } from '../support/founder.ts';
import { until } from '../support/until.ts';

test('SIGTERM during the first build of the native worker ends node and build at once', async (t) => {
	const root = await mkdtemp(join(tmpdir(), 'poster-interrupted-'));
	t.after(() => rm(root, { recursive: true, force: true }));
	const home = join(root, 'home');
	await found(home);
	await configured(home, '[prover]\n');
	const cargo = await endlessProgram(root, 'cargo');
	const env: NodeJS.ProcessEnv = { ...process.env, XDG_CACHE_HOME: join(root, 'cache') };
	env['PATH'] = `${cargo.bin}:${env['PATH']}`;
	delete env['POSTER_NATIVE'];
	const node = spawn(process.execPath, [CLI_MAIN, 'start', '--home', home], { env, stdio: ['ignore', 'pipe', 'pipe'] });
	t.after(() => node.kill('SIGKILL'));
	let told = '';
	for (const stream of [node.stdout, node.stderr]) {
		stream.setEncoding('utf8').on('data', (text: string) => {
			told += text;
		});
	}
	await until('it builds', async () => (await cargo.pids()).length === 2);
	node.kill('SIGTERM');
	assert.deepEqual(await once(node, 'close'), [0, null], told);
	await until('the build is gone', async () => (await alive(await cargo.pids())).length === 0);
	await assert.rejects(stat(homePaths(home).lock), { code: 'ENOENT' });
});
