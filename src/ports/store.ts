import type { Write } from '../domain/write.ts';

export type { Write } from '../domain/write.ts';

/** Ordered key-value store of a node's home. Keys are ASCII text, values opaque bytes. */
export interface Store {
	get(key: string): Promise<Uint8Array | undefined>;
	/** Entries whose key starts with `prefix`, in key order. */
	entries(prefix: string): AsyncIterable<readonly [key: string, value: Uint8Array]>;
	/**
	 * Applies all writes or none and resolves after they are on disk (synced).
	 * Errors: `store-full` (no space), `store-io`. As after a crash the batch is then on disk as a whole or not at all:
	 * the caller writes the same batch again. Batches are applied in the order of the calls.
	 */
	write(batch: readonly Write[]): Promise<void>;
	close(): Promise<void>;
}
