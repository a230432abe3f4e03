import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EntryCounter } from '../../../../src/adapters/libp2p/entry-counter.ts';
import { field, varint } from '../../../support/protobuf.ts';

const MAX = 4_000;

/** An RPC of gossipsub with this many subscriptions, messages, and control entries. */
function rpc({ subscriptions, sizes, grafts, ihaves }: RpcShape): Buffer {
	const control = Buffer.concat([
		...Array.from({ length: grafts }, () => field(3, field(1, Buffer.from('topic')))),
		...Array.from({ length: ihaves }, () => field(1, Buffer.alloc(70, 0xff))),
	]);
	const body = Buffer.concat([
		...Array.from({ length: subscriptions }, () => field(1, Buffer.alloc(9, 3))),
		...sizes.map((size) => field(2, Buffer.alloc(size, 0xff))),
		...(control.length === 0 ? [] : [field(3, control)]),
	]);
	return Buffer.concat([varint(body.length), body]);
}

interface RpcShape {
	readonly subscriptions: number;
	readonly sizes: readonly number[];
	readonly grafts: number;
	readonly ihaves: number;
}

/** The frame, its fields, and what is in control; the topic of a graft counts, too. */
function entriesOf({ subscriptions, sizes, grafts, ihaves }: RpcShape): number {
	const control = grafts + ihaves === 0 ? 0 : 1 + 2 * grafts + ihaves;
	return 1 + subscriptions + sizes.length + control;
}

const shape = fc.record({
	subscriptions: fc.nat(5),
	sizes: fc.array(fc.nat(300), { maxLength: 5 }),
	grafts: fc.nat(5),
	ihaves: fc.nat(5),
});

test('entries are counted the same however the bytes are cut', () => {
	fc.assert(
		fc.property(
			fc.array(shape, { maxLength: 10 }),
			fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 }),
			(shapes, cuts) => {
				const bytes = Buffer.concat(shapes.map(rpc));
				const counter = new EntryCounter(MAX);
				let counted = 0;
				for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
					const end = at + (cuts[turn % cuts.length] ?? 1);
					counted += counter.count(bytes.subarray(at, end)) ?? Number.NaN;
					at = end;
				}
				assert.equal(
					counted,
					shapes.reduce((sum, each) => sum + entriesOf(each), 0),
				);
			},
		),
	);
});

test('a frame that is no RPC does not spoil the count of the next', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), shape, (noise, good) => {
			const counter = new EntryCounter(MAX);
			assert.ok(counter.count(Buffer.concat([varint(noise.length), noise])) !== undefined);
			assert.equal(counter.count(rpc(good)), entriesOf(good));
		}),
	);
});

test('a length over the bound, or without end, is noticed', () => {
	assert.equal(new EntryCounter(MAX).count(varint(MAX + 1)), undefined);
	assert.equal(new EntryCounter(MAX).count(Buffer.alloc(10, 0x80)), undefined);
});

test('in the middle of a frame it says so, and frames that no reader takes are counted', () => {
	const counter = new EntryCounter(MAX);
	const good = rpc({ subscriptions: 1, sizes: [5], grafts: 1, ihaves: 0 });
	for (const [index, byte] of good.entries()) {
		counter.count(Uint8Array.of(byte));
		assert.equal(counter.inside, index < good.length - 1, `after byte ${index}`);
	}
	assert.deepEqual([counter.frames, counter.spoiled], [1, 0]);
	// Wire type 3, the begin of a group.
	counter.count(Buffer.concat([varint(3), Buffer.of(0x0b, 1, 2)]));
	assert.deepEqual([counter.frames, counter.spoiled, counter.inside], [2, 1, false]);
});
