/**
 * `winning-prover`: stands behind the `[[WinPost]]` of a Damocles (Venus) miner as its ext-prover, and has the mesh make the
 * proofs. One JSON object a line on stdin and stdout; the paths in a request are not looked at, since the mesh knows who
 * holds the sector. The miner's own process signs the block.
 */
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import { WINNING_TYPES } from '../../domain/parameters.ts';
import { connectControl } from '../control-client.ts';

export interface WinningProverOptions {
	readonly home: string;
}

const READY = 'winning_post processor ready';
const TYPE = /^StackedDrgWinning(\w+)V1$/;

const bytes32 = z
	.array(z.int().min(0).max(255))
	.length(32)
	.transform((bytes) => Buffer.from(bytes).toString('hex'));
const Line = z.object({ id: z.int().min(0), task: z.unknown() });
const Task = z.object({
	miner_id: z.int().min(0),
	proof_type: z.string().transform((name) => WINNING_TYPES[`winning-${TYPE.exec(name)?.[1] ?? ''}`] ?? -1),
	replicas: z.tuple([z.object({ sector_id: z.int().min(0), comm_r: bytes32 })]),
	seed: bytes32,
});
type Answer = { readonly output: { readonly proofs: readonly string[] } } | { readonly err_msg: string };

/** Resolves when stdin ends. Rejects `node-not-running`, `winning-line`. */
export async function winningProver({ home }: WinningProverOptions): Promise<void> {
	await connectControl(home);
	process.stdout.write(`${READY}\n`);
	for await (const line of createInterface({ input: process.stdin })) {
		const { id, task } = readLine(line);
		// Several may be asked for at once: answers carry their number.
		void prove(home, task).then((answer) => {
			process.stdout.write(`${JSON.stringify({ id, err_msg: null, output: null, ...answer })}\n`);
		});
	}
}

/** Whatever goes wrong with one request is its answer. */
async function prove(home: string, given: unknown): Promise<Answer> {
	const task = Task.safeParse(given);
	if (!task.success) return { err_msg: z.prettifyError(task.error) };
	const { miner_id, proof_type, replicas, seed } = task.data;
	const [{ sector_id, comm_r }] = replicas;
	try {
		// Anew each time: a node that was started again answers elsewhere.
		const node = await connectControl(home);
		const { proof } = await node.post<{ proof: string }>(
			'/winning-post',
			{ miner: miner_id, proofType: proof_type, randomness: seed, sector: sector_id, commR: comm_r },
			limits.winningMs + limits.controlAnswerMs,
		);
		return { output: { proofs: [proof] } };
	} catch (error) {
		if (!(error instanceof PosterError)) throw error;
		return { err_msg: [error.code, error.message, error.advice].join(': ') };
	}
}

/** A line without its number cannot be answered, and whoever wrote it speaks another protocol. */
function readLine(line: string): z.infer<typeof Line> {
	const parsed = Line.safeParse(line.length > limits.externalLineBytes ? undefined : parse(line));
	if (parsed.success) return parsed.data;
	throw new PosterError('winning-line', 'a line on stdin is no request of a Damocles ext-prover', {
		advice: 'See docs/winning-post.md for the lines.',
	});
}

function parse(line: string): unknown {
	try {
		return JSON.parse(line);
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
