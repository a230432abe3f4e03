/** Lists of multiaddrs in the home, one a line. */
import type { AddressFile } from '../adapters/libp2p/remembered-addresses.ts';
import { limits } from '../domain/limits.ts';
import { readSmallFile, writeFileAtomic } from './files.ts';

/** Empty when there is no such file. Rejects `file-too-long`, `file-io`. */
export async function readAddresses(path: string, maxBytes: number): Promise<readonly string[]> {
	const bytes = await readSmallFile(path, maxBytes);
	const lines = bytes?.toString('utf8').split('\n') ?? [];
	return lines.filter((line) => line !== '');
}

/** Of members, as the mesh takes them down. */
export function addressFile(path: string): AddressFile {
	return {
		read: () => readAddresses(path, limits.rememberedBytes),
		write: (addresses) => writeFileAtomic(path, addresses.map((address) => `${address}\n`).join(''), 0o644),
	};
}
