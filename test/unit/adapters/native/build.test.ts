import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ensureNative } from '../../../../src/adapters/native/build.ts';
import { runNative } from '../../../../src/adapters/native/one-shot.ts';
import { alive } from '../../../support/descendants.ts';
import { type EndlessProgram, endlessProgram } from '../../../support/endless-program.ts';
import { until } from '../../../support/until.ts';

async function endless(t: TestContext, name: string): Promise<EndlessProgram & { root: string }> {
	const root = await mkdtemp(join(tmpdir(), 'poster-build-test-'));
	const program = await endlessProgram(root, name);
	t.after(async () => {
		for (const pid of await alive(await program.pids())) process.kill(pid, 'SIGKILL');
		await rm(root, { recursive: true });
	});
	return { ...program, root };
}

test('a build that is told to end ends at once, its compilers with it', async (t) => {
	const { root, bin, pids } = await endless(t, 'cargo');
	await writeFile(join(root, 'Cargo.lock'), '');
	const path = process.env['PATH'];
	process.env['PATH'] = `${bin}:${path}`;
	t.after(() => {
		process.env['PATH'] = path;
	});
	const ending = new AbortController();
	const reason = new Error('told');
	const build = ensureNative({ sources: root, cacheDir: join(root, 'cache'), signal: ending.signal });
	const ended = assert.rejects(build, reason);
	await until('cargo and its compiler run', async () => (await pids()).length === 2);
	ending.abort(reason);
	await ended;
	await until('nothing is left', async () => (await alive(await pids())).length === 0);
});

test('a one-shot command that is told to end ends at once', async (t) => {
	const { path, pids } = await endless(t, 'poster-native');
	const ending = new AbortController();
	const reason = new Error('told');
	const ended = assert.rejects(
		runNative(path, ['seal'], () => undefined, ending.signal),
		reason,
	);
	await until('it runs', async () => (await pids()).length === 2);
	const [program, started] = await pids();
	ending.abort(reason);
	await until('it is gone', async () => (await alive([program ?? 0])).length === 0);
	// The worker starts nothing that could hold its pipes open; this one did.
	process.kill(started ?? 0, 'SIGKILL');
	await ended;
});
