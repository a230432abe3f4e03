import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Uint8ArrayList } from 'uint8arraylist';
import { FrameCounter } from '../../../../src/adapters/libp2p/frame-counter.ts';

const MAX = 1000;

function varint(value: number): number[] {
	const bytes: number[] = [];
	let rest = value;
	for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
	return [...bytes, rest];
}

const frame = (length: number): Buffer => Buffer.concat([Buffer.from(varint(length)), Buffer.alloc(length, 0xff)]);

test('frames are counted the same however the bytes are cut', () => {
	fc.assert(
		fc.property(
			fc.array(fc.integer({ min: 0, max: MAX }), { maxLength: 20 }),
			fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 }),
			fc.boolean(),
			(lengths, cuts, asList) => {
				const bytes = Buffer.concat(lengths.map(frame));
				const counter = new FrameCounter(MAX);
				let counted = 0;
				for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
					const end = at + (cuts[turn % cuts.length] ?? 1);
					const piece = bytes.subarray(at, end);
					const middle = Math.floor(piece.length / 2);
					const data = asList ? new Uint8ArrayList(piece.subarray(0, middle), piece.subarray(middle)) : piece;
					const frames = counter.count(data);
					assert.ok(frames !== undefined, 'every length is legal');
					counted += frames;
					at = end;
				}
				assert.equal(counted, lengths.length);
			},
		),
	);
});

test('a length over the bound is noticed at its own bytes, whatever follows', () => {
	fc.assert(
		fc.property(fc.integer({ min: MAX + 1, max: 2 ** 53 - 1 }), (length) => {
			const counter = new FrameCounter(MAX);
			assert.equal(counter.count(frame(3)), 1);
			assert.equal(counter.count(Uint8Array.from(varint(length))), undefined);
		}),
	);
});

test('a length that never ends is noticed', () => {
	assert.equal(new FrameCounter(MAX).count(new Uint8Array(10).fill(0x80)), undefined);
});

test('in the middle of a frame it says so, at each byte, and not between two', () => {
	const counter = new FrameCounter(MAX);
	const two = Buffer.concat([frame(200), frame(0)]);
	for (const [index, byte] of two.entries()) {
		counter.count(Uint8Array.of(byte));
		const whole = index === two.length - 2 || index === two.length - 1;
		assert.equal(counter.inside, !whole, `after byte ${index}`);
	}
	assert.equal(counter.frames, 2);
});
