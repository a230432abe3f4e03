/**
 * Proofs made beforehand, one file each, named by a hash of all that goes into them. They are real: made once by the
 * real worker, kept in the cache folder, and judged by the real verifier whenever they are used.
 */
import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';

/** Name of the proof's file: a proof is as good for one statement as for an equal one. */
export function proofName(proofType: number, miner: number, randomness: string, sectorList: Uint8Array): string {
	const hash = createHash('sha256').update(`${proofType}/${miner}/${randomness}/`).update(sectorList);
	return `${hash.digest('hex')}.proof`;
}

/** Written beside and renamed: who reads it sees all of it or nothing. */
export async function keep(path: string, proof: Uint8Array): Promise<void> {
	const beside = `${path}.${process.pid}`;
	await writeFile(beside, proof);
	await rename(beside, path);
}
