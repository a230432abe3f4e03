/**
 * A Store in memory with a disk that can be slow, full or cut off. A batch reaches the disk when it is synced; `crash`
 * gives the store that the next start of the node would find. With `syncs: false` the store answers a write before it
 * is on disk, as a careless adapter would: it then refuses the keys whose loss breaks the protocol.
 */
import { assert, PosterError } from '../../src/domain/errors.ts';
import type { Store, Write } from '../../src/ports/store.ts';

/** Keys of results, submissions, sequence and incarnation: never written but by a synced batch. */
const MUST_SYNC = /^(r\/|s\/|q$|q\/|i$|i\/)/;

export interface MemoryStoreOptions {
	readonly syncs?: boolean;
	readonly mustSync?: RegExp;
}

export class MemoryStore implements Store {
	readonly #options: Required<MemoryStoreOptions>;
	#disk = new Map<string, Uint8Array>();
	#seen = new Map<string, Uint8Array>();
	#failures: PosterError[] = [];
	#held: (() => void)[] | undefined;
	#closed = false;
	/** Batches that were written, for tests of their order. */
	readonly batches: (readonly Write[])[] = [];

	constructor(options: MemoryStoreOptions = {}, disk: ReadonlyMap<string, Uint8Array> = new Map()) {
		this.#options = { syncs: true, mustSync: MUST_SYNC, ...options };
		this.#disk = new Map(disk);
		this.#seen = new Map(disk);
	}

	/** The next writes fail with these codes, one each; they leave nothing behind. */
	failNext(...codes: readonly ('store-full' | 'store-io')[]): void {
		this.#failures.push(...codes.map((code) => new PosterError(code, `${code} as the test asked`)));
	}

	/** From now on writes wait for `release`: a disk that hangs. */
	hold(): void {
		this.#held ??= [];
	}

	release(): void {
		const waiting = this.#held ?? [];
		this.#held = undefined;
		for (const go of waiting) go();
	}

	/** What the next start finds: everything synced, nothing else. This store is dead from then on. */
	crash(): MemoryStore {
		this.#closed = true;
		return new MemoryStore(this.#options, this.#disk);
	}

	async get(key: string): Promise<Uint8Array | undefined> {
		this.#alive();
		return this.#seen.get(key)?.slice();
	}

	async *entries(prefix: string): AsyncIterable<readonly [key: string, value: Uint8Array]> {
		this.#alive();
		const keys = [...this.#seen.keys()].filter((key) => key.startsWith(prefix)).sort();
		const found = keys.map((key) => [key, (this.#seen.get(key) as Uint8Array).slice()] as const);
		yield* found;
	}

	async write(batch: readonly Write[]): Promise<void> {
		this.#alive();
		if (this.#held !== undefined) await new Promise<void>((go) => this.#held?.push(go));
		this.#alive();
		const failure = this.#failures.shift();
		if (failure !== undefined) throw failure;
		if (!this.#options.syncs) {
			const lost = batch.find((item) => this.#options.mustSync.test(item.key));
			assert(lost === undefined, `${lost?.key} was written without a sync`);
		}
		apply(this.#seen, batch);
		if (this.#options.syncs) apply(this.#disk, batch);
		this.batches.push(batch);
	}

	async close(): Promise<void> {
		this.#disk = new Map(this.#seen);
		this.#closed = true;
	}

	/** The store that is opened after an orderly `close`. */
	reopen(): MemoryStore {
		assert(this.#closed, 'a store is reopened after it was closed');
		return new MemoryStore(this.#options, this.#disk);
	}

	#alive(): void {
		if (this.#closed) throw new PosterError('store-io', 'the store is closed');
	}
}

function apply(map: Map<string, Uint8Array>, batch: readonly Write[]): void {
	for (const item of batch) {
		if (item.type === 'put') map.set(item.key, item.value.slice());
		else map.delete(item.key);
	}
}
