/** Reads vanilla proofs of one peer: pulled frame by frame, so that a slow check stops the peer and fills no memory. */
import { pipe } from 'it-pipe';
import {
	encodeVanillaRequest,
	VANILLA_PROTOCOL,
	type VanillaRecord,
	VanillaRecordReader,
	vanillaAnswerBytes,
} from '../../codec/vanilla-wire.ts';
import { PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import { proofShape } from '../../domain/proof.ts';
import type { OpenRequest } from '../../domain/vanilla.ts';
import type { BulkReader, Streams } from '../../ports/streams.ts';

/** Groups of records as they arrive. Rejects with the stream's error or `bad-vanilla-stream`. */
export async function* pullVanilla(
	streams: Streams,
	peer: NodeId,
	request: OpenRequest,
	signal: AbortSignal,
): AsyncGenerator<readonly VanillaRecord[]> {
	const reader = await streams.pull(peer, VANILLA_PROTOCOL, encodeVanillaRequest(request), {
		signal,
		timeoutMs: limits.gatherSilenceMs,
		maxResponseBytes: vanillaAnswerBytes(request),
	});
	const { vanillaBytes } = proofShape(request.proofType);
	let whole = false;
	try {
		yield* pipe(framesOf(reader), (frames) => recordsOf(frames, vanillaBytes));
		whole = true;
	} finally {
		if (!whole) reader.abort(new PosterError('stream-aborted', 'the rest of the answer is not wanted'));
	}
}

async function* framesOf(reader: BulkReader): AsyncGenerator<Uint8Array> {
	for (let frame = await reader.read(); frame !== undefined; frame = await reader.read()) yield frame;
}

async function* recordsOf(
	frames: AsyncIterable<Uint8Array>,
	vanillaBytes: number,
): AsyncGenerator<readonly VanillaRecord[]> {
	const records = new VanillaRecordReader(vanillaBytes);
	for await (const frame of frames) yield [...records.push(frame)];
	if (!records.ended) throw new PosterError('bad-vanilla-stream', 'a stream of vanilla proofs ended before its end');
}
