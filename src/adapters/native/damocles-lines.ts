/**
 * The lines of a Damocles ext-prover (venus-shared `ext_prover`): one JSON object each way per proof, after a line that
 * says it is ready. Turned into the frames of our own provers, so that everything behind the pipe is the same.
 */
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import { PROOF_BYTES } from '../../domain/proof.ts';
import { type FrameHeader, frameError, type NativeFrame, numberField, type WireFormat } from './frame.ts';

const READY = 'window_post processor ready';
const NEWLINE = 10;
const NO_BODY = new Uint8Array(0);

export const DAMOCLES_LINES: WireFormat = {
	decoder: () => new LineDecoder(),
	encode: ({ job, task }) => [Buffer.from(`${JSON.stringify({ id: job, task })}\n`)],
};

class LineDecoder {
	#rest: Buffer = Buffer.alloc(0);
	#isReady = false;

	*push(chunk: Buffer): Generator<NativeFrame> {
		this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
		for (;;) {
			const end = this.#rest.indexOf(NEWLINE);
			if (end > limits.externalLineBytes || (end < 0 && this.#rest.length > limits.externalLineBytes)) {
				throw frameError(`a line of more than ${limits.externalLineBytes} bytes`);
			}
			if (end < 0) return;
			const line = this.#rest.subarray(0, end).toString('utf8').trim();
			this.#rest = this.#rest.subarray(end + 1);
			yield this.#isReady ? answer(line) : this.#ready(line);
		}
	}

	#ready(line: string): NativeFrame {
		if (line === READY) {
			this.#isReady = true;
			return { header: { type: 'ready', gpus: ['external'] }, body: NO_BODY };
		}
		throw new PosterError('native-protocol', `the external prover began with "${line.slice(0, 80)}"`, {
			advice: `Its first line must be "${READY}", and nothing but answers may follow on stdout.`,
		});
	}
}

function answer(line: string): NativeFrame {
	const header = parse(line);
	const job = numberField(header, 'id');
	const complaint = header['err_msg'];
	if (typeof complaint === 'string') return failed(job, 'external', complaint.slice(0, limits.errorChars));
	const output = header['output'];
	if (typeof output !== 'object' || output === null) throw frameError('an answer without output');
	const { faults = [], proofs } = output as { faults?: unknown; proofs?: unknown };
	if (!Array.isArray(faults) || !Array.isArray(proofs)) throw frameError('an output without proofs or faults');
	// A proof that leaves sectors out would fault them: they are asked of others first.
	if (faults.length > 0) return failed(job, 'faults', `it cannot read ${faults.length} sectors`);
	const proof = proofs.length === 1 ? proofBytes(proofs[0]) : undefined;
	if (proof?.length !== PROOF_BYTES) throw frameError(`${proofs.length} proofs, or one of another length`);
	return { header: { type: 'proof', job, phases: {} }, body: proof };
}

/** The Go parent is answered in base64, the Rust parent with an array. */
function proofBytes(value: unknown): Uint8Array | undefined {
	if (typeof value === 'string') return Buffer.from(value, 'base64');
	const isBytes = Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
	return isBytes ? Uint8Array.from(value as number[]) : undefined;
}

function failed(job: number, code: string, reason: string): NativeFrame {
	const advice = 'Look into the log of the external prover.';
	return { header: { type: 'failed', job, code, reason, advice }, body: NO_BODY };
}

function parse(line: string): FrameHeader {
	try {
		const value: unknown = JSON.parse(line);
		if (typeof value === 'object' && value !== null) return value as FrameHeader;
	} catch (cause) {
		throw frameError('a line that is no JSON', cause);
	}
	throw frameError('a line that is no object');
}
