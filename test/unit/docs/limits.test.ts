import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { limitsPage } from '../../../scripts/docs-limits.ts';
import { limits } from '../../../src/domain/limits.ts';

test('docs/limits.md names every bound with its value and reason, as they are', async () => {
	const page = limitsPage();
	const named = new Set([...page.matchAll(/`([\w.-]+)`(?=<br>| \|)/g)].map(([, name]) => name?.split('.')[0]));
	assert.deepEqual(
		Object.keys(limits).filter((name) => !named.has(name)),
		[],
	);
	const written = await readFile(join(import.meta.dirname, '../../../docs/limits.md'), 'utf8');
	assert.equal(written, page, 'npm run docs:limits writes it anew');
});
