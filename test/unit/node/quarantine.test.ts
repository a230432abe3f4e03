import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Event } from '../../../src/core/api.ts';
import { epoch } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { statementHash } from '../../../src/node/inbound.ts';
import { Quarantine } from '../../../src/node/quarantine.ts';

const folder = await mkdtemp(join(tmpdir(), 'poster-quarantine-'));
after(() => rm(folder, { recursive: true, force: true }));

const statement = (id: number): Event => ({ type: 'statement', raw: rawOf(id) }) as unknown as Event;
const rawOf = (id: number): Uint8Array => Uint8Array.of(id & 255, id >> 8);

test('a statement is kept away after the core failed on it twice, over restarts', async () => {
	const path = join(folder, 'twice.json');
	await (await Quarantine.load(path)).blame(statement(1));
	const second = await Quarantine.load(path);
	assert.equal(second.has(statementHash(rawOf(1))), false, 'once may have been chance');
	await second.blame(statement(1));
	const third = await Quarantine.load(path);
	assert.equal(third.has(statementHash(rawOf(1))), true);
	assert.equal(third.has(statementHash(rawOf(2))), false);
});

test('own observations are never kept away', async () => {
	const path = join(folder, 'own.json');
	const quarantine = await Quarantine.load(path);
	await quarantine.blame({ type: 'head', epoch: epoch(1) });
	await quarantine.blame({ type: 'head', epoch: epoch(1) });
	await assert.rejects(readFile(path), { code: 'ENOENT' });
});

test('the list is bounded, the oldest go first, and a damaged file is an empty list', async () => {
	const path = join(folder, 'bound.json');
	const quarantine = await Quarantine.load(path);
	for (let id = 0; id < limits.quarantined + 1; id++) {
		await quarantine.blame(statement(id));
		await quarantine.blame(statement(id));
	}
	const loaded = await Quarantine.load(path);
	assert.equal(loaded.has(statementHash(rawOf(0))), false);
	assert.equal(loaded.has(statementHash(rawOf(limits.quarantined))), true);
	await writeFile(path, '{"not');
	assert.equal((await Quarantine.load(path)).has(statementHash(rawOf(5))), false);
});
