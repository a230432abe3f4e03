/**
 * `/poster/manifest/1`: 32 bytes of a root there, the manifest's bytes back, none when it is not held. Everyone who holds
 * a manifest serves it; the root tells whether the bytes are right, so it does not matter who answers.
 */
import { hexToBytes } from '@noble/hashes/utils.js';
import { toHex } from '../codec/hex.ts';
import { manifestRoot } from '../codec/manifest.ts';
import type { EffectOf, EventOf } from '../core/api.ts';
import { Bitfield } from '../domain/bitfield.ts';
import { isPosterError, PosterError } from '../domain/errors.ts';
import { type Hex32, hex32, type NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Log } from '../ports/log.ts';
import type { Streams } from '../ports/streams.ts';
import type { ManifestBook } from './manifest-book.ts';

export const MANIFEST_PROTOCOL = '/poster/manifest/1';
const ROOT_BYTES = 32;

export interface ManifestExchangePorts {
	readonly streams: Streams;
	readonly book: ManifestBook;
	readonly log: Log;
}

export interface ManifestExchangeOptions {
	readonly enqueue: (event: EventOf<'manifest-held' | 'manifest-failed'>) => void;
}

export class ManifestExchange {
	readonly #ports: ManifestExchangePorts;
	readonly #options: ManifestExchangeOptions;

	constructor(ports: ManifestExchangePorts, options: ManifestExchangeOptions) {
		this.#ports = ports;
		this.#options = options;
	}

	/** Answers others. */
	serve(): void {
		const { streams, book } = this.#ports;
		streams.onCall(MANIFEST_PROTOCOL, ROOT_BYTES, async (_peer, root) => {
			if (root.length !== ROOT_BYTES) throw new PosterError('stream-bad-request', 'a root has 32 bytes');
			return (await book.bytes(hex32(toHex(root)))) ?? new Uint8Array(0);
		});
	}

	/** Effect `fetch-manifest`. */
	async fetch({ root, from }: EffectOf<'fetch-manifest'>): Promise<void> {
		for (const peer of from) {
			if (await this.#fetchFrom(peer, root)) return;
		}
		this.#options.enqueue({ type: 'manifest-failed', root });
	}

	async #fetchFrom(peer: NodeId, root: Hex32): Promise<boolean> {
		const { streams, book, log } = this.#ports;
		try {
			const bytes = await streams.call(peer, MANIFEST_PROTOCOL, hexToBytes(root), {
				timeoutMs: limits.manifestAnswerMs,
				maxResponseBytes: limits.manifestBytes,
			});
			if (bytes.length === 0) return false;
			if (manifestRoot(bytes) !== root) {
				log.warn({ peer, root }, 'a peer served other bytes than the manifest it was asked for');
				return false;
			}
			await book.putBytes(bytes);
			const sectors = (await book.require(root)).map(({ number }) => number);
			this.#options.enqueue({ type: 'manifest-held', root, sectors: Bitfield.of(sectors) });
			return true;
		} catch (error) {
			if (!isPosterError(error)) throw error;
			log.info({ code: error.code, peer, root }, 'a manifest did not come');
			return false;
		}
	}
}
