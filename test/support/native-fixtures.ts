/**
 * The real worker, test parameters and sealed sectors for tests: made once, kept in a cache that is keyed by the
 * worker's version, never changed by a test (copy what is to be damaged). POSTER_NATIVE names a ready worker,
 * POSTER_TEST_CACHE the cache.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { defaultCacheDir, ensureNative as findNative } from '../../src/adapters/native/build.ts';
import { NativeChild } from '../../src/adapters/native/native-child.ts';
import { hex32, sectorNumber } from '../../src/domain/ids.ts';
import type { Manifest } from '../../src/domain/manifest.ts';
import { memoryLog } from './memory-log.ts';
import { systemClock } from './system-clock.ts';

const run = promisify(execFile);

export interface SealedFixture {
	/** Storage folder with sealed/ and cache/. */
	readonly dir: string;
	readonly sectors: Manifest;
}

let native: Promise<string> | undefined;

/** Path of the worker; builds it when there is none yet. */
export function ensureNative(): Promise<string> {
	native ??= findNative({
		sources: resolve(import.meta.dirname, '../../native'),
		cacheDir: defaultCacheDir(process.env),
		binary: process.env['POSTER_NATIVE'],
	});
	return native;
}

/** Folder with the test parameters of 2 KiB window proofs; with those of winning proofs in another one (a minute, once). */
export async function ensureParams(kind: 'window' | 'both' = 'window'): Promise<string> {
	// The worker itself keeps what exists and lets a second process wait for the first.
	const dir = join(await cacheDir(), kind === 'window' ? 'params' : 'params-both');
	await run(await ensureNative(), ['params', 'generate-test', '--dir', dir, '--kind', kind]);
	return dir;
}

/** Sectors 0 to `count - 1` of the miner, of 2 KiB, the same in every run. */
export async function ensureSectors(miner: number, count: number): Promise<SealedFixture> {
	const dir = join(await cacheDir(), `sectors-${miner}-${count}`);
	const kept = await readManifest(dir);
	if (kept !== undefined) return { dir, sectors: kept };
	const fresh = await mkdtemp(`${dir}.`);
	await run(await ensureNative(), [
		...['seal', '--out', fresh, '--miner', String(miner), '--size', '2KiB'],
		...['--sectors', `0-${count - 1}`, '--seed', 'poster-test'],
	]);
	// Another process may have been first: its sectors are the same, byte for byte.
	await rename(fresh, dir).catch(() => rm(fresh, { recursive: true }));
	const made = await readManifest(dir);
	if (made === undefined) throw new Error(`no manifest in ${dir}`);
	return { dir, sectors: made };
}

async function readManifest(dir: string): Promise<Manifest | undefined> {
	const text = await readFile(join(dir, 'manifest.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT') return undefined;
		throw error;
	});
	if (text === undefined) return undefined;
	const { sectors } = JSON.parse(text) as { sectors: { number: number; commR: string; snap: boolean }[] };
	return sectors.map(({ number, commR, snap }) => ({
		number: sectorNumber(number),
		commR: hex32(commR),
		updated: snap,
	}));
}

async function cacheDir(): Promise<string> {
	const { stdout } = await run(await ensureNative(), ['version', '--json']);
	const version = createHash('sha256').update(stdout).digest('hex').slice(0, 12);
	const dir = join(process.env['POSTER_TEST_CACHE'] ?? join(tmpdir(), 'poster-test-cache'), version);
	await mkdir(dir, { recursive: true });
	return dir;
}

/** A child of the real worker in a scratch folder of its own. Whoever made it closes it. */
export async function nativeChild(mode: 'vanilla' | 'check' | 'prove' | 'verify', ...args: readonly string[]) {
	const scratch = await mkdtemp(join(tmpdir(), `poster-${mode}-`));
	return new NativeChild(
		{ clock: systemClock, log: memoryLog() },
		{
			command: [await ensureNative(), mode, ...args, '--threads', String(availableParallelism())],
			env: process.env,
			scratch,
			nice: 10,
		},
	);
}
