/** Small files of the home folder: secrets that only their owner may read, and writes that a crash cannot tear. */
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { access, constants, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { PosterError } from '../domain/errors.ts';

const OTHERS = 0o077;

/** Bytes of a file, or undefined if there is none. Rejects `file-too-long`, `file-io`. */
export async function readSmallFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
	const info = await unlessMissing(stat(path), path);
	if (info === undefined) return undefined;
	requireFile(path, info);
	if (info.size > maxBytes) {
		throw new PosterError('file-too-long', `${path} has ${info.size} bytes, at most ${maxBytes} make sense`, {
			advice: 'It is another file than the one that belongs there: name the right one, or restore it from a backup.',
			meta: { path, bytes: info.size },
		});
	}
	return unlessMissing(readFile(path), path);
}

/** Reading a pipe or a device may never end. */
function requireFile(path: string, info: Stats): void {
	if (info.isFile()) return;
	throw new PosterError('file-io', `${path} is ${info.isDirectory() ? 'a folder' : 'no regular file'}`, {
		advice: 'Name the file itself.',
		meta: { path },
	});
}

/** As `readSmallFile`; rejects `key-mode` when anyone but the owner has a right to the file. */
export async function readSecretFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
	const info = await unlessMissing(stat(path), path);
	if (info !== undefined) requireFile(path, info);
	if (info !== undefined && (info.mode & OTHERS) !== 0 && process.platform !== 'win32') {
		throw new PosterError('key-mode', `${path} may be read by others (mode ${(info.mode & 0o777).toString(8)})`, {
			advice: `Make sure that nobody has copied it, then run: chmod 600 ${path}`,
			meta: { path },
		});
	}
	return readSmallFile(path, maxBytes);
}

/** Replaces `path` as a whole: a reader, or a start after a crash, finds the old content or the new one. */
export async function writeFileAtomic(path: string, content: Uint8Array | string, mode: number): Promise<void> {
	const temporary = await writeBeside(path, content, mode);
	try {
		await rename(temporary, path);
		await syncFolder(dirname(path));
	} catch (error) {
		await rm(temporary, { force: true });
		throw fileError(path, error);
	}
}

/** Writes and syncs a new file in the folder of `path`; its name is the answer. */
export async function writeBeside(path: string, content: Uint8Array | string, mode: number): Promise<string> {
	const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
	try {
		await makeFolder(dirname(path));
		const file = await open(temporary, 'wx', mode);
		try {
			await file.writeFile(content);
			await file.sync();
		} catch (error) {
			await rm(temporary, { force: true });
			throw error;
		} finally {
			await file.close();
		}
	} catch (error) {
		throw fileError(path, error);
	}
	return temporary;
}

/**
 * The folder and those above it, with no right for others. Node's own `recursive` never ends where the folder above is
 * there and yet nothing can be made in it, as under /proc (a busy loop in `MKDirpAsync`). Rejects `file-io`.
 */
export async function makeFolder(path: string): Promise<void> {
	try {
		await makeWithParents(resolve(path));
	} catch (error) {
		throw fileError(path, error);
	}
}

/** Also rejects `file-io` when nothing can be written there: asked before a run whose outcome goes into it. */
export async function makeWritableFolder(path: string): Promise<void> {
	await makeFolder(path);
	try {
		await access(path, constants.W_OK);
	} catch (error) {
		throw fileError(path, error);
	}
}

async function makeWithParents(path: string): Promise<void> {
	try {
		await makeOne(path);
	} catch (error) {
		if (!hasCode(error, 'ENOENT') || dirname(path) === path) throw error;
		await makeWithParents(dirname(path));
		await makeOne(path);
	}
}

async function makeOne(path: string): Promise<void> {
	try {
		await mkdir(path, 0o700);
	} catch (error) {
		if (!hasCode(error, 'EEXIST') || !(await stat(path)).isDirectory()) throw error;
	}
}

function hasCode(error: unknown, code: string): boolean {
	return error instanceof Error && 'code' in error && error.code === code;
}

export function fileError(path: string, error: unknown): unknown {
	if (error instanceof PosterError || !(error instanceof Error) || !('code' in error)) return error;
	return new PosterError('file-io', `${path}: ${error.message}`, {
		cause: error,
		advice:
			FILE_ADVICE[String(error.code)] ?? 'Check that the folder exists, that you own it, and that the disk works.',
		meta: { path, code: String(error.code) },
	});
}

/** By what the system says. */
const FILE_ADVICE: Readonly<Record<string, string>> = {
	EACCES: 'This user may not do that: run it as the owner of the file, or name another place.',
	EPERM: 'This user may not do that: run it as the owner of the file, or name another place.',
	ENOENT: 'Nothing can be made there: name a folder on a disk of yours.',
	ENOTDIR: 'A part of the path is a file, not a folder: name another place.',
	EEXIST: 'A file lies where a folder is needed: name another place, or move the file away.',
	EISDIR: 'A folder lies where a file is needed: name the file itself.',
	ENOSPC: 'The disk is full: free some space.',
	EROFS: 'The disk is read-only: name another place.',
};

/** Undefined when the file (or a folder on the way to it) does not exist. */
export async function unlessMissing<T>(reading: Promise<T>, path: string): Promise<T | undefined> {
	try {
		return await reading;
	} catch (error) {
		if (hasCode(error, 'ENOENT')) return undefined;
		throw fileError(path, error);
	}
}

async function syncFolder(path: string): Promise<void> {
	// Windows cannot open a folder; its rename is durable by itself.
	if (process.platform === 'win32') return;
	const folder = await open(path, 'r');
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}
