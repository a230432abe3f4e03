/** A Damocles ext-prover by its lines, with a hash in the place of the SNARK: `node damocles-prover.ts BEHAVIOUR`. */
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { actorId, hex32, sectorNumber } from '../../src/domain/ids.ts';
import { fakeProof } from './fake-proofs.ts';

interface Request {
	readonly id: number;
	readonly task: {
		readonly miner_id: number;
		readonly proof_type: string;
		readonly replicas: readonly { sector_id: number; comm_r: number[]; cache_dir: string; sealed_file: string }[];
		readonly seed: number[];
	};
}

const behaviour = process.argv[2] ?? 'array';
const hex = (bytes: readonly number[]): string => Buffer.from(bytes).toString('hex');

function output({ miner_id, proof_type, replicas, seed }: Request['task']): object {
	if (proof_type !== 'StackedDrgWindow2KiBV1_2') return { err_msg: `unknown proof type ${proof_type}` };
	const faults = replicas.filter(({ cache_dir, sealed_file }) => !existsSync(cache_dir) || !existsSync(sealed_file));
	if (behaviour === 'faults') faults.push(...replicas.slice(0, 1));
	const proof = fakeProof({
		proofType: 10,
		miner: actorId(miner_id),
		randomness: hex32(hex(seed)),
		sectors: replicas.map(({ sector_id, comm_r }) => ({ number: sectorNumber(sector_id), commR: hex32(hex(comm_r)) })),
	});
	const bytes = behaviour === 'base64' ? Buffer.from(proof).toString('base64') : [...proof];
	const proofs = behaviour === 'two-proofs' ? [bytes, bytes] : [bytes];
	return { err_msg: null, output: { proofs, faults: faults.map(({ sector_id }) => sector_id) } };
}

if (behaviour === 'mute') {
	process.stdin.resume();
} else {
	process.stdout.write(behaviour === 'chatty' ? 'starting…\n' : 'window_post processor ready\n');
	createInterface({ input: process.stdin }).on('line', (line) => {
		if (behaviour === 'hangs') return;
		const { id, task } = JSON.parse(line) as Request;
		const answer = behaviour === 'error' ? { err_msg: 'no GPU today' } : output(task);
		process.stdout.write(`${JSON.stringify({ id, ...answer })}\n`);
	});
}
