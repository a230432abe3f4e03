import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { openScratch } from '../../../src/cli/scratch.ts';

const base = await mkdtemp(join(tmpdir(), 'scratch-test-'));
after(() => rm(base, { recursive: true, force: true }));

/** A process of this number lives, but it began at another time than the owner did. */
const DEAD = JSON.stringify({ pid: process.pid, started: 'before the last boot' });

async function left(name: string, owner?: string): Promise<void> {
	await mkdir(join(base, name, 'homes'), { recursive: true });
	await writeFile(join(base, name, 'homes', 'log'), 'x');
	if (owner !== undefined) await writeFile(join(base, name, 'owner'), owner);
}

test('a run removes what runs before it left when they were killed, and nothing else', async () => {
	const living = await openScratch('run-', base);
	const kept = await openScratch('run-', base);
	await kept.keep();
	await left('run-killed', DEAD);
	await left('run-kept');
	await left('other-killed', DEAD);
	await symlink(join(base, 'other-killed'), join(base, 'run-link'));
	const next = await openScratch('run-', base);
	assert.deepEqual(
		(await readdir(base)).sort(),
		['other-killed', 'run-kept', 'run-link', ...[living, kept, next].map(({ path }) => basename(path))].sort(),
	);
	assert.deepEqual(await readdir(join(base, 'other-killed')), ['homes', 'owner']);
	await next.remove();
	assert.ok(!(await readdir(base)).includes(basename(next.path)));
});
