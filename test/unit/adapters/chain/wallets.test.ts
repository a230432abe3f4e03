import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KeyFileWallet } from '../../../../src/adapters/chain/key-file-wallet.ts';
import { LotusChain } from '../../../../src/adapters/chain/lotus-chain.ts';
import { RemoteWallet } from '../../../../src/adapters/chain/remote-wallet.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import { actorId, attoFil } from '../../../../src/domain/ids.ts';
import type { MinerCall, SignedMessage } from '../../../../src/domain/message.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { scriptedNode } from '../../../support/scripted-node.ts';
import { systemClock } from '../../../support/system-clock.ts';
import { verifySignature } from '../../../support/verify-signature.ts';
import { walletAnswers } from '../../../support/wallet-answers.ts';
import { lotusKeys } from '../../../vectors/lotus-keys.ts';

const miner = actorId(1001);
const call: MinerCall = { kind: 'declare-faults', declarations: [] };
const gas = { limit: 1_000_000, feeCap: attoFil(100n), premium: attoFil(50n) };
const optionsFor = (sender: string) => ({ miners: new Map([[miner, { sender }]]), maxFee: attoFil(10n ** 18n) });
const folder = await mkdtemp(join(tmpdir(), 'poster-keys-'));
after(() => rm(folder, { recursive: true, force: true }));

test('what a full node signed is refused unless it is the very message under a good signature', async (t) => {
	const { address: sender } = lotusKeys.secp256k1;
	const changes: Record<string, (signed: SignedMessage) => SignedMessage> = {
		'another nonce': (signed) => ({ ...signed, message: { ...signed.message, nonce: 8 } }),
		'another receiver': (signed) => ({ ...signed, message: { ...signed.message, to: 'f01002' } }),
		'other parameters': (signed) => ({ ...signed, message: { ...signed.message, params: Uint8Array.of(0x80) } }),
		'another signature': (signed) => ({ ...signed, signature: new Uint8Array(65).fill(1) }),
		'the signature of the other kind': (signed) => ({ ...signed, signatureType: 2, signature: new Uint8Array(96) }),
	};
	for (const [change, tamper] of Object.entries(changes)) {
		await t.test(change, async (t) => {
			const node = await scriptedNode({ call: walletAnswers(tamper) });
			t.after(() => node.close());
			const components = { clock: systemClock, log: memoryLog(), metrics: memoryMetrics() };
			const chain = new LotusChain(components, { endpoints: [{ url: node.url }] });
			t.after(() => chain.close());
			const wallet = new RemoteWallet({ chain, verifier: { verifySignature } }, optionsFor(sender));
			await assert.rejects(wallet.signPost(miner, call, 7, gas), (error) => isPosterError(error, 'chain-bad-answer'));
		});
	}
});

test('check tells a missing key before anything is due', async () => {
	const chain = {
		walletHas: async (address: string) => address === 'nobody',
		walletSignMessage: () => Promise.reject(),
	};
	const wallet = new RemoteWallet({ chain, verifier: { verifySignature } }, optionsFor(lotusKeys.bls.address));
	await assert.rejects(wallet.check(), (error) => isPosterError(error, 'wallet-no-key'));
});

test('a key file that others may read is refused, with the command that mends it', async () => {
	const { address, keyFile } = lotusKeys.bls;
	const path = join(folder, 'open');
	await writeFile(path, keyFile);
	for (const mode of [0o644, 0o640, 0o604, 0o660, 0o610]) {
		await chmod(path, mode);
		await assert.rejects(
			KeyFileWallet.open([path], optionsFor(address)),
			(error) => isPosterError(error, 'wallet-key-mode') && error.advice === `chmod 600 ${path}`,
			mode.toString(8),
		);
	}
	await chmod(path, 0o400);
	await KeyFileWallet.open([path], optionsFor(address));
});

test('a malformed key file is refused without a word of its content', async () => {
	const { address, keyFile } = lotusKeys.bls;
	const json = JSON.parse(Buffer.from(keyFile, 'hex').toString());
	const hex = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('hex');
	const contents: Record<string, string> = {
		empty: '',
		'not hex': Buffer.from(keyFile, 'hex').toString(),
		'not JSON': 'abcdef',
		'another type': hex({ ...json, Type: 'delegated' }),
		'short key': hex({ ...json, PrivateKey: json.PrivateKey.slice(0, 40) }),
		'zero key': hex({ ...json, PrivateKey: Buffer.alloc(32).toString('base64') }),
		'no key': hex({ Type: 'bls' }),
		'too long': '00'.repeat(20_000),
	};
	for (const [what, content] of Object.entries(contents)) {
		const path = join(folder, what);
		await writeFile(path, content, { mode: 0o600 });
		await assert.rejects(
			KeyFileWallet.open([path], optionsFor(address)),
			(error) =>
				isPosterError(error, 'wallet-key-file') &&
				!`${error.message} ${error.advice} ${String(error.cause)}`.includes(json.PrivateKey.slice(0, 8)),
			what,
		);
	}
	await assert.rejects(KeyFileWallet.open([join(folder, 'missing')], optionsFor(address)), (error) =>
		isPosterError(error, 'wallet-key-file'),
	);
});

test('of several key files each signs for its own sender', async () => {
	const paths: string[] = [];
	const miners = new Map<ReturnType<typeof actorId>, { sender: string }>();
	for (const [i, [type, { address, keyFile }]] of Object.entries(lotusKeys).entries()) {
		paths.push(join(folder, type));
		await writeFile(join(folder, type), keyFile, { mode: 0o600 });
		miners.set(actorId(1001 + i), { sender: address });
	}
	const wallet = await KeyFileWallet.open(paths, { miners, maxFee: attoFil(10n ** 18n) });
	for (const [id, { sender }] of miners) {
		assert.equal((await wallet.signPost(id, call, 0, gas)).message.from, sender);
	}
});
