/** A machine's store: a batch takes a few milliseconds to sync, and a crash before that loses it whole or keeps it whole. */
import type { Write } from '../../src/domain/write.ts';
import type { Random } from './random.ts';

const SYNC_LEAST_MS = 1;
const SYNC_MOST_MS = 8;

export class Disk {
	readonly #random: Random;
	readonly #kept = new Map<string, Uint8Array>();
	/** Sent to the disk and not acknowledged. */
	#unsynced: readonly Write[] = [];
	/** World time before which nothing is written: the disk is full or hangs. */
	stalledUntil = 0;

	constructor(random: Random) {
		this.#random = random;
	}

	/** Sends a batch off; returns how long it takes. One at a time. */
	write(batch: readonly Write[], now: number): number {
		this.#unsynced = batch;
		const ms = this.#random.between(SYNC_LEAST_MS, SYNC_MOST_MS);
		return Math.max(ms, this.stalledUntil - now + ms);
	}

	/** The batch is safe. */
	synced(): readonly Write[] {
		const batch = this.#unsynced;
		for (const write of batch) this.#apply(write);
		this.#unsynced = [];
		return batch;
	}

	/** Power loss: what was under way is there or not, never in part. Returns what is there. */
	crash(now: number): readonly Write[] {
		const kept = this.stalledUntil <= now && this.#random.chance(500) ? this.#unsynced : [];
		for (const write of kept) this.#apply(write);
		this.#unsynced = [];
		return kept;
	}

	/** Another disk stands in its place. */
	wipe(): void {
		this.#kept.clear();
	}

	has(key: string): boolean {
		return this.#kept.has(key);
	}

	put(key: string, value: Uint8Array): void {
		this.#kept.set(key, value);
	}

	delete(key: string): void {
		this.#kept.delete(key);
	}

	/** In key order, as a store lists them. */
	entries(): readonly (readonly [string, Uint8Array])[] {
		return [...this.#kept].sort(([a], [b]) => (a < b ? -1 : 1));
	}

	#apply(write: Write): void {
		if (write.type === 'put') this.#kept.set(write.key, write.value);
		else this.#kept.delete(write.key);
	}
}
