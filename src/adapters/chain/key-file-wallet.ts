/**
 * A wallet over key files as `lotus wallet export` writes them: hex of the JSON `{"Type","PrivateKey"}`. The file must
 * be readable by its owner alone. Signing takes about a millisecond for secp256k1 and tens of them for BLS, a few
 * times an hour, so it happens on the event loop.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { signingBytes } from '../../codec/message.ts';
import { PosterError } from '../../domain/errors.ts';
import type { ActorId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Gas, MinerCall, SignedMessage } from '../../domain/message.ts';
import type { Wallet } from '../../ports/wallet.ts';
import { PostPolicy, type WalletOptions } from './post-policy.ts';
import { type SigningKey, signingKey } from './signing-key.ts';

const keyInfo = z.object({ Type: z.enum(['secp256k1', 'bls']), PrivateKey: z.base64() });

export class KeyFileWallet implements Wallet {
	readonly #policy: PostPolicy;
	readonly #keys: ReadonlyMap<string, SigningKey>;

	private constructor(policy: PostPolicy, keys: ReadonlyMap<string, SigningKey>) {
		this.#policy = policy;
		this.#keys = keys;
	}

	/**
	 * Rejects `wallet-key-mode` (others may read the file), `wallet-key-file` (missing or malformed), `wallet-no-key`
	 * (no file holds the key of a configured sender).
	 */
	static async open(paths: readonly string[], options: WalletOptions): Promise<KeyFileWallet> {
		const policy = new PostPolicy(options);
		const keys = new Map<string, SigningKey>();
		for (const path of paths) {
			const key = await readKeyFile(path);
			keys.set(key.address, key);
		}
		for (const sender of policy.senders()) {
			if (keys.has(sender)) continue;
			throw new PosterError('wallet-no-key', `no key file holds the key of ${sender}`, {
				advice: `The files hold the keys of: ${[...keys.keys()].join(', ')}`,
				meta: { sender },
			});
		}
		return new KeyFileWallet(policy, keys);
	}

	sender(miner: ActorId): string {
		return this.#policy.sender(miner);
	}

	async signPost(miner: ActorId, call: MinerCall, nonce: number, gas: Gas): Promise<SignedMessage> {
		const message = this.#policy.message(miner, call, nonce, gas);
		const key = this.#keys.get(message.from);
		if (key === undefined) {
			throw new PosterError('wallet-no-key', `no key file holds the key of ${message.from}`, {
				advice: `The files hold the keys of: ${[...this.#keys.keys()].join(', ')}`,
				meta: { sender: message.from },
			});
		}
		return { message, signatureType: key.signatureType, signature: key.sign(signingBytes(message)) };
	}
}

async function readKeyFile(path: string): Promise<SigningKey> {
	let file: FileHandle | undefined;
	try {
		file = await open(path, 'r');
		// The mode of what was opened, not of what lies at the path by now.
		const { mode, size } = await file.stat();
		if ((mode & 0o077) !== 0) throw badMode(path, mode);
		if (size > limits.keyFileBytes) throw malformed(path, `${size} bytes are too many`);
		return parseKey(await file.readFile('utf8'), path);
	} catch (cause) {
		if (cause instanceof PosterError) throw cause;
		throw malformed(path, 'it cannot be read', cause);
	} finally {
		await file?.close();
	}
}

/** Messages of parsers may quote what they read, so no cause is kept of them: this is a private key. */
function parseKey(text: string, path: string): SigningKey {
	const hex = text.trim();
	if (!/^([0-9a-fA-F]{2})+$/.test(hex)) throw malformed(path, 'it is not hex');
	let json: unknown;
	try {
		json = JSON.parse(Buffer.from(hex, 'hex').toString('utf8'));
	} catch (error) {
		if (error instanceof SyntaxError) throw malformed(path, 'it holds no JSON');
		throw error;
	}
	const parsed = keyInfo.safeParse(json);
	if (!parsed.success) throw malformed(path, 'it holds no key of type secp256k1 or bls');
	const { Type, PrivateKey } = parsed.data;
	const key = signingKey(Type, Buffer.from(PrivateKey, 'base64'));
	if (key === undefined) throw malformed(path, `its ${Type} key is not valid`);
	return key;
}

function badMode(path: string, mode: number): PosterError {
	const shown = (mode & 0o777).toString(8).padStart(4, '0');
	return new PosterError('wallet-key-mode', `${path} has the mode ${shown}: others may read the key`, {
		advice: `chmod 600 ${path}`,
		meta: { path, mode: shown },
	});
}

function malformed(path: string, why: string, cause?: unknown): PosterError {
	return new PosterError('wallet-key-file', `${path} is not usable as a key file: ${why}`, {
		cause,
		advice: 'Write it with `lotus wallet export ADDRESS > FILE` and chmod 600.',
		meta: { path },
	});
}
