import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { coreVersion, sourceVersion } from '../../../../src/node/recorder/core-version.ts';

const SOURCES = resolve(import.meta.dirname, '../../../../src');

test('the version changes with every source that decides, by content and by name, and with nothing else', async (t) => {
	const root = await mkdtemp(join(tmpdir(), 'poster-core-version-'));
	t.after(() => rm(root, { recursive: true, force: true }));
	for (const folder of ['domain', 'codec', 'core', 'ports']) {
		await cp(join(SOURCES, folder), join(root, folder), { recursive: true });
	}
	const original = sourceVersion(root);
	assert.match(original, /^[0-9a-f]{64}$/);
	assert.equal(original, coreVersion());

	await writeFile(join(root, 'ports', 'clock.ts'), '');
	await writeFile(join(root, 'core', 'notes.md'), '');
	assert.equal(sourceVersion(root), original);

	const limits = join(root, 'domain', 'limits', 'core.ts');
	const text = await readFile(limits, 'utf8');
	await writeFile(limits, text.replaceAll('\n', '\r\n'));
	assert.equal(sourceVersion(root), original, 'a checkout with other line ends is the same core');

	await writeFile(limits, text.replace('tickMs: ', 'tickMs: 1'));
	const changed = sourceVersion(root);
	assert.notEqual(changed, original);
	await writeFile(limits, text);
	await rename(join(root, 'core', 'rank.ts'), join(root, 'core', 'ranks.ts'));
	assert.equal(new Set([sourceVersion(root), changed, original]).size, 3);
});
