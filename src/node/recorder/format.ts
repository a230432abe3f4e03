/**
 * The file of one recorded segment: 8 bytes that name the format, then frames of [length u32, CRC-32 u32, kind u8,
 * content], big-endian. First a `header` in JSON, then the core's state in frames of `snapshot`, then frames of `steps`,
 * each of whole steps. A crash may tear the last frame; whoever reads stops there.
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';

export const MAGIC = Buffer.from('PNREC/1\n', 'latin1');
export const SEGMENT_SUFFIX = '.rec';
/** Length and checksum. */
export const FRAME_HEAD_BYTES = 8;

export const FRAME = { header: 1, snapshot: 2, steps: 3 } as const;
export type FrameKind = keyof typeof FRAME;

export interface Frame {
	readonly kind: FrameKind;
	readonly content: Uint8Array;
}

const SegmentHeader = z.object({
	/** SHA-256 over the sources of the core. */
	core: z.string().regex(/^[0-9a-f]{64}$/),
	/** Version of the program, for people. */
	program: z.string().max(64),
	node: z.string().max(limits.peerIdChars),
	name: z.string().max(limits.rosterNameChars),
	network: z.string().max(limits.networkNameChars),
	/** Wall clock and the core's clock when the segment began. */
	wallMs: z.int(),
	now: z.int(),
	/** Number of the first step, counted from the start of the process. */
	step: z.int().nonnegative(),
});
export type SegmentHeader = z.infer<typeof SegmentHeader>;

export function encodeFrame(kind: FrameKind, content: Uint8Array): Uint8Array {
	if (content.length >= limits.recorderFrameBytes) {
		throw new PosterError('recorder-frame', `one part of the recording has ${content.length} bytes`, {
			meta: { kind, bytes: content.length },
		});
	}
	const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + 1 + content.length);
	frame[FRAME_HEAD_BYTES] = FRAME[kind];
	frame.set(content, FRAME_HEAD_BYTES + 1);
	const payload = frame.subarray(FRAME_HEAD_BYTES);
	frame.writeUInt32BE(payload.length, 0);
	frame.writeUInt32BE(crc32(payload), 4);
	return frame;
}

/** Undefined when the bytes are not those that were written. */
export function decodeFrame(payload: Uint8Array, checksum: number): Frame | undefined {
	if (crc32(payload) !== checksum) return undefined;
	const kind = (Object.keys(FRAME) as FrameKind[]).find((name) => FRAME[name] === payload[0]);
	return kind && { kind, content: payload.subarray(1) };
}

export function encodeHeader(header: SegmentHeader): Uint8Array {
	return encodeFrame('header', Buffer.from(JSON.stringify(header)));
}

/** Undefined when it is none. */
export function decodeHeader({ kind, content }: Frame): SegmentHeader | undefined {
	if (kind !== 'header') return undefined;
	try {
		return SegmentHeader.parse(JSON.parse(Buffer.from(content).toString('utf8')));
	} catch (error) {
		if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
		throw error;
	}
}
