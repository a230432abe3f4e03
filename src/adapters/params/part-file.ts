/**
 * A parameter file on its way: `NAME.part` beside its place, digested as it grows, found again by the next run. It gets
 * its name only when all of it is the published file, so whoever looks for the name never finds less.
 */
import { type FileHandle, open, rename } from 'node:fs/promises';
import { isPosterError } from '../../domain/errors.ts';
import type { ParameterFile } from '../../domain/parameters.ts';
import { FileDigest } from './file-digest.ts';
import { digestFile, ioError } from './inspect.ts';

const FILE_MODE = 0o644;

export function partPath(path: string): string {
	return `${path}.part`;
}

export class PartFile {
	readonly #path: string;
	readonly #file: ParameterFile;
	readonly #handle: FileHandle;
	#digest: FileDigest;

	/** With what an earlier run left, unless that is of another circuit. Rejects `params-io`, or the signal's reason. */
	static async open(
		path: string,
		file: ParameterFile,
		onBytes: (done: number) => void,
		signal: AbortSignal,
	): Promise<PartFile> {
		const handle = await opened(partPath(path));
		const part = new PartFile(path, file, handle);
		try {
			await digestFile(handle, part.#digest, onBytes, signal);
		} catch (error) {
			if (isPosterError(error, 'params-circuit')) {
				await part.clear();
				return part;
			}
			await handle.close();
			throw ioError(path, error);
		}
		return part;
	}

	private constructor(path: string, file: ParameterFile, handle: FileHandle) {
		this.#path = path;
		this.#file = file;
		this.#handle = handle;
		this.#digest = new FileDigest(file);
	}

	get bytes(): number {
		return this.#digest.bytes;
	}

	/** Rejects `params-io`, or `params-circuit`, after which only `clear` helps. */
	async append(chunk: Uint8Array): Promise<void> {
		try {
			let written = 0;
			while (written < chunk.length) {
				const { bytesWritten } = await this.#handle.write(chunk, written, chunk.length - written, this.bytes + written);
				written += bytesWritten;
			}
		} catch (error) {
			throw ioError(this.#path, error);
		}
		this.#digest.update(chunk);
	}

	/** Throws `params-digest` unless it is complete and right. */
	check(): void {
		this.#digest.check();
	}

	/** Throws away what is there. */
	async clear(): Promise<void> {
		await this.#handle.truncate(0);
		this.#digest = new FileDigest(this.#file);
	}

	/** Gives a checked file its name. */
	async finish(): Promise<void> {
		try {
			await this.#handle.sync();
			await rename(partPath(this.#path), this.#path);
		} catch (error) {
			throw ioError(this.#path, error);
		}
	}

	close(): Promise<void> {
		return this.#handle.close();
	}
}

/** Opened for reading and writing; what is there is kept. */
async function opened(path: string): Promise<FileHandle> {
	try {
		// `a+` would write at the end, whatever position is named.
		return await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
			if (error.code !== 'ENOENT') throw error;
			return open(path, 'wx+', FILE_MODE);
		});
	} catch (error) {
		throw ioError(path, error);
	}
}
