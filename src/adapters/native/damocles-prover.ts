/** Puts a job to a Damocles ext-prover: it reads the sectors of this machine itself and gets their paths, no vanilla proofs. */
import { hexToBytes } from '@noble/hashes/utils.js';
import { FIRST_WINDOW_TYPE, SECTOR_SIZES } from '../../domain/parameters.ts';
import type { ProofJob } from '../../ports/prover.ts';
import type { ProverDialect } from './prover.ts';
import { findReplica } from './replica-files.ts';

const NO_BODY = new Uint8Array(0);

/** `folders`: storage folders of this node. */
export function damoclesDialect(folders: readonly string[]): ProverDialect {
	return {
		request: async (job) => ({ header: { type: 'prove', task: await taskOf(folders, job) }, body: NO_BODY }),
		hearsCancel: false,
	};
}

async function taskOf(folders: readonly string[], { statement }: ProofJob): Promise<object> {
	const { miner, proofType, randomness, sectors } = statement;
	const replicas: object[] = [];
	for (const sector of sectors) {
		const { sealedFile, cacheDir } = await findReplica(folders, miner, sector);
		const comm_r = [...hexToBytes(sector.commR)];
		replicas.push({ sector_id: sector.number, comm_r, cache_dir: cacheDir, sealed_file: sealedFile });
	}
	const proof_type = `StackedDrgWindow${SECTOR_SIZES[proofType - FIRST_WINDOW_TYPE]}V1_2`;
	return { miner_id: miner, proof_type, replicas, seed: [...hexToBytes(randomness)] };
}
