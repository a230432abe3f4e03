/** What LevelDB's failures mean to an operator: it reports them as texts of the operating system. */
import { PosterError } from '../../domain/errors.ts';

const NO_SPACE = /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/;

export function storeError(folder: string, error: unknown): unknown {
	if (error instanceof PosterError || !(error instanceof Error)) return error;
	const root = error.cause instanceof Error ? error.cause : error;
	if (NO_SPACE.test(root.message)) return storeFull(folder, error);
	if ('code' in root && root.code === 'LEVEL_LOCKED') return lockedError(folder, error);
	if (!('code' in root)) return error;
	return new PosterError('store-io', `the store in ${folder} failed: ${root.message}`, {
		cause: error,
		advice: 'Check the disk and the permissions of the folder.',
		meta: { folder, code: String(root.code) },
	});
}

export function storeFull(folder: string, cause?: unknown): PosterError {
	return new PosterError('store-full', `no space left for the store in ${folder}`, {
		cause,
		advice: 'Free some space: the node goes on by itself, and announces nothing until then.',
		meta: { folder },
	});
}

export function schemaError(folder: string, found: string, wanted: string): PosterError {
	return new PosterError('store-schema', `${folder} holds data of schema ${found}, this program needs ${wanted}`, {
		advice: 'Run the version of poster-node that wrote it, or move the folder away to start empty.',
		meta: { folder, found, wanted },
	});
}

export function foreignError(folder: string, found: string, wanted: string): PosterError {
	return new PosterError('store-foreign', `${folder} belongs to node ${found}, but this node is ${wanted}`, {
		advice: 'Two homes were mixed up: put the identity.key back that belongs to this folder, or use another --home.',
		meta: { folder, found, wanted },
	});
}

function lockedError(folder: string, cause: unknown): PosterError {
	return new PosterError('store-locked', `another node uses this home: ${folder} is locked`, {
		cause,
		advice: 'Stop the other process, or give this one its own --home.',
		meta: { folder },
	});
}
