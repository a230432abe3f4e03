import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const CORE = resolve(import.meta.dirname, '../../../src/core');
const COMPARES = /[<>]=?\s*(state\.)?now\b|(state\.)?\bnow\s*[-<>]/;

/** Asked when something happens, not whether the time for it has come; and what is asked each tick. */
const ALLOWED: Readonly<Record<string, number>> = {
	// The clock itself.
	'epoch-clock.ts': 3,
	'wake.ts': 2,
	// When the rules are looked at.
	'poster.ts': 6,
	// Lateness and health with each tick; silence and mass loss when a probe was answered.
	'liveness.ts': 6,
	// What goes into a record that is sent, and what is learned from one that came.
	'records.ts': 6,
	// Ages of statements that are served, facts of an alarm, and what people are shown.
	'sync.ts': 2,
	'leases.ts': 1,
	'view.ts': 2,
};

test('rules ask wake.ts whether a time has come: one that compares by itself would be slept through', () => {
	const found: Record<string, number> = {};
	for (const name of readdirSync(CORE, { recursive: true, encoding: 'utf8' })) {
		if (!name.endsWith('.ts')) continue;
		const lines = readFileSync(join(CORE, name), 'utf8').split('\n');
		const count = lines.filter((line) => !line.trimStart().startsWith('*') && COMPARES.test(line)).length;
		if (count > 0) found[name] = count;
	}
	assert.deepEqual(found, ALLOWED);
});
