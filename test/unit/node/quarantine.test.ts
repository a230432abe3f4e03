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
	await (await Quarantine.load(path)).blame([statement(1)], 7);
	const second = await Quarantine.load(path);
	assert.equal(second.has(statementHash(rawOf(1))), false, 'once may have been chance');
	await second.blame([statement(1)], 7);
	const third = await Quarantine.load(path);
	assert.equal(third.has(statementHash(rawOf(1))), true);
	assert.equal(third.has(statementHash(rawOf(2))), false);
});

test('own observations are never kept away, and of several inputs none is; the next start is careful', async () => {
	const path = join(folder, 'own.json');
	const head: Event = { type: 'head', epoch: epoch(1) };
	const quarantine = await Quarantine.load(path);
	assert.equal(quarantine.crashes, 0);
	for (let i = 0; i < 2; i++) await quarantine.blame([head], -1);
	for (let i = 0; i < 2; i++) await quarantine.blame([statement(1), statement(2)], 7);
	const next = await Quarantine.load(path);
	assert.deepEqual([next.holds(head), next.holds(statement(1)), next.holds(statement(2))], [false, false, false]);
	assert.deepEqual([next.crashes, next.unexplained, next.epoch], [4, 4, 7]);
	await next.survived();
	const later = await Quarantine.load(path);
	assert.deepEqual([later.crashes, later.unexplained], [0, 0]);
});

test('questions are known by their peer, views by the miner and its deadlines of the moment', async () => {
	const quarantine = await Quarantine.load(join(folder, 'kinds.json'));
	const asked = (type: 'sync-asked' | 'pull-asked', peer: string, request: number): Event =>
		({ type, peer, request }) as unknown as Event;
	const seen = (miner: number, challenge: number, height: number): Event =>
		({
			type: 'chain-view',
			view: { miner, epoch: height, challenges: [{ challenge: { challenge } }] },
		}) as unknown as Event;
	await quarantine.blame([asked('sync-asked', 'p', 1)], 7);
	await quarantine.blame([asked('pull-asked', 'p', 2)], 7);
	assert.equal(quarantine.holds(asked('sync-asked', 'p', 3)), true);
	assert.equal(quarantine.holds(asked('sync-asked', 'q', 3)), false);
	await quarantine.blame([seen(1000, 160, 161)], 161);
	await quarantine.blame([seen(1000, 160, 162)], 162);
	assert.equal(quarantine.holds(seen(1000, 160, 163)), true);
	assert.equal(quarantine.holds(seen(1000, 220, 221)), false, 'the next deadline is another matter');
	assert.equal(quarantine.holds(seen(1001, 160, 163)), false);
	for (let i = 0; i < 2; i++) await quarantine.blame([statement(1)], 162);
	const later = await Quarantine.load(join(folder, 'kinds.json'));
	assert.deepEqual([later.holds(asked('sync-asked', 'p', 3)), later.holds(seen(1000, 160, 163))], [true, true]);
	await later.survived();
	for (const each of [later, await Quarantine.load(join(folder, 'kinds.json'))]) {
		assert.equal(each.holds(asked('sync-asked', 'p', 4)), false, 'no peer is refused for ever');
		assert.equal(each.holds(seen(1000, 160, 164)), false);
		assert.equal(each.holds(statement(1)), true, 'its bytes stay what they are');
	}
});

test('names that an older version gave, which no input has any more, go; its failures still count', async () => {
	const path = join(folder, 'older.json');
	// Once the hash of a peer's questions looked like that of a statement, and nothing would ever have dropped it.
	const bare = statementHash(rawOf(1));
	await writeFile(path, JSON.stringify({ failures: { [bare]: 2 }, crashes: 3, epoch: 7 }));
	const older = await Quarantine.load(path);
	assert.deepEqual([older.has(bare), older.crashes, older.epoch], [false, 3, 7]);
	await older.blame([statement(2)], 8);
	assert.equal((await readFile(path, 'utf8')).includes(bare), false);
});

test('the list is bounded, the oldest go first, and a damaged file is an empty list', async () => {
	const path = join(folder, 'bound.json');
	const quarantine = await Quarantine.load(path);
	for (let id = 0; id < limits.quarantined + 1; id++) {
		await quarantine.blame([statement(id)], 7);
		await quarantine.blame([statement(id)], 7);
	}
	const loaded = await Quarantine.load(path);
	assert.equal(loaded.has(statementHash(rawOf(0))), false);
	assert.equal(loaded.has(statementHash(rawOf(limits.quarantined))), true);
	await writeFile(path, '{"not');
	assert.equal((await Quarantine.load(path)).has(statementHash(rawOf(5))), false);
});
