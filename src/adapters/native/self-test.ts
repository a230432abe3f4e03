/**
 * `poster-native self-test`: one proof by our prover and one by the library's, of one statement with the same
 * randomisers. Only if they are equal bit for bit does the engine `auto` use ours for that proof type on this machine.
 */
import { PosterError } from '../../domain/errors.ts';
import type { PoStProofType } from '../../domain/proof.ts';
import { type FrameHeader, frameError, numberField } from './frame.ts';
import { runNative } from './one-shot.ts';

export interface SelfTested {
	readonly proofType: PoStProofType;
	/** Of the library and of ours, each with what a first proof costs. */
	readonly stockMs: number;
	readonly ownMs: number;
}

/**
 * `command` is the native worker without its mode, `keys` its arguments for parameters. Takes as long as two proofs and
 * decoding the parameters. Rejects `self-test-failed`, also where the proofs differ, or the signal's reason.
 */
export async function selfTest(
	command: readonly string[],
	keys: readonly string[],
	folder: string,
	proofType: PoStProofType,
	signal: AbortSignal,
): Promise<SelfTested> {
	const [native = '', ...args] = [
		...[...command, 'self-test', ...keys],
		...['--own-dir', folder, '--proof-type', String(proofType)],
	];
	let told: FrameHeader | undefined;
	try {
		await runNative(native, args, (line) => (told = line), signal);
		if (told?.['bitEqual'] !== true) throw frameError('a self-test without equal proofs');
		return { proofType, stockMs: numberField(told, 'stockMs'), ownMs: numberField(told, 'ownMs') };
	} catch (cause) {
		signal.throwIfAborted();
		const why = cause instanceof Error ? cause.message : String(cause);
		throw new PosterError('self-test-failed', `the own prover did not pass its self-test: ${why}`, {
			cause,
			advice: 'The library makes the proofs as before. Report the model of the processor; `engine = "stock"` says so.',
			meta: { proofType },
		});
	}
}
