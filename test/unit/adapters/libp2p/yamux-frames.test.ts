import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Uint8ArrayList } from 'uint8arraylist';
import { YamuxFrames } from '../../../../src/adapters/libp2p/yamux-frames.ts';

const DATA = 0;
const WINDOW_UPDATE = 1;
const PING = 2;
const SYN = 1;

/** Stream 7 is open from the start, any other from its first frame on. */
const OPEN = 7;

interface Frame {
	readonly type: number;
	readonly flags: number;
	readonly stream: number;
	readonly length: number;
}

/** Only a data frame has as many bytes behind its header as it says. */
function bytesOf({ type, flags, stream, length }: Frame): Buffer {
	const header = Buffer.alloc(12);
	header.writeUInt8(type, 1);
	header.writeUInt16BE(flags, 2);
	header.writeUInt32BE(stream, 4);
	header.writeUInt32BE(length, 8);
	return Buffer.concat([header, Buffer.alloc(type === DATA ? length : 0, 0xff)]);
}

const frame = fc.record({
	type: fc.constantFrom(DATA, WINDOW_UPDATE, PING),
	flags: fc.constantFrom(0, SYN, 2, 4, SYN | 4),
	stream: fc.constantFrom(OPEN, 8, 70_000, 2 ** 32 - 1),
	length: fc.oneof(fc.nat(2048), fc.constant(1023), fc.constant(1024)),
});

const COUNTS = ['opened', 'pings', 'small', 'stray'] as const;

const opens = ({ type, flags }: Frame): boolean => type !== PING && (flags & SYN) !== 0;

/** Streams that were opened by headers within the first `end` bytes. */
function openedBefore(frames: readonly Frame[], end: number): number[] {
	let at = 0;
	return frames.flatMap((frame) => {
		const begin = at;
		at += bytesOf(frame).length;
		return opens(frame) && begin + 12 <= end ? [frame.stream] : [];
	});
}

const isStray = (frames: readonly Frame[], { type, stream }: Frame, index: number): boolean =>
	type === DATA &&
	stream !== OPEN &&
	!frames.slice(0, index + 1).some((other) => opens(other) && other.stream === stream);

test('frames are told apart however the bytes are cut', () => {
	fc.assert(
		fc.property(
			fc.array(frame, { maxLength: 20 }),
			fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 20 }),
			(frames, cuts) => {
				const bytes = Buffer.concat(frames.map(bytesOf));
				const open = new Set([OPEN]);
				const counter = new YamuxFrames((stream) => open.has(stream));
				const total = { opened: 0, pings: 0, small: 0, stray: 0 };
				for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
					const piece = bytes.subarray(at, at + (cuts[turn % cuts.length] ?? 1));
					const half = piece.length >> 1;
					const counts = counter.count(
						turn % 2 === 0 ? piece : new Uint8ArrayList(piece.subarray(0, half), piece.subarray(half)),
					);
					for (const name of COUNTS) total[name] += counts[name];
					at += piece.length;
					for (const stream of openedBefore(frames, at)) open.add(stream);
				}
				assert.deepEqual(total, {
					opened: frames.filter(opens).length,
					pings: frames.filter(({ type }) => type === PING).length,
					small: frames.filter(({ type, length }) => type !== DATA || length < 1024).length,
					stray: frames.reduce((sum, frame, index) => sum + (isStray(frames, frame, index) ? frame.length : 0), 0),
				});
			},
		),
	);
});
