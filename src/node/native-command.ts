/** Which programs are the native worker: of the config, of the environment, or built from the sources of this package. */
import { resolve } from 'node:path';
import { defaultCacheDir, ensureNative } from '../adapters/native/build.ts';
import type { NodeLog } from '../adapters/observe/log.ts';
import { type Config, configuredRoles } from './config.ts';
import { makeFolder } from './files.ts';

const NATIVE_SOURCES = resolve(import.meta.dirname, '../../native');

/** A node that only carries messages verifies nothing, and needs no worker and no keys. */
export function verifies(config: Config): boolean {
	return configuredRoles(config).length > 0 || config.winning !== undefined;
}

/** Rejects like `ensureNative`. */
export async function nativeCommand(config: Config, log: NodeLog, signal: AbortSignal): Promise<readonly string[]> {
	if (config.native.worker !== undefined) return config.native.worker;
	if (!verifies(config)) return ['poster-native'];
	return [await built(process.env['POSTER_NATIVE'], false, log, signal)];
}

/** The CUDA build; undefined where no GPU slot needs it. Rejects like `ensureNative`. */
export async function gpuCommand(
	config: Config,
	log: NodeLog,
	signal: AbortSignal,
): Promise<readonly string[] | undefined> {
	const slots = config.prover?.slots ?? [];
	if (!slots.some(({ kind, worker }) => kind === 'gpu' && worker === undefined)) return undefined;
	return config.native.gpuWorker ?? [await built(process.env['POSTER_NATIVE_CUDA'], true, log, signal)];
}

async function built(binary: string | undefined, cuda: boolean, log: NodeLog, signal: AbortSignal): Promise<string> {
	const cacheDir = defaultCacheDir(process.env);
	if (binary === undefined) await makeFolder(cacheDir);
	return ensureNative({
		sources: NATIVE_SOURCES,
		cacheDir,
		cuda,
		binary,
		signal,
		onProgress: ({ done, total, leftMs }) => log.info({ done, total, leftMs, cuda }, 'building the native worker'),
	});
}
