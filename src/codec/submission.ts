/** SUB body: the signed bytes of a chain message. Everything else about it is read from these bytes. */
import type { WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { SignedMessage } from '../domain/message.ts';
import type { Submission } from '../domain/submission.ts';
import { cborBytes, cborTuple } from './cbor.ts';
import { cborWorkId, hexBytes } from './mesh-cbor.ts';
import { decodeSignedMessage, encodeSignedMessage, signedMessageCid } from './message.ts';
import { decodeMinerCall } from './miner-params.ts';

export function submissionTuple({ work, bytes }: Submission): readonly unknown[] {
	return [hexBytes(work), bytes];
}

export function readSubmission(value: unknown): Submission {
	const [work, bytes] = cborTuple(value, 2, 'submission');
	const signed = cborBytes(bytes, 1, limits.submissionBytes, 'signed message');
	return submissionOf(cborWorkId(work, 'work id'), decodeSignedMessage(signed));
}

/** Throws `bad-params` when the message is no call that this project sends. */
export function submissionOf(work: WorkId, signed: SignedMessage): Submission {
	return {
		work,
		bytes: encodeSignedMessage(signed),
		cid: signedMessageCid(signed),
		signed,
		call: decodeMinerCall(signed.message.method, signed.message.params),
	};
}
