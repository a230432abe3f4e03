/**
 * Judges a parameter file that lies on disk, the cheap way first: what its own counts say about its length, the key at
 * its head, and only then the digest of all of it.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { ParameterFile } from '../../domain/parameters.ts';
import { FileDigest } from './file-digest.ts';

/** Bytes of the points in the sections h, l, a and b_g1 (G1) and b_g2 (G2) after the verifying key, uncompressed. */
const SECTION_POINT_BYTES = [96, 96, 96, 96, 192] as const;
const COUNT_BYTES = 4;

/** Bytes digested so far; `total` is the length of the file. */
export type OnBytes = (done: number, total: number) => void;

/**
 * Resolves when the file is the published one. Rejects `params-missing`, `params-truncated`, `params-circuit`,
 * `params-digest`, `params-io`, or the signal's reason.
 */
export async function inspectParameterFile(
	path: string,
	file: ParameterFile,
	onBytes: OnBytes,
	signal: AbortSignal,
): Promise<void> {
	const handle = await openParameterFile(path);
	try {
		const { size } = await handle.stat();
		const wanted = await wantedBytes(handle, file, size);
		if (size < wanted) throw truncated(path, size, wanted);
		const digest = new FileDigest(file);
		await digestFile(handle, digest, (done) => onBytes(done, size), signal);
		digest.check();
	} catch (error) {
		throw ioError(path, error);
	} finally {
		await handle.close();
	}
}

/** Feeds all of a file into `digest`. */
export async function digestFile(
	handle: FileHandle,
	digest: FileDigest,
	onBytes: (done: number) => void,
	signal: AbortSignal,
): Promise<void> {
	const buffer = Buffer.allocUnsafe(limits.paramsChunkBytes);
	for (;;) {
		signal.throwIfAborted();
		const { bytesRead } = await handle.read(buffer, 0, buffer.length, digest.bytes);
		if (bytesRead === 0) return;
		digest.update(buffer.subarray(0, bytesRead));
		onBytes(digest.bytes);
	}
}

/** Failures of the file system with what to do about them; everything else as it is. */
export function ioError(path: string, error: unknown): unknown {
	if (error instanceof PosterError || !(error instanceof Error) || !('code' in error)) return error;
	return new PosterError('params-io', `${path}: ${error.message}`, {
		cause: error,
		advice: 'Check the permissions of the folder and the free space, or name another folder with --dir.',
		meta: { path, code: String(error.code) },
	});
}

async function openParameterFile(path: string): Promise<FileHandle> {
	try {
		return await open(path, 'r');
	} catch (error) {
		if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw ioError(path, error);
		throw new PosterError('params-missing', `${path} is not there`, {
			cause: error,
			advice: 'Run `poster-node params fetch`.',
			meta: { path },
		});
	}
}

/** Length that the file must have at least, as far as its own counts can be read: a damaged count is the digest's to find. */
async function wantedBytes(handle: FileHandle, { head, bytes }: ParameterFile, size: number): Promise<number> {
	if (head === undefined) return bytes;
	let end = head.bytes;
	for (const pointBytes of SECTION_POINT_BYTES) {
		if (end + COUNT_BYTES > size) return end + COUNT_BYTES;
		const count = Buffer.alloc(COUNT_BYTES);
		await handle.read(count, 0, COUNT_BYTES, end);
		end += COUNT_BYTES + count.readUInt32BE() * pointBytes;
	}
	return end;
}

function truncated(path: string, size: number, wanted: number): PosterError {
	return new PosterError('params-truncated', `${path} is cut off: ${size} bytes of at least ${wanted}`, {
		advice: `Remove it and run \`poster-node params fetch\`, or rename it to ${path}.part to have it completed.`,
		meta: { path, size, wanted },
	});
}
