import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parameterFiles } from '../../src/domain/parameters.ts';
import { FileServer } from '../fakes/file-server.ts';
import { cli } from '../support/cli.ts';
import { ensureParams } from '../support/native-fixtures.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-params-cli-'));
after(() => rm(root, { recursive: true, force: true }));
const home = join(root, 'no-home');

test('fetch needs to know what for', async () => {
	const { code, stderr } = await cli('params', 'fetch', '--home', home, '--dir', join(root, 'a'));
	assert.equal(code, 2);
	assert.match(stderr, /--for verify/);
});

test('fetch asks for the content id of the key, believes no other bytes, and says so', async (t) => {
	const server = new FileServer(Buffer.alloc(3_076));
	t.after(() => server.stop());
	const url = await server.start();
	const folder = join(root, 'b');
	const words = ['params', 'fetch', '--home', home, '--dir', folder, '--size', '2KiB', '--for', 'verify'];
	const { code, stdout } = await cli(...words, '--source', url, '--json');
	assert.equal(code, 1);
	const { error } = JSON.parse(stdout);
	assert.equal(error.code, 'params-unavailable');
	assert.match(error.message, /has the digest [0-9a-f]{32}, published is 0e0958009936b9d5e515ec97b8cb792d/);
	assert.deepEqual(server.paths, ['/ipfs/QmcS5JZs8X3TdtkEBpHAdUYjdNDqcL7fWQFtQz69mpnu2X']);
	assert.deepEqual(
		(await readdir(folder)).filter((name) => !name.endsWith('.part')),
		[],
	);
});

test('verify tells test parameters and missing files apart from published ones', async () => {
	const folder = await ensureParams();
	const words = ['params', 'verify', '--home', home, '--dir', folder, '--json'];
	const { code, stdout } = await cli(...words);
	assert.equal(code, 1);
	const found = JSON.parse(stdout).files as { code: string }[];
	assert.deepEqual(found.map((file) => file.code).sort(), ['params-circuit', 'params-digest']);
	const all = await cli(...words, '--size', '8MiB');
	assert.deepEqual(
		(JSON.parse(all.stdout).files as { code: string }[]).map((file) => file.code),
		['params-missing', 'params-missing'],
	);
	const empty = await cli('params', 'verify', '--home', home, '--dir', root);
	assert.equal(empty.code, 1);
	assert.match(empty.stderr, /holds no published parameter files/);
});

test('generate-test keeps out of a folder with published files, and says what it made', async () => {
	const folder = await ensureParams();
	const { code, stdout } = await cli('params', 'generate-test', '--dir', folder);
	assert.equal(code, 0);
	assert.match(stdout, /window 2KiB: was there/);
	assert.match(stdout, /accepts forged proofs/);
	const mixed = join(root, 'mixed');
	const made = await cli('params', 'generate-test', '--dir', mixed, '--size', '32GiB');
	assert.equal(made.code, 2, 'large sizes take days');
});

test('a cut file is told before it is read', async () => {
	const [, file] = parameterFiles([10], true);
	await writeFile(join(root, file?.name ?? ''), Buffer.alloc(1_000));
	const { stdout } = await cli('params', 'verify', '--home', home, '--dir', root, '--json');
	assert.deepEqual(
		(JSON.parse(stdout).files as { code: string }[]).map(({ code }) => code),
		['params-truncated'],
	);
});
