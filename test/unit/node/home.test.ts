import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Ed25519Identity } from '../../../src/adapters/identity/ed25519.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { createHome, type Home, homePaths, openHome, readOperatorKey } from '../../../src/node/home.ts';
import { decodeMeshKey, encodeMeshKey } from '../../../src/node/mesh-key.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-home-'));
after(() => rm(root, { recursive: true, force: true }));
let homes = 0;

const meshKey = Buffer.alloc(32, 7);

async function makeHome(): Promise<Home & { operatorKey: Ed25519Identity }> {
	const operatorKey = Ed25519Identity.generate();
	const keys = { identity: Ed25519Identity.generate(), meshKey, operator: { key: operatorKey } };
	return { ...(await createHome(join(root, String(homes++)), keys)), operatorKey };
}

const rejects = (promise: Promise<unknown>, code: string, pattern = /./): Promise<void> =>
	assert.rejects(promise, (error) => isPosterError(error, code) && pattern.test(error.message));

test('a home is read back as it was made; only the owner may read its secrets', async () => {
	const made = await makeHome();
	const read = await openHome(made.paths.root);
	assert.equal(read.identity.id, made.identity.id);
	assert.equal(read.operatorId, made.operatorKey.id);
	assert.deepEqual(Buffer.from(read.meshKey), meshKey);
	assert.equal((await readOperatorKey(read.paths)).id, made.operatorKey.id);
	for (const file of [made.paths.identityKey, made.paths.meshKey, made.paths.operatorKey]) {
		assert.equal((await stat(file)).mode & 0o777, 0o600, file);
	}
	assert.equal((await stat(made.paths.root)).mode & 0o777, 0o700);
});

test('keys are never overwritten', async () => {
	const { paths } = await makeHome();
	const before = await readFile(paths.identityKey);
	const keys = { identity: Ed25519Identity.generate(), meshKey, operator: { key: Ed25519Identity.generate() } };
	await rejects(createHome(paths.root, keys), 'home-exists');
	assert.deepEqual(await readFile(paths.identityKey), before);
});

test("an operator's key that lies there alone is not overwritten either", async () => {
	const { paths, operatorKey } = await makeHome();
	await rm(paths.identityKey);
	const keys = { identity: Ed25519Identity.generate(), meshKey, operator: { key: Ed25519Identity.generate() } };
	await rejects(createHome(paths.root, keys), 'home-exists');
	assert.equal((await readOperatorKey(paths)).id, operatorKey.id);
});

test('a folder that is no home says how to make one', async () => {
	await assert.rejects(
		openHome(join(root, 'nowhere')),
		(error) => isPosterError(error, 'home-missing') && /init/.test(error.advice ?? ''),
	);
});

test('a secret that others may read is refused, whichever it is', async () => {
	for (const file of ['identityKey', 'meshKey', 'operatorKey'] as const) {
		const { paths } = await makeHome();
		await chmod(paths[file], 0o640);
		const opened = file === 'operatorKey' ? readOperatorKey(paths) : openHome(paths.root);
		await rejects(opened, 'key-mode', /640/);
	}
});

test('a missing or broken key file is named', async () => {
	for (const file of ['meshKey', 'operatorId'] as const) {
		const { paths } = await makeHome();
		await unlink(paths[file]);
		await rejects(openHome(paths.root), 'key-missing', new RegExp(paths[file]));
	}
	for (const file of ['meshKey', 'operatorId', 'identityKey'] as const) {
		const { paths } = await makeHome();
		await writeFile(paths[file], 'garbage');
		await rejects(openHome(paths.root), 'key-bad', new RegExp(paths[file]));
	}
	for (const [file, advice] of [
		['identityKey', /new entry in the roster/],
		['operatorId', /from another node/],
		['operatorKey', /roster can be changed no more/],
	] as const) {
		const { paths } = await makeHome();
		await writeFile(paths[file], 'garbage');
		const read = file === 'operatorKey' ? readOperatorKey(paths) : openHome(paths.root);
		await assert.rejects(read, (error) => isPosterError(error, 'key-bad') && advice.test(error.advice ?? ''), file);
	}
	const { paths } = await makeHome();
	await writeFile(paths.identityKey, 'x'.repeat(1 << 20));
	await rejects(openHome(paths.root), 'file-too-long');
});

test('no error shows what is in a key file', async () => {
	const { paths } = await makeHome();
	await writeFile(paths.meshKey, '/key/swarm/psk/1.0.0/\n/base16/\nsecretsecret');
	await assert.rejects(
		openHome(paths.root),
		(error) =>
			isPosterError(error) && !JSON.stringify([error.message, error.advice, error.meta]).includes('secretsecret'),
	);
});

test('a mesh key has the three lines and the 95 bytes of a libp2p swarm key', () => {
	const text = encodeMeshKey(meshKey);
	assert.equal(text, `/key/swarm/psk/1.0.0/\n/base16/\n${'07'.repeat(32)}`);
	assert.equal(text.length, 95);
	const variants = [
		text,
		`${text}\n`,
		text.replaceAll('\n', '\r\n'),
		text.toUpperCase().replace('/KEY/SWARM/PSK/1.0.0/', '/key/swarm/psk/1.0.0/').replace('/BASE16/', '/base16/'),
	];
	for (const variant of variants) assert.deepEqual(Buffer.from(decodeMeshKey(Buffer.from(variant), 'f')), meshKey);
	for (const bad of ['', text.slice(0, -1), `${text}0`, text.replace('base16', 'base64'), text.replace('7', 'g')]) {
		assert.throws(
			() => decodeMeshKey(Buffer.from(bad), 'f'),
			(error) => isPosterError(error, 'key-bad'),
		);
	}
});

test('all paths lie in the home', () => {
	const paths = homePaths('some/where');
	for (const path of Object.values(paths)) assert.ok(path.startsWith(paths.root), path);
});
