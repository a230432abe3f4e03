/**
 * Run by store.test.ts on a small file system of its own, given as the argument: fills the disk under a store and frees
 * it again. Prints `ok` when the store refused, kept what it had, and went on.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../../../src/adapters/level/store.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import { nodeId } from '../../../../src/domain/ids.ts';

const disk = process.argv[2] as string;
const ballast = join(disk, 'ballast');
const owner = nodeId('owner');
const value = randomBytes(64 * 1024);

writeFileSync(ballast, randomBytes(40 * 1024 * 1024));
const store = await openStore(join(disk, 'store'), owner);
let written = 0;
for (let failed = false; !failed; ) {
	try {
		await store.write([{ type: 'put', key: `k/${written}`, value }]);
		written++;
	} catch (error) {
		assert.ok(isPosterError(error, 'store-full'), String(error));
		failed = true;
	}
}
assert.ok(written > 10, 'some writes fit');
await assert.rejects(store.write([{ type: 'put', key: 'later', value }]), (error) =>
	isPosterError(error, 'store-full'),
);
assert.equal((await store.get('k/0'))?.length, value.length, 'reads go on');

rmSync(ballast);
await store.write([{ type: 'put', key: 'later', value }]);
for (let i = 0; i < written; i++) assert.deepEqual(await store.get(`k/${i}`), value, `k/${i} is as it was written`);
await store.close();
const again = await openStore(join(disk, 'store'), owner);
assert.deepEqual(await again.get('later'), value);
await again.close();
console.log('ok');
