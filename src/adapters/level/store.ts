/**
 * The Store port over LevelDB. One batch is one synced write of its log, so a batch is on disk as a whole or not at
 * all; LevelDB's own file lock keeps a second process out of the same folder.
 */
import { mkdir, statfs } from 'node:fs/promises';
import { Level } from 'level';
import { assert } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Store, Write } from '../../ports/store.ts';
import { foreignError, schemaError, storeError, storeFull } from './errors.ts';

/** Raised with every change of what keys or values mean: an older or newer folder is refused, never guessed at. */
export const STORE_SCHEMA = '1';
/** Sort before every printable key, so no prefix of the port reaches them. */
const SCHEMA_KEY = '\u0000schema';
const OWNER_KEY = '\u0000owner';
const FIRST_KEY = ' ';
const AFTER_ASCII = '\uffff';
const PRINTABLE = /^[\x20-\x7e]+$/;

/**
 * `folder` is made if need be. `owner` is written once: the sequence numbers in a store belong to one identity.
 * Rejects `store-locked`, `store-schema`, `store-foreign`, `store-full`, `store-io`.
 */
export async function openStore(folder: string, owner: NodeId): Promise<Store> {
	const database = new Level<string, Uint8Array>(folder, { keyEncoding: 'utf8', valueEncoding: 'view' });
	try {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		await database.open();
		const schema = await readOrWrite(database, SCHEMA_KEY, STORE_SCHEMA);
		if (schema !== STORE_SCHEMA) throw schemaError(folder, schema, STORE_SCHEMA);
		const found = await readOrWrite(database, OWNER_KEY, owner);
		if (found !== owner) throw foreignError(folder, found, owner);
	} catch (error) {
		await database.close();
		throw storeError(folder, error);
	}
	return new LevelStore(folder, database);
}

type Database = Level<string, Uint8Array>;

async function readOrWrite(database: Database, key: string, wanted: string): Promise<string> {
	const found = await database.get(key);
	if (found !== undefined) return Buffer.from(found).toString();
	await database.batch([{ type: 'put', key, value: Buffer.from(wanted) }], { sync: true });
	return wanted;
}

class LevelStore implements Store {
	readonly #folder: string;
	readonly #database: Database;
	/** Tail of the line of writes: batches keep their order, and opening anew is alone. */
	#line: Promise<void> = Promise.resolve();
	/** Reads wait for this while the database is opened anew. */
	#opening: Promise<void> = Promise.resolve();
	/** Set by a failed write: LevelDB then refuses every later one, because its log may end in a torn record. */
	#damaged = false;

	constructor(folder: string, database: Database) {
		this.#folder = folder;
		this.#database = database;
	}

	async get(key: string): Promise<Uint8Array | undefined> {
		checkKey(key);
		return this.#guard(async () => {
			await this.#opening;
			return this.#database.get(key);
		});
	}

	async *entries(prefix: string): AsyncIterable<readonly [key: string, value: Uint8Array]> {
		const range = { gte: prefix === '' ? FIRST_KEY : prefix, lt: prefix + AFTER_ASCII };
		try {
			await this.#opening;
			for await (const entry of this.#database.iterator(range)) yield entry;
		} catch (error) {
			throw storeError(this.#folder, error);
		}
	}

	write(batch: readonly Write[]): Promise<void> {
		for (const item of batch) {
			checkKey(item.key);
			assert(item.type === 'del' || item.value.length <= limits.storeValueBytes, `value of ${item.key} is too long`);
		}
		const turn = this.#line.then(() => this.#guard(() => this.#apply(batch)));
		// A failure belongs to the caller who holds `turn`; the line goes on with the next batch.
		this.#line = turn.catch(() => undefined);
		return turn;
	}

	async close(): Promise<void> {
		await this.#line;
		await this.#guard(() => this.#database.close());
	}

	async #apply(batch: readonly Write[]): Promise<void> {
		if (this.#damaged) await this.#recover();
		try {
			await this.#database.batch([...batch], { sync: true });
		} catch (error) {
			this.#damaged = true;
			throw error;
		}
	}

	/** Opening anew replays the log and starts another. It writes, so with a full disk the open database stays for reads. */
	async #recover(): Promise<void> {
		const disk = await statfs(this.#folder);
		if (disk.bavail * disk.bsize < limits.storeRecoveryBytes) throw storeFull(this.#folder);
		const opening = this.#database.close().then(() => this.#database.open());
		// Readers that wait learn of a failure from the database, which then is not open.
		this.#opening = opening.catch(() => undefined);
		await opening;
		this.#damaged = false;
	}

	async #guard<T>(run: () => Promise<T>): Promise<T> {
		try {
			return await run();
		} catch (error) {
			throw storeError(this.#folder, error);
		}
	}
}

function checkKey(key: string): void {
	assert(PRINTABLE.test(key) && key.length <= limits.storeKeyBytes, `store key ${JSON.stringify(key)}`);
}
