import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isPosterError } from '../../../src/domain/errors.ts';
import { hex32 } from '../../../src/domain/ids.ts';
import { type Config, parseConfig } from '../../../src/node/config.ts';
import { readProofKeys, readWinningTypes } from '../../../src/node/proof-keys.ts';
import { FakeVerifier } from '../../fakes/fake-prover.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-keys-'));
after(() => rm(root, { recursive: true, force: true }));

function config(text: string): Config {
	return parseConfig(text, join(root, 'config.toml'));
}

test('a folder of parameters that cannot be read is told with its path and its option', async () => {
	await writeFile(join(root, 'file'), '');
	const cases = [
		['params', join(root, 'none'), 'does not exist'],
		['test_parameters', join(root, 'none'), 'does not exist'],
		['params', join(root, 'file'), 'cannot be read (ENOTDIR)'],
	] as const;
	for (const [option, folder, what] of cases) {
		const failed = readProofKeys(config(`[proofs]\n${option} = "${folder}"\n`), new FakeVerifier());
		await assert.rejects(failed, (error) => {
			assert.ok(isPosterError(error, 'config-params'));
			assert.ok(error.message.includes(`${folder}, ${what}`), error.message);
			assert.match(error.advice ?? '', new RegExp(`\\[proofs\\] ${option};`));
			return true;
		});
	}
});

test('who only verifies needs the keys alone, a prover the parameters beside them', async () => {
	const folder = `[proofs]\nparams = "${root}"\n`;
	const { keysHash, proofTypes } = await readProofKeys(config(folder), new FakeVerifier());
	assert.match(keysHash ?? '', /^[0-9a-f]{64}$/);
	assert.deepEqual(proofTypes, []);
	const prover = config(`[prover]\n${folder}`);
	await assert.rejects(readProofKeys(prover, new FakeVerifier()), { code: 'prover-no-params' });
	await writeFile(join(root, 'fake.params'), '');
	assert.deepEqual((await readProofKeys(prover, new FakeVerifier())).proofTypes, [10]);
});

/** Keys of winning PoSt as well, for 2 KiB and 32 GiB. */
function withWinningKeys(): FakeVerifier {
	const verifier = new FakeVerifier();
	verifier.keys = async () =>
		[0, 3, 10].map((type) => ({
			name: `key-${type}.vk`,
			proofType: type,
			sha256: hex32('fa'.repeat(32)),
			published: false,
		}));
	return verifier;
}

test('winning PoSt is proven where its parameters are, for the sizes that are wanted; without a key nothing starts', async () => {
	const folder = `[proofs]\nparams = "${root}"\n`;
	await writeFile(join(root, 'key-0.params'), '');
	const asker = config(`[winning]\n${folder}`);
	await assert.rejects(readWinningTypes(asker, new FakeVerifier()), { code: 'winning-no-key' });
	assert.deepEqual(await readWinningTypes(asker, withWinningKeys()), { provable: [], verifiable: [0, 3] });
	const prover = config(`[prover]\n[winning]\n${folder}`);
	assert.deepEqual((await readWinningTypes(prover, withWinningKeys())).provable, [0]);
	const large = config(`[prover]\n[winning]\nproof_types = ["winning-32GiB"]\n${folder}`);
	await assert.rejects(readWinningTypes(large, withWinningKeys()), { code: 'winning-no-params' });
	await writeFile(join(root, 'key-3.params'), '');
	assert.deepEqual((await readWinningTypes(large, withWinningKeys())).provable, [3]);
	const withWinning = await readProofKeys(config(folder), withWinningKeys());
	const { keysHash } = await readProofKeys(config(folder), new FakeVerifier());
	assert.equal(withWinning.keysHash, keysHash, 'members with and without them do not differ');
	assert.throws(() => config('[winning]\nproof_types = ["window-2KiB"]'), { code: 'config-invalid' });
});
