/**
 * What a devnet needs before it can start, made once and kept in the cache folder: the native worker, test parameters,
 * sealed sectors. Everything is derived from seeds, so a cached copy is as good as a new one.
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { defaultCacheDir, ensureNative } from '../../adapters/native/build.ts';
import { runNative } from '../../adapters/native/one-shot.ts';
import type { GenesisSector } from '../../devnet/genesis.ts';
import { hex32 } from '../../domain/ids.ts';
import { makeFolder } from '../../node/files.ts';

const NATIVE_SOURCES = resolve(import.meta.dirname, '../../../native');
const SEED = 'poster-devnet';
const CHUNK = 2;

/** One line of progress: what is being made, how far (0 to 1, undefined when nobody knows), milliseconds left. */
export interface PreparationProgress {
	readonly what: 'native worker' | 'test parameters' | 'sectors';
	readonly share: number | undefined;
	readonly leftMs: number | undefined;
}

export type OnProgress = (progress: PreparationProgress) => void;

export interface SealedSectors {
	/** Storage folder with sealed/ and cache/. */
	readonly dir: string;
	readonly sectors: readonly GenesisSector[];
}

/** Path of the worker; builds it when there is none. Rejects `native-…`, or the signal's reason. */
export async function prepareNative(onProgress: OnProgress, signal?: AbortSignal): Promise<string> {
	const cacheDir = defaultCacheDir(process.env);
	const binary = process.env['POSTER_NATIVE'];
	if (binary === undefined) await makeFolder(cacheDir);
	return ensureNative({
		sources: NATIVE_SOURCES,
		cacheDir,
		binary,
		onProgress: ({ done, total, leftMs }) => onProgress({ what: 'native worker', share: done / total, leftMs }),
		signal,
	});
}

/** Folder with test parameters of 2 KiB window proofs. Rejects `native-command`. */
export async function prepareParameters(native: string, onProgress: OnProgress, signal?: AbortSignal): Promise<string> {
	const dir = join(defaultCacheDir(process.env), 'test-params');
	// The generator tells no progress of its own; what exists is checked and kept within a second.
	const tell = (line: Readonly<Record<string, unknown>>): void => {
		if (line['event'] === 'start') onProgress({ what: 'test parameters', share: undefined, leftMs: PARAMETERS_MS });
	};
	await runNative(native, ['params', 'generate-test', '--dir', dir], tell, signal);
	return dir;
}

/** What one core of 2020 takes to make the 2 KiB parameters: the first guess that is shown. */
const PARAMETERS_MS = 10_000;

/** Sectors of 2 KiB with these numbers. Rejects `native-command`. */
export async function prepareSectors(
	native: string,
	options: { readonly dir: string; readonly miner: number; readonly numbers: readonly number[] },
	onProgress: OnProgress,
	signal?: AbortSignal,
): Promise<SealedSectors> {
	const { dir, miner, numbers } = options;
	const known = await readManifest(dir);
	const missing = numbers.filter((number) => !known.some((sector) => sector.number === number));
	const startedMs = performance.now();
	for (let done = 0; done < missing.length; done += CHUNK) {
		const elapsed = performance.now() - startedMs;
		const leftMs = done === 0 ? undefined : (elapsed / done) * (missing.length - done);
		onProgress({ what: 'sectors', share: done / missing.length, leftMs });
		const list = missing.slice(done, done + CHUNK).join(',');
		await makeFolder(dir);
		const seal = ['seal', '--out', dir, '--miner', String(miner), '--size', '2KiB', '--sectors', list, '--seed', SEED];
		await runNative(native, seal, () => undefined, signal);
	}
	const sectors = (await readManifest(dir)).filter(({ number }) => numbers.includes(number));
	return { dir, sectors };
}

const ManifestShape = z.object({
	sectors: z.array(z.object({ number: z.int(), commR: z.string(), sealProof: z.int(), snap: z.boolean() })),
});

async function readManifest(dir: string): Promise<readonly GenesisSector[]> {
	let content: string;
	try {
		content = await readFile(join(dir, 'manifest.json'), 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
		throw error;
	}
	return ManifestShape.parse(JSON.parse(content)).sectors.map(({ number, commR, sealProof, snap }) => ({
		number,
		commR: hex32(commR),
		sealProof,
		updated: snap,
	}));
}
