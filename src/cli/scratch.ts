/**
 * The folder of one run under the system's temporary folder. A lock in it names the process that owns it, so that the
 * next run removes what one that was killed could not; a folder without the lock is kept for people to read.
 */
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '../domain/limits.ts';
import { fileError, readSmallFile, unlessMissing } from '../node/files.ts';
import { lockHolder, lockHome } from '../node/lock.ts';

export interface Scratch {
	readonly path: string;
	/** Removes the folder. */
	remove(): Promise<void>;
	/** Leaves the folder to its readers: no later run removes it. */
	keep(): Promise<void>;
}

const OWNER = 'owner';

/** A new folder whose name begins with `prefix`, after those of dead owners are gone. Rejects `file-io`. */
export async function openScratch(prefix: string, base = tmpdir()): Promise<Scratch> {
	await removeOrphans(prefix, base);
	const path = await mkdtemp(join(base, prefix)).catch((error: unknown) => {
		throw fileError(base, error);
	});
	const lock = await lockHome(join(path, OWNER));
	return {
		path,
		remove: () => rm(path, { recursive: true, force: true }),
		keep: () => lock.release(),
	};
}

async function removeOrphans(prefix: string, base: string): Promise<void> {
	const names = (await unlessMissing(readdir(base), base)) ?? [];
	for (const name of names.filter((text) => text.startsWith(prefix))) {
		const path = join(base, name);
		if (await isOrphan(path)) await rm(path, { recursive: true, force: true });
	}
}

/** Folders of other users are theirs: only an own one is looked into. */
async function isOrphan(path: string): Promise<boolean> {
	const info = await unlessMissing(lstat(path), path);
	if (info === undefined || !info.isDirectory() || info.uid !== process.getuid?.()) return false;
	const owner = join(path, OWNER);
	if ((await readSmallFile(owner, limits.keyFileBytes)) === undefined) return false;
	return (await lockHolder(owner)) === undefined;
}
