/** The job that a slot is measured with: `poster-native sample-vanilla`, one made-up sector padded to a partition. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PosterError } from '../../domain/errors.ts';
import { actorId, hex32, sectorNumber } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { PoStProofType } from '../../domain/proof.ts';
import type { ProofJob } from '../../ports/prover.ts';
import { type FrameHeader, numberField, textField } from './frame.ts';

const run = promisify(execFile);

/**
 * `command` is the native worker without its mode. Whoever asked removes the spool, a file in `folder`. Rejects
 * `sample-failed`.
 */
export async function makeSample(
	command: readonly string[],
	folder: string,
	proofType: PoStProofType,
	signal: AbortSignal,
): Promise<ProofJob> {
	const path = join(folder, `${proofType}.vanilla`);
	const [file = '', ...args] = [...command, 'sample-vanilla', '--proof-type', String(proofType), '--out', path];
	try {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		const options = { signal, timeout: limits.nativeAnswerMs, maxBuffer: limits.nativeHeaderBytes };
		const { stdout } = await run(file, args, options);
		const line = JSON.parse(stdout) as FrameHeader;
		return {
			statement: {
				proofType,
				// No circuit constrains the miner.
				miner: actorId(0),
				randomness: hex32(textField(line, 'randomness')),
				sectors: [{ number: sectorNumber(numberField(line, 'sector')), commR: hex32(textField(line, 'commR')) }],
			},
			spool: { path, slotOf: () => 0 },
		};
	} catch (cause) {
		throw new PosterError('sample-failed', `no sample of proof type ${proofType} could be made`, {
			cause,
			advice: 'Its parameters are damaged or of another size: see the reason, and fetch them again.',
		});
	}
}
