/** Where the replica and the cache of a sector of this machine lie, for a prover that reads them itself. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { PosterError } from '../../domain/errors.ts';
import type { ActorId } from '../../domain/ids.ts';
import type { ProvenSector } from '../../ports/verifier.ts';

export interface ReplicaFiles {
	readonly sealedFile: string;
	readonly cacheDir: string;
}

/** `folders`: storage folders with sealed/ and cache/, and update/ and update-cache/. Rejects `prover-failed`. */
export async function findReplica(
	folders: readonly string[],
	miner: ActorId,
	{ number, updated = false }: ProvenSector,
): Promise<ReplicaFiles> {
	const [sealed, cache] = updated ? ['update', 'update-cache'] : ['sealed', 'cache'];
	const entries = ['s-t0', 's-f0'].map((prefix) => `${prefix}${miner}-${number}`);
	const find = async (kind: string): Promise<string> => {
		for (const folder of folders) {
			for (const entry of entries) {
				const path = join(folder, kind, entry);
				if (await exists(path)) return path;
			}
		}
		throw new PosterError('prover-failed', `sector ${number} has no ${kind} on this machine`, {
			meta: { code: 'not-held-here', sector: number },
		});
	};
	return { sealedFile: await find(sealed), cacheDir: await find(cache) };
}

function exists(path: string): Promise<boolean> {
	return access(path).then(
		() => true,
		() => false,
	);
}
