/** Fetches and checks the parameter files of a folder: one process at a time, and never over what somebody else put there. */
import { mkdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type FetchStep, fetchParameterFile } from '../adapters/params/fetch.ts';
import { inspectParameterFile, ioError } from '../adapters/params/inspect.ts';
import { partPath } from '../adapters/params/part-file.ts';
import type { ParameterSource } from '../adapters/params/source.ts';
import { isPosterError, PosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { ParameterFile } from '../domain/parameters.ts';
import type { Clock } from '../ports/clock.ts';
import { takeLock } from './lock.ts';

/** How far one file is. */
export interface ParamsStep extends Omit<FetchStep, 'what'> {
	readonly file: ParameterFile;
	readonly what: FetchStep['what'] | 'checking';
}

export interface ParamsOptions {
	readonly folder: string;
	readonly files: readonly ParameterFile[];
	readonly tell: (step: ParamsStep) => void;
	readonly signal: AbortSignal;
}

export interface ParamsFinding {
	readonly file: ParameterFile;
	/** Undefined for a file that is as published; its code is one of `inspectParameterFile`. */
	readonly problem: PosterError | undefined;
}

export interface FetchedFile {
	readonly file: ParameterFile;
	/** Null for one that was there. */
	readonly source: string | null;
}

const LOCK_NAME = '.poster-fetch.lock';

/** Every file judged, whatever the others are. Rejects only with the signal's reason. */
export async function verifyParameters(options: ParamsOptions): Promise<readonly ParamsFinding[]> {
	const findings: ParamsFinding[] = [];
	for (const file of options.files) findings.push({ file, problem: await problemOf(file, options) });
	return findings;
}

/**
 * Fetches what is missing. A complete folder is only read. Rejects `params-…` and `params-in-use`; an existing file that
 * is not as published is a reason to stop, never overwritten.
 */
export async function fetchParameters(
	clock: Clock,
	sources: readonly ParameterSource[],
	options: ParamsOptions,
): Promise<readonly FetchedFile[]> {
	const { folder, files, tell, signal } = options;
	const missing = await missingFiles(options);
	if (missing.length === 0) return files.map((file) => ({ file, source: null }));
	await mkdir(folder, { recursive: true }).catch((error: unknown) => {
		throw ioError(folder, error);
	});
	const lock = await takeLock(join(folder, LOCK_NAME), ({ pid }) => inUse(folder, pid)).catch((error: unknown) => {
		throw isPosterError(error, 'file-io') ? ioError(folder, error.cause) : error;
	});
	try {
		// Another process may have brought some of them in the meantime.
		const still = new Set(await missingFiles({ ...options, files: missing }));
		await requireSpace(folder, [...still]);
		const fetched: FetchedFile[] = [];
		for (const file of files) {
			const path = join(folder, file.name);
			const source = still.has(file)
				? await fetchParameterFile(clock, file, { path, sources, tell: (step) => tell({ ...step, file }), signal })
				: null;
			fetched.push({ file, source });
		}
		return fetched;
	} finally {
		await lock.release();
	}
}

async function missingFiles(options: ParamsOptions): Promise<readonly ParameterFile[]> {
	const missing: ParameterFile[] = [];
	for (const { file, problem } of await verifyParameters(options)) {
		if (problem === undefined) continue;
		if (problem.code !== 'params-missing') throw problem;
		missing.push(file);
	}
	return missing;
}

async function problemOf(
	file: ParameterFile,
	{ folder, tell, signal }: ParamsOptions,
): Promise<PosterError | undefined> {
	try {
		const checked = (done: number, total: number): void =>
			tell({ file, what: 'checking', source: '', reason: '', done, total });
		await inspectParameterFile(join(folder, file.name), file, checked, signal);
		return undefined;
	} catch (error) {
		signal.throwIfAborted();
		if (!isPosterError(error)) throw error;
		return error;
	}
}

async function requireSpace(folder: string, files: readonly ParameterFile[]): Promise<void> {
	let needed = limits.paramsSpareBytes;
	for (const { name, bytes } of files) {
		const part = await stat(partPath(join(folder, name))).catch(() => undefined);
		needed += Math.max(0, bytes - (part?.size ?? 0));
	}
	const { bavail, bsize } = await statfs(folder);
	const free = bavail * bsize;
	if (free >= needed) return;
	throw new PosterError('params-no-space', `${folder} has ${gigabytes(free)} free, ${gigabytes(needed)} are needed`, {
		advice: 'Free some space, or name a folder on another disk with --dir and in [proofs] params.',
		meta: { folder, free, needed },
	});
}

function gigabytes(bytes: number): string {
	return `${(bytes / 1e9).toFixed(1)} GB`;
}

function inUse(folder: string, pid: number): PosterError {
	return new PosterError('params-in-use', `process ${pid} fetches into ${folder}`, {
		advice: 'Wait for it; what it has brought is found by the next run.',
		meta: { folder, pid },
	});
}
