/** Small files of the home folder: secrets that only their owner may read, and writes that a crash cannot tear. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PosterError } from '../domain/errors.ts';

const OTHERS = 0o077;

/** Bytes of a file, or undefined if there is none. Rejects `file-too-long`, `file-io`. */
export async function readSmallFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
	const info = await unlessMissing(stat(path), path);
	if (info === undefined) return undefined;
	if (info.size > maxBytes) {
		throw new PosterError('file-too-long', `${path} has ${info.size} bytes, at most ${maxBytes} make sense`);
	}
	return unlessMissing(readFile(path), path);
}

/** As `readSmallFile`; rejects `key-mode` when anyone but the owner has a right to the file. */
export async function readSecretFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
	const info = await unlessMissing(stat(path), path);
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
		await mkdir(dirname(path), { recursive: true, mode: 0o700 });
		const file = await open(temporary, 'wx', mode);
		try {
			await file.writeFile(content);
			await file.sync();
		} finally {
			await file.close();
		}
	} catch (error) {
		await rm(temporary, { force: true });
		throw fileError(path, error);
	}
	return temporary;
}

export function fileError(path: string, error: unknown): unknown {
	if (error instanceof PosterError || !(error instanceof Error) || !('code' in error)) return error;
	return new PosterError('file-io', `${path}: ${error.message}`, {
		cause: error,
		advice: 'Check that the folder exists, that you own it, and that the disk has space.',
		meta: { path, code: String(error.code) },
	});
}

/** Undefined when the file (or a folder on the way to it) does not exist. */
export async function unlessMissing<T>(reading: Promise<T>, path: string): Promise<T | undefined> {
	try {
		return await reading;
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
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
