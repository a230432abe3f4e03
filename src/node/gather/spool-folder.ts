/**
 * The folder of spool files: one file per work item, all of them together bounded. Spools that were kept for later, also
 * those of an earlier run, are removed when their room is needed, oldest first.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PosterError } from '../../domain/errors.ts';
import { type WorkId, workIdOf } from '../../domain/ids.ts';
import { type Manifest, manifestIndex } from '../../domain/manifest.ts';
import type { Spool } from '../../ports/vanilla.ts';
import { makeFolder } from '../files.ts';

const NAME = /^([0-9a-f]{64})\.vanilla$/;

/** Slot i of a spool belongs to the i-th sector of the manifest. */
export function spoolOf(path: string, manifest: Manifest): Spool {
	return { path, slotOf: (sector) => manifestIndex(manifest, sector) };
}

export class SpoolFolder {
	readonly #folder: string;
	readonly #maxBytes: number;
	/** Files by work, oldest use first. */
	readonly #files = new Map<WorkId, { readonly bytes: number; inUse: boolean }>();

	private constructor(folder: string, maxBytes: number) {
		this.#folder = folder;
		this.#maxBytes = maxBytes;
	}

	/** Makes the folder if needed and finds what an earlier run left there, or removes it. Rejects `spool-io`. */
	static async open(folder: string, maxBytes: number, { empty = false } = {}): Promise<SpoolFolder> {
		const spools = new SpoolFolder(folder, maxBytes);
		try {
			if (empty) await rm(folder, { recursive: true, force: true });
			await makeFolder(folder);
			await spools.#find();
		} catch (cause) {
			throw new PosterError('spool-io', `the spool folder ${folder} cannot be used`, {
				cause,
				advice: 'Check its permissions and the disk, or choose another one with [spool] path.',
			});
		}
		return spools;
	}

	path(work: WorkId): string {
		return join(this.#folder, `${work}.vanilla`);
	}

	/** Room for a file of so many bytes, until `release`. Rejects `spool-full`, `spool-io`. */
	async reserve(work: WorkId, bytes: number): Promise<void> {
		const before = this.#files.get(work);
		this.#files.delete(work);
		for (const [oldest, file] of this.#files) {
			if (this.#used() + bytes <= this.#maxBytes) break;
			if (file.inUse) continue;
			this.#files.delete(oldest);
			try {
				await this.#remove(oldest);
			} catch (error) {
				// It takes its room still.
				this.#files.set(oldest, file);
				if (before !== undefined) this.#files.set(work, before);
				throw error;
			}
		}
		if (this.#used() + bytes > this.#maxBytes) {
			if (before !== undefined) this.#files.set(work, before);
			throw new PosterError('spool-full', 'the spool has no room for another partition', {
				advice: 'Raise [spool] max_bytes, or lower the number of proving slots.',
				meta: { usedBytes: this.#used(), maxBytes: this.#maxBytes },
			});
		}
		this.#files.set(work, { bytes, inUse: true });
	}

	/** Keeps the file of a work from being removed for others; false when there is none. */
	use(work: WorkId): boolean {
		const file = this.#files.get(work);
		if (file !== undefined) file.inUse = true;
		return file !== undefined;
	}

	/** The file stays until its room is needed (`keep`), or goes now. Rejects `spool-io`. */
	async release(work: WorkId, keep: boolean): Promise<void> {
		const file = this.#files.get(work);
		if (keep) {
			if (file !== undefined) file.inUse = false;
			return;
		}
		await this.#remove(work);
		this.#files.delete(work);
	}

	async #remove(work: WorkId): Promise<void> {
		await rm(this.path(work), { force: true }).catch((cause: Error) => {
			throw new PosterError('spool-io', `a spool file could not be removed: ${cause.message}`, { cause });
		});
	}

	#used(): number {
		let used = 0;
		for (const { bytes } of this.#files.values()) used += bytes;
		return used;
	}

	async #find(): Promise<void> {
		const found: { work: WorkId; bytes: number; changedMs: number }[] = [];
		for (const name of await readdir(this.#folder)) {
			const work = NAME.exec(name)?.[1];
			if (work === undefined) continue;
			const { size, mtimeMs } = await stat(join(this.#folder, name));
			found.push({ work: workIdOf(work), bytes: size, changedMs: mtimeMs });
		}
		found.sort((a, b) => a.changedMs - b.changedMs);
		for (const { work, bytes } of found) this.#files.set(work, { bytes, inUse: false });
	}
}
