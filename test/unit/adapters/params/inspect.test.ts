import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspectParameterFile } from '../../../../src/adapters/params/inspect.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import type { ParameterFile } from '../../../../src/domain/parameters.ts';
import { madeKey, madeParameters } from '../../../support/parameter-file.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-inspect-'));
after(() => rm(root, { recursive: true, force: true }));
const made = madeParameters('right');
const key = madeKey('key');
const path = join(root, 'file');

async function verdict(file: ParameterFile, bytes: Uint8Array): Promise<string> {
	await writeFile(path, bytes);
	try {
		await inspectParameterFile(path, file, () => undefined, new AbortController().signal);
		return 'good';
	} catch (error) {
		if (!isPosterError(error)) throw error;
		return error.code;
	}
}

test('a file is judged by its length, its circuit, its digest', async () => {
	const { bytes, entry } = made;
	assert.equal(await verdict(entry, bytes), 'good');
	assert.equal(await verdict(key.entry, key.bytes), 'good');
	assert.equal(await verdict(key.entry, key.bytes.subarray(0, -1)), 'params-truncated');
	for (const length of [0, 100, 3_076, 3_079, 100_000, bytes.length - 1]) {
		assert.equal(await verdict(entry, bytes.subarray(0, length)), 'params-truncated', `${length} bytes`);
	}
	assert.equal(await verdict(entry, madeParameters('other').bytes), 'params-circuit');
	const damaged = Buffer.from(bytes);
	damaged.writeUInt8(damaged.readUInt8(500_000) ^ 1, 500_000);
	assert.equal(await verdict(entry, damaged), 'params-digest');
	assert.equal(await verdict(entry, Buffer.concat([bytes, Buffer.alloc(1)])), 'params-digest');
	assert.equal(await verdict(key.entry, madeKey('another').bytes), 'params-digest');
});

test('a file that is not there is missing, not broken', async () => {
	const looking = inspectParameterFile(join(root, 'none'), made.entry, () => undefined, new AbortController().signal);
	await assert.rejects(looking, (error) => isPosterError(error, 'params-missing'));
});
