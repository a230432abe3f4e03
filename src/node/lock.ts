/**
 * One process per home or folder. The lock file tells people which process holds it; for a home the kernel's lock on the
 * store, taken right after, is what stops two processes that take over the same stale file at the same moment.
 */
import { link, readFile, rename, rm } from 'node:fs/promises';
import { z } from 'zod';
import { PosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { fileError, readSmallFile, unlessMissing, writeBeside } from './files.ts';

const LockContent = z.object({ pid: z.int().positive(), started: z.string() });
export type LockHolder = z.infer<typeof LockContent>;

export interface HomeLock {
	/** Idempotent. Leaves the file of anyone else alone. */
	release(): Promise<void>;
}

/** Rejects `home-in-use` with the pid of the living holder. */
export function lockHome(path: string): Promise<HomeLock> {
	return takeLock(path, (holder) => inUse(path, holder));
}

/** Rejects with what `inUse` makes of the living holder, or `file-io`. */
export async function takeLock(path: string, inUse: (holder: LockHolder) => PosterError): Promise<HomeLock> {
	const own = JSON.stringify({ pid: process.pid, started: await processStart(process.pid) } satisfies LockHolder);
	const temporary = await writeBeside(path, own, 0o644);
	try {
		await place(temporary, path, inUse);
	} catch (error) {
		throw fileError(path, error);
	} finally {
		await rm(temporary, { force: true });
	}
	const release = async (): Promise<void> => {
		const content = await readSmallFile(path, limits.keyFileBytes);
		if (content?.toString('utf8') === own) await rm(path, { force: true });
	};
	return { release };
}

/** The living process that holds the lock, if any. */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
	const content = await readSmallFile(path, limits.keyFileBytes);
	const holder = content && parse(content.toString('utf8'));
	return holder !== undefined && (await isAlive(holder)) ? holder : undefined;
}

async function place(temporary: string, path: string, inUse: (holder: LockHolder) => PosterError): Promise<void> {
	if (await linked(temporary, path)) return;
	const holder = await lockHolder(path);
	if (holder !== undefined) throw inUse(holder);
	// Stale: its process is gone. A rename replaces it in one step.
	await rename(temporary, path);
}

async function linked(temporary: string, path: string): Promise<boolean> {
	try {
		await link(temporary, path);
		return true;
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
		throw error;
	}
}

function inUse(path: string, holder: LockHolder): PosterError {
	return new PosterError('home-in-use', `process ${holder.pid} uses this home (${path})`, {
		advice: 'Stop that process first, or give this one its own --home.',
		meta: { pid: holder.pid },
	});
}

function parse(text: string): LockHolder | undefined {
	try {
		return LockContent.parse(JSON.parse(text));
	} catch (error) {
		// A torn file of a machine that lost power names nobody, so nobody holds it.
		if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
		throw error;
	}
}

/** A pid alone may have been given to another process since: it must have started at the same moment, too. */
async function isAlive(holder: LockHolder): Promise<boolean> {
	try {
		process.kill(holder.pid, 0);
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
		// EPERM: it lives and belongs to somebody else.
	}
	return holder.started === (await processStart(holder.pid));
}

/** Linux: boot id and start tick of the process, unique over reboots. Elsewhere '' (the pid alone counts). */
async function processStart(pid: number): Promise<string> {
	if (process.platform !== 'linux') return '';
	const stat = await unlessMissing(readFile(`/proc/${pid}/stat`, 'utf8'), '/proc');
	const boot = await unlessMissing(readFile('/proc/sys/kernel/random/boot_id', 'utf8'), '/proc');
	// Field 22 (proc_pid_stat(5)); counting starts after the command's name, which may hold spaces and parentheses.
	const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
	return `${boot?.trim()} ${ticks}`;
}
