import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sealEnvelope } from '../../../src/codec/envelope.ts';
import { Packer } from '../../../src/core/packer.ts';
import { SortedMap } from '../../../src/core/sorted-map.ts';
import { Unpacker } from '../../../src/core/unpacker.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { envelope as anyEnvelope } from '../codec/mesh-arbitraries.ts';

const anyBitfield = fc.array(fc.nat(Number.MAX_SAFE_INTEGER - 1), { maxLength: 20 }).map(Bitfield.of);
const anyHash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const anyText = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), anyHash, fc.constant('A'.repeat(64)));

const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
	value: fc.oneof(
		{ depthSize: 'small' },
		fc.constantFrom(null, undefined, true, false),
		fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
		fc.integer({ min: -300, max: 300 }),
		fc.bigInt(),
		anyText,
		fc.uint8Array({ maxLength: 50 }),
		anyBitfield,
		fc.array(tie('value'), { maxLength: 5 }),
		fc.dictionary(fc.string({ maxLength: 9 }), tie('value'), { maxKeys: 5, noNullPrototype: true }),
		fc.array(fc.tuple(fc.integer(), tie('value')), { maxLength: 5 }).map(mapOf),
		fc.array(fc.tuple(fc.string({ maxLength: 5 }), tie('value')), { maxLength: 5 }).map(mapOf),
	),
}));

function mapOf<K extends string | number>(entries: readonly (readonly [K, unknown])[]): SortedMap<K, unknown> {
	const map = new SortedMap<K, unknown>();
	for (const [key, value] of entries) map.set(key, value);
	return map;
}

function packed(...values: readonly unknown[]): Uint8Array {
	const packer = new Packer();
	for (const value of values) packer.put(value);
	return packer.take();
}

/** The same with every object's fields set in opposite order. */
function turned(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(turned);
	if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
	return Object.fromEntries(
		Object.entries(value)
			.reverse()
			.map(([name, member]) => [name, turned(member)]),
	);
}

test('plain data of every kind come back as they were, over several takes of one packer', () => {
	fc.assert(
		fc.property(fc.array(fc.array(anyValue, { maxLength: 4 }), { maxLength: 4 }), (parts) => {
			const packer = new Packer();
			const unpacker = new Unpacker();
			for (const values of parts) {
				for (const value of values) packer.put(value);
				const found = [...unpacker.read(packer.take())];
				assert.deepEqual(packed(...found), packed(...values));
				assert.deepEqual(JSON.stringify(found, shown), JSON.stringify(values, shown));
			}
		}),
	);
});

/** JSON of what JSON does not know. */
function shown(_name: string, value: unknown): unknown {
	if (typeof value === 'bigint') return `${value}n`;
	if (value === undefined) return 'undefined';
	if (value instanceof SortedMap) return [...value];
	if (value instanceof Bitfield) return value.runs;
	if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) return value;
	return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

test('equal data have equal bytes, whatever the order in which fields were set', () => {
	fc.assert(fc.property(anyValue, (value) => assert.deepEqual(packed(turned(value)), packed(value))));
});

test('a statement is its raw bytes, and its envelope comes back from them', () => {
	fc.assert(
		fc.property(anyEnvelope, (envelope) => {
			const raw = sealEnvelope(envelope, () => new Uint8Array(64));
			const bytes = packed({ envelope, raw });
			assert.ok(bytes.length < raw.length + 8);
			assert.deepEqual([...new Unpacker().read(bytes)], [{ envelope, raw }]);
		}),
	);
});

test('a packer that was reset needs nothing that came before', () => {
	const packer = new Packer();
	packer.put({ name: 'value' });
	packer.reset();
	packer.put({ name: 'value' });
	assert.deepEqual(packer.take(), packed({ name: 'value' }));
});

test('a float, a function or an object of a class is refused: the core holds none', () => {
	for (const value of [0.5, Number.NaN, () => 1, new Date(), new Map()])
		assert.throws(() => packed(value), /the core holds/);
});

test('any bytes are read or refused as malformed, and make no more than they are', () => {
	const valid = fc.tuple(anyValue, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
		const bytes = packed(value);
		bytes[at % bytes.length] = byte;
		return bytes;
	});
	fc.assert(
		fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), valid), (bytes) => {
			try {
				for (const _ of new Unpacker().read(bytes));
			} catch (error) {
				assert.ok(isPosterError(error), String(error));
			}
		}),
		{ numRuns: 2_000 },
	);
});

test('a count beyond the bytes, a number of nothing and a depth without end are refused', () => {
	const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
	for (const tag of [7, 10, 11, 12, 13, 14]) {
		assert.throws(() => [...new Unpacker().read(Uint8Array.of(tag, ...huge))], { code: 'bad-packed' }, `tag ${tag}`);
	}
	for (const tag of [9, 15]) {
		assert.throws(() => [...new Unpacker().read(Uint8Array.of(tag, 3))], /names nothing that came before/);
	}
	const deep = new Uint8Array(2_000).map((_, i) => (i % 2 === 0 ? 13 : 1));
	assert.throws(() => [...new Unpacker().read(deep)], /more than 32 deep/);
});
