/**
 * The directory port on kad-dht: a provider record per miner and block of 1,024 sector numbers. A provide costs a mesh
 * of 8 nodes about 100 ms of CPU and has no batch form, so the keys go out one by one, slowly, and again within the 48
 * hours that they count.
 */
import { createHash } from 'node:crypto';
import type { PeerId } from '@libp2p/interface';
import type { KadDHT } from '@libp2p/kad-dht';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { create as createDigest } from 'multiformats/hashes/digest';
import { assert } from '../../domain/errors.ts';
import type { ActorId, NodeId } from '../../domain/ids.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Directory } from '../../ports/directory.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';

const PREFIX = new TextEncoder().encode('poster/holdings/1');
const SHA2_256 = 0x12;

/** CIDv1 (raw, sha2-256) of SHA-256(prefix ‖ miner as u64 ‖ block as u64), both big-endian. */
export function holdingsKey(miner: ActorId, block: number): CID {
	const bytes = new Uint8Array(PREFIX.byteLength + 16);
	bytes.set(PREFIX);
	const view = new DataView(bytes.buffer, PREFIX.byteLength);
	view.setBigUint64(0, BigInt(miner));
	view.setBigUint64(8, BigInt(block));
	return CID.createV1(raw.code, createDigest(SHA2_256, createHash('sha256').update(bytes).digest()));
}

export interface DirectoryComponents {
	/** Undefined when the DHT is switched off: provides nothing, finds nobody. */
	readonly dht: KadDHT | undefined;
	readonly self: PeerId;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
}

interface Holding {
	readonly cid: CID;
	readonly miner: ActorId;
	providedAt: number | undefined;
}

export class DhtDirectory implements Directory {
	readonly #components: DirectoryComponents;
	/** What this node holds, by key text, in the order of turns. Bounded by `directoryKeys`. */
	readonly #holdings = new Map<string, Holding>();
	readonly #stop = new AbortController();
	#cancel: (() => void) | undefined;
	#busy = false;
	/** Provides in a row that nobody took. */
	#failures = 0;

	constructor(components: DirectoryComponents) {
		this.#components = components;
	}

	provide(miner: ActorId, blocks: readonly number[]): void {
		const { dht, log, metrics } = this.#components;
		if (dht === undefined) return;
		const wanted = new Map(blocks.map((block) => [holdingsKey(miner, block), block]));
		const texts = new Set([...wanted.keys()].map(String));
		for (const [text, held] of this.#holdings) {
			if (held.miner !== miner || texts.has(text)) continue;
			this.#holdings.delete(text);
			dht.cancelReprovide(held.cid).catch((err: unknown) => log.debug({ err }, 'provider record not cancelled'));
		}
		for (const cid of wanted.keys()) {
			const text = cid.toString();
			if (this.#holdings.has(text)) continue;
			if (this.#holdings.size >= limits.directoryKeys) {
				metrics.count('poster_directory_failures_total', { operation: 'provide', reason: 'full' });
				log.warn({ miner, keys: limits.directoryKeys }, 'too many holdings for the directory');
				break;
			}
			this.#holdings.set(text, { cid, miner, providedAt: undefined });
		}
		this.#schedule();
	}

	async *find(
		miner: ActorId,
		block: number,
		options: { readonly timeoutMs: number; readonly limit: number; readonly signal?: AbortSignal },
	): AsyncIterable<NodeId> {
		const { dht, self, log, metrics } = this.#components;
		assert(options.limit > 0, 'limit is positive');
		if (dht === undefined) return;
		const signals = [AbortSignal.timeout(options.timeoutMs), this.#stop.signal];
		const signal = AbortSignal.any(options.signal === undefined ? signals : [...signals, options.signal]);
		const found = new Set<string>([self.toString()]);
		try {
			for await (const event of dht.findProviders(holdingsKey(miner, block), { signal })) {
				if (event.name !== 'PROVIDER') continue;
				for (const { id } of event.providers) {
					const text = id.toString();
					if (found.has(text)) continue;
					found.add(text);
					yield nodeId(text);
					if (found.size > options.limit) return;
				}
			}
		} catch (err) {
			// The DHT is a hint: no answer is none.
			const reason = signal.aborted ? 'timeout' : 'failed';
			metrics.count('poster_directory_failures_total', { operation: 'find', reason });
			log.debug({ miner, block, err }, 'directory search ended early');
		}
	}

	stop(): void {
		this.#cancel?.();
		this.#stop.abort();
	}

	#schedule(pauseMs: number = limits.provideIntervalMs): void {
		if (this.#busy || this.#stop.signal.aborted) return;
		this.#cancel?.();
		this.#cancel = this.#components.clock.after(pauseMs, () => {
			this.#cancel = undefined;
			void this.#provideNext();
		});
	}

	async #provideNext(): Promise<void> {
		const now = this.#components.clock.now();
		const next = this.#holdings
			.values()
			.find(({ providedAt }) => providedAt === undefined || now - providedAt >= limits.directoryRenewMs);
		if (next === undefined) {
			this.#schedule(limits.directoryLookMs);
			return;
		}
		this.#busy = true;
		this.#failures++;
		this.#giveTurn(next);
		try {
			if ((await this.#announce(next.cid)) > 0) {
				next.providedAt = now;
				this.#failures = 0;
				this.#components.metrics.count('poster_directory_provided_total');
			}
		} catch (err) {
			this.#components.metrics.count('poster_directory_failures_total', { operation: 'provide', reason: 'failed' });
			this.#components.log.debug({ err }, 'provide failed, trying again');
		} finally {
			this.#busy = false;
		}
		// A node without peers in the DHT has nobody to tell, however often it tries.
		this.#schedule(Math.min(limits.provideIntervalMs * 2 ** this.#failures, limits.provideRetryMaxMs));
	}

	/** The others come first now: one key that nobody takes must not hold them up. */
	#giveTurn(holding: Holding): void {
		const text = holding.cid.toString();
		this.#holdings.delete(text);
		this.#holdings.set(text, holding);
	}

	/** Nodes that took the record. None while nobody is in the routing table: libp2p counts that as success. */
	async #announce(cid: CID): Promise<number> {
		const { dht } = this.#components;
		const signal = AbortSignal.any([AbortSignal.timeout(limits.provideMs), this.#stop.signal]);
		let taken = 0;
		if (dht === undefined) return taken;
		for await (const event of dht.provide(cid, { signal })) {
			if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') taken += 1;
		}
		return taken;
	}
}
