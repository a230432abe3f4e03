/**
 * Vanilla proofs in memory, bounded in bytes: what was opened ahead and nobody has read stays until its item is over;
 * what was read makes room for the unread, oldest first.
 */
import { assert } from '../../domain/errors.ts';
import type { SectorRead } from './read-queue.ts';

interface Entry {
	readonly read: SectorRead;
	readonly proof: Uint8Array;
}

export class ProofCache {
	readonly #maxBytes: number;
	readonly #unread = new Map<string, Entry>();
	/** In the order of their first reading. */
	readonly #read = new Map<string, Entry>();
	#unreadBytes = 0;
	#readBytes = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	get bytes(): number {
		return this.#unreadBytes + this.#readBytes;
	}

	has(key: string): boolean {
		return this.#unread.has(key) || this.#read.has(key);
	}

	/** Whether so many more unread bytes fit. */
	fits(bytes: number): boolean {
		return this.#unreadBytes + bytes <= this.#maxBytes;
	}

	/** The caller made sure that it is new and fits. */
	put(read: SectorRead, proof: Uint8Array): void {
		assert(!this.has(read.key) && this.fits(proof.length), 'a proof is put once and where there is room');
		this.#unread.set(read.key, { read, proof });
		this.#unreadBytes += proof.length;
		for (const [oldest, entry] of this.#read) {
			if (this.bytes <= this.#maxBytes) break;
			this.#read.delete(oldest);
			this.#readBytes -= entry.proof.length;
		}
	}

	/** The proof, which counts as read from now on. */
	take(key: string): Uint8Array | undefined {
		const entry = this.#unread.get(key);
		if (entry === undefined) return this.#read.get(key)?.proof;
		this.#unread.delete(key);
		this.#unreadBytes -= entry.proof.length;
		this.#read.set(key, entry);
		this.#readBytes += entry.proof.length;
		return entry.proof;
	}

	/** Drops everything that `keep` does not want. */
	retain(keep: (read: SectorRead) => boolean): void {
		for (const [key, { read, proof }] of this.#unread) {
			if (!keep(read) && this.#unread.delete(key)) this.#unreadBytes -= proof.length;
		}
		for (const [key, { read, proof }] of this.#read) {
			if (!keep(read) && this.#read.delete(key)) this.#readBytes -= proof.length;
		}
	}
}
