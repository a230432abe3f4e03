import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { killRun } from '../support/kill-run.ts';

const KILLS = 24;

test('a node killed around its writes says no sequence twice, and loses no result and no message', async (t) => {
	const root = await mkdtemp(join(tmpdir(), 'poster-kills-'));
	t.after(() => rm(root, { recursive: true, force: true }));
	const { kills, ...found } = await killRun(root, KILLS, 1);
	t.diagnostic(JSON.stringify({ kills, ...found }));
	assert.ok(
		Object.values(kills).every((count) => count === KILLS / 4),
		'each way to die was tried',
	);
});
