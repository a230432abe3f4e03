import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { decodeCbor, encodeCbor } from '../../../src/codec/cbor.ts';
import { isPosterError } from '../../../src/domain/errors.ts';

const refused = (error: unknown): boolean => isPosterError(error, 'bad-cbor');
const values = fc.letrec((tie) => ({
	value: fc.oneof(
		{ depthSize: 'small' },
		fc.maxSafeInteger(),
		fc.string(),
		fc.boolean(),
		fc.constant(null),
		fc.uint8Array(),
		fc.array(tie('value')),
		fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
	),
})).value;

test('values round trip', () => {
	fc.assert(
		fc.property(values, (value) => {
			assert.deepEqual(decodeCbor(encodeCbor(value), 1 << 20, 'value'), value);
		}),
	);
});

test('a value has one form: every other form of it is refused', () => {
	const forms: readonly (readonly [why: string, hex: string])[] = [
		['an integer longer than needed', '1801'],
		['a length longer than needed', '580161'],
		['an integer as half float', 'f93c00'],
		['an integer as double', 'fb3ff0000000000000'],
		['a float of 32 bits', 'fa3fc00000'],
		['undefined', 'f7'],
		['bytes of indefinite length', '5f4161ff'],
		['a list of indefinite length', '9f01ff'],
		['map keys out of order', 'a2616201616102'],
		['a map key twice', 'a2616101616102'],
		['a bignum', 'c24101'],
		['a byte too many', '0100'],
		['a byte too few', '4261'],
		['nothing', ''],
	];
	for (const [why, hex] of forms) assert.throws(() => decodeCbor(hexToBytes(hex), 100, 'value'), refused, why);
});

test('the bound on bytes holds before they are read', () => {
	assert.throws(() => decodeCbor(new Uint8Array(101), 100, 'value'), /at most 100/);
});

test('bytes come out as plain arrays whose slice copies', () => {
	const [inner] = decodeCbor(Buffer.from(encodeCbor([Uint8Array.of(1, 2)])), 100, 'value') as [Uint8Array];
	assert.equal(inner.constructor, Uint8Array);
	assert.equal(encodeCbor(['x'.repeat(5000)]).constructor, Uint8Array);
});
