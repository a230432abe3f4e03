/**
 * `/poster/params/1`: published parameter files from member to member, in segments, so that vanilla proofs never wait
 * long behind one. Request: [name, offset]; answer: a frame with [bytes of the file, null when it is not held], then up
 * to a segment of it from the offset on. Who serves checks nothing: who fetches knows every digest.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { cborInteger, cborTuple, decodeCbor, encodeCbor } from '../codec/cbor.ts';
import { cborText, U53_MAX } from '../codec/mesh-cbor.ts';
import { PosterError } from '../domain/errors.ts';
import type { NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { PUBLISHED_PARAMETERS } from '../domain/parameters.ts';
import type { BulkReader, BulkWriter, Streams } from '../ports/streams.ts';
import { asRequest } from './as-request.ts';
import { unlessMissing } from './files.ts';

export const PARAMS_PROTOCOL = '/poster/params/1';
const REQUEST_BYTES = 256;
const NAME_CHARS = 200;
const ANSWER_BYTES = 16;

/** Serves the published files of a folder. */
export function serveParams(streams: Streams, folder: string): void {
	streams.onPull(PARAMS_PROTOCOL, REQUEST_BYTES, async (_peer, request, writer, signal) => {
		const { name, offset } = asRequest(() => readRequest(request));
		const file = PUBLISHED_PARAMETERS.some((known) => known.name === name)
			? await opened(join(folder, name))
			: undefined;
		if (file === undefined) {
			await writer.write(encodeCbor([null]));
			return;
		}
		try {
			const { size } = await file.stat();
			await writer.write(encodeCbor([size]));
			await sendSegment(file, { from: offset, to: Math.min(size, offset + limits.paramsSegmentBytes) }, writer, signal);
		} finally {
			await file.close();
		}
	});
}

export interface PeerFile {
	/** Bytes of the whole file, as the member says. */
	readonly total: number;
	/** All of it from the offset on. Rejects `stream-…`. */
	readonly chunks: AsyncIterable<Uint8Array>;
}

/** Undefined when the member does not hold the file. Rejects `stream-…`, `bad-cbor`. */
export async function pullParams(
	streams: Streams,
	peer: NodeId,
	name: string,
	offset: number,
	signal: AbortSignal,
): Promise<PeerFile | undefined> {
	const first = await pullSegment(streams, peer, name, offset, signal);
	if (first === undefined) return undefined;
	const { total } = first;
	const chunks = async function* (): AsyncGenerator<Uint8Array> {
		let at = offset;
		let segment: Segment | undefined = first;
		while (segment !== undefined && segment.total === total) {
			const before = at;
			for await (const frame of segment.frames) {
				at += frame.length;
				yield frame;
			}
			if (at >= total) return;
			// A member that sends nothing has nothing more, whatever it said.
			if (at === before) break;
			segment = await pullSegment(streams, peer, name, at, signal);
		}
		throw new PosterError('stream-truncated', 'the member ended before the end of the file');
	};
	return { total, chunks: chunks() };
}

interface Segment {
	readonly total: number;
	readonly frames: AsyncIterable<Uint8Array>;
}

async function pullSegment(
	streams: Streams,
	peer: NodeId,
	name: string,
	offset: number,
	signal: AbortSignal,
): Promise<Segment | undefined> {
	const reader = await streams.pull(peer, PARAMS_PROTOCOL, encodeCbor([name, offset]), {
		signal,
		timeoutMs: limits.paramsSilenceMs,
		maxResponseBytes: limits.paramsSegmentBytes + ANSWER_BYTES,
	});
	const head = await reader.read();
	const [total] = cborTuple(decodeCbor(head ?? new Uint8Array(), ANSWER_BYTES, 'params'), 1, 'params');
	if (total !== null) {
		return { total: cborInteger(total, 0, limits.paramsFileBytes, 'file bytes'), frames: framesOf(reader) };
	}
	reader.abort(new PosterError('stream-aborted', 'the file is not there'));
	return undefined;
}

async function* framesOf(reader: BulkReader): AsyncGenerator<Uint8Array> {
	let whole = false;
	try {
		for (let frame = await reader.read(); frame !== undefined; frame = await reader.read()) yield frame;
		whole = true;
	} finally {
		if (!whole) reader.abort(new PosterError('stream-aborted', 'the rest of the file is not wanted'));
	}
}

async function sendSegment(
	file: FileHandle,
	{ from, to }: { readonly from: number; readonly to: number },
	writer: BulkWriter,
	signal: AbortSignal,
): Promise<void> {
	for (let at = from; at < to; ) {
		signal.throwIfAborted();
		// The transport keeps a frame until it is sent.
		const frame = Buffer.allocUnsafe(Math.min(limits.bulkFrameBytes, to - at));
		const { bytesRead } = await file.read(frame, 0, frame.length, at);
		if (bytesRead === 0) return;
		await writer.write(frame.subarray(0, bytesRead));
		at += bytesRead;
	}
}

function opened(path: string): Promise<FileHandle | undefined> {
	return unlessMissing(open(path, 'r'), path);
}

function readRequest(bytes: Uint8Array): { readonly name: string; readonly offset: number } {
	const [name, offset] = cborTuple(decodeCbor(bytes, REQUEST_BYTES, 'request'), 2, 'request');
	return { name: cborText(name, NAME_CHARS, 'name'), offset: cborInteger(offset, 0, U53_MAX, 'offset') };
}
