import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { configuredRoles, parseConfig } from '../../../src/node/config.ts';

const folder = join(import.meta.dirname, '../../../bootstrap');
const page = readFileSync(join(folder, 'README.md'), 'utf8');

test('bootstrap/README.md says what each file of the folder is for', () => {
	const unnamed = readdirSync(folder).filter((name) => name !== 'README.md' && !page.includes(`(${name})`));
	assert.deepEqual(unnamed, []);
});

test('a bootstrap node takes no role, whatever the roster gives it', () => {
	const file = join(folder, 'bootstrap.toml');
	assert.deepEqual(configuredRoles(parseConfig(readFileSync(file, 'utf8'), file)), []);
});
