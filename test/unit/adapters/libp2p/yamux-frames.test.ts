import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Uint8ArrayList } from 'uint8arraylist';
import { YamuxFrames } from '../../../../src/adapters/libp2p/yamux-frames.ts';

const DATA = 0;
const WINDOW_UPDATE = 1;
const PING = 2;
const SYN = 1;

interface Frame {
	readonly type: number;
	readonly flags: number;
	readonly length: number;
}

/** Only a data frame has as many bytes behind its header as it says. */
function bytesOf({ type, flags, length }: Frame): Buffer {
	const header = Buffer.alloc(12);
	header.writeUInt8(type, 1);
	header.writeUInt16BE(flags, 2);
	header.writeUInt32BE(7, 4);
	header.writeUInt32BE(length, 8);
	return Buffer.concat([header, Buffer.alloc(type === DATA ? length : 0, 0xff)]);
}

const frame = fc.record({
	type: fc.constantFrom(DATA, WINDOW_UPDATE, PING),
	flags: fc.constantFrom(0, SYN, 2, 4, SYN | 4),
	length: fc.oneof(fc.nat(2048), fc.constant(1023), fc.constant(1024)),
});

test('frames are told apart however the bytes are cut', () => {
	fc.assert(
		fc.property(
			fc.array(frame, { maxLength: 20 }),
			fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 20 }),
			(frames, cuts) => {
				const bytes = Buffer.concat(frames.map(bytesOf));
				const counter = new YamuxFrames();
				const total = { opened: 0, pings: 0, small: 0 };
				for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
					const piece = bytes.subarray(at, at + (cuts[turn % cuts.length] ?? 1));
					const half = piece.length >> 1;
					const { opened, pings, small } = counter.count(
						turn % 2 === 0 ? piece : new Uint8ArrayList(piece.subarray(0, half), piece.subarray(half)),
					);
					total.opened += opened;
					total.pings += pings;
					total.small += small;
					at += piece.length;
				}
				assert.deepEqual(total, {
					opened: frames.filter(({ type, flags }) => type !== PING && (flags & SYN) !== 0).length,
					pings: frames.filter(({ type }) => type === PING).length,
					small: frames.filter(({ type, length }) => type !== DATA || length < 1024).length,
				});
			},
		),
	);
});
