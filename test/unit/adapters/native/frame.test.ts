import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameDecoder, type FrameHeader, frameHead } from '../../../../src/adapters/native/frame.ts';
import { limits } from '../../../../src/domain/limits.ts';

const frames = fc.array(
	fc.record({
		header: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.nat(), fc.boolean())),
		body: fc.uint8Array({ maxLength: 300 }),
	}),
	{ maxLength: 6 },
);

function plain(header: FrameHeader): unknown {
	return JSON.parse(JSON.stringify(header));
}

function prefix(total: number, header: number, rest = ''): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeUInt32LE(total, 0);
	bytes.writeUInt32LE(header, 4);
	return Buffer.concat([bytes, Buffer.from(rest)]);
}

test('frames survive the pipe whatever the chunks are', () => {
	fc.assert(
		fc.property(frames, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (sent, cuts) => {
			const bytes = Buffer.concat(sent.flatMap(({ header, body }) => [frameHead(header, body.length), body]));
			const decoder = new FrameDecoder();
			const got: { header: unknown; body: Buffer }[] = [];
			for (let at = 0, i = 0; at < bytes.length; i++) {
				const end = at + (cuts[i % cuts.length] as number);
				for (const frame of decoder.push(bytes.subarray(at, end))) {
					got.push({ header: plain(frame.header), body: Buffer.from(frame.body) });
				}
				at = end;
			}
			assert.deepEqual(
				got,
				sent.map(({ header, body }) => ({ header: plain(header), body: Buffer.from(body) })),
			);
			assert.equal(decoder.idle, true);
		}),
	);
});

test('a body that arrives in one chunk is not copied', () => {
	const body = Buffer.alloc(1000, 7);
	const chunk = Buffer.concat([frameHead({ type: 'x' }, body.length), body]);
	const [frame] = [...new FrameDecoder().push(chunk)];
	assert.equal(frame?.body.buffer, chunk.buffer);
});

for (const [what, bytes] of [
	['a length above the bound', prefix(limits.nativeFrameBytes + 1, 2, '{}')],
	['a length of 4 GiB - 1', prefix(0xffff_ffff, 2)],
	['a header above its bound', prefix(limits.nativeHeaderBytes + 5, limits.nativeHeaderBytes + 1)],
	['a header longer than its frame', prefix(6, 3, '{}')],
	['a header that is not JSON', prefix(7, 3, '{a}')],
	['a header that is a list', prefix(6, 2, '[]')],
	['a header that is null', prefix(8, 4, 'null')],
] as const) {
	test(`${what} is refused`, () => {
		assert.throws(() => [...new FrameDecoder().push(bytes)], { code: 'native-protocol' });
	});
}

test('what is sent keeps the bounds of the protocol', () => {
	assert.throws(() => frameHead({ type: 'x', text: 'y'.repeat(limits.nativeHeaderBytes) }, 0), {
		code: 'native-protocol',
	});
	assert.throws(() => frameHead({ type: 'x' }, limits.nativeFrameBytes), { code: 'native-protocol' });
});
