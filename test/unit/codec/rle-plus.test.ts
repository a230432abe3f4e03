import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { bitfieldFromJson, bitfieldToJson, decodeBitfield, encodeBitfield } from '../../../src/codec/rle-plus.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { findObjects } from '../../vectors/lotus-rpc.ts';

const fields = fc.array(fc.tuple(fc.nat({ max: 5000 }), fc.nat({ max: 5000 })), { maxLength: 40 }).map((pairs) => {
	let end = 0;
	return Bitfield.ofRuns(
		pairs.map(([gap, length]) => {
			const start = end + gap;
			end = start + length;
			return { start, end };
		}),
	);
});

const refused = (error: unknown): boolean => isPosterError(error, 'bad-bitfield');

test('known fields have the bytes of go-bitfield', () => {
	assert.deepEqual(encodeBitfield(Bitfield.of([4, 5])), hexToBytes('9014'));
	assert.deepEqual(encodeBitfield(Bitfield.of([0])), hexToBytes('0c'));
	assert.deepEqual(encodeBitfield(Bitfield.empty), new Uint8Array());
});

test('bytes and JSON round trip', () => {
	fc.assert(
		fc.property(fields, (field) => {
			assert.ok(decodeBitfield(encodeBitfield(field)).equals(field));
			assert.ok(bitfieldFromJson(bitfieldToJson(field)).equals(field));
		}),
	);
});

test('bytes are either canonical or refused', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
			try {
				assert.deepEqual(encodeBitfield(decodeBitfield(bytes)), bytes);
			} catch (error) {
				assert.ok(refused(error));
			}
		}),
		{ numRuns: 2000 },
	);
});

test('forms that other encoders would take are refused', () => {
	const cases: readonly (readonly [why: string, hex: string])[] = [
		['version 1', '05'],
		['trailing zero byte', '0c00'],
		['a run of one written as a block of four bits', '34'],
		['only a header', '00'],
		['ends in zeros', '08'],
		['varint without an end', '000404'],
	];
	for (const [why, hex] of cases) assert.throws(() => decodeBitfield(hexToBytes(hex)), refused, why);
});

test('bounds hold before anything is expanded', () => {
	const bounds = { maxBytes: 100, maxRuns: 2, maxSize: 10 };
	assert.throws(() => decodeBitfield(new Uint8Array(101), bounds), refused);
	assert.throws(() => decodeBitfield(encodeBitfield(Bitfield.of([1, 3, 5])), bounds), refused);
	assert.throws(() => decodeBitfield(encodeBitfield(Bitfield.ofRuns([{ start: 0, end: 11 }])), bounds), refused);
	assert.throws(() => bitfieldFromJson([0, 11], bounds), refused);
	assert.throws(() => bitfieldFromJson([1, 1, 1, 1, 1, 1], bounds), refused);
	const huge = { start: Number.MAX_SAFE_INTEGER - 1, end: Number.MAX_SAFE_INTEGER };
	assert.ok(decodeBitfield(encodeBitfield(Bitfield.ofRuns([huge]))).has(huge.start));
	assert.throws(() => bitfieldFromJson([Number.MAX_SAFE_INTEGER, 2]), refused);
});

test('malformed JSON forms are refused', () => {
	for (const value of [null, {}, '', [1, 0, 1], [-1], [0.5], ['1'], [null]]) {
		assert.throws(() => bitfieldFromJson(value), refused, JSON.stringify(value));
	}
	assert.ok(bitfieldFromJson([]).equals(Bitfield.empty));
});

test('every bitfield in the recordings round trips', () => {
	let count = 0;
	for (const { value, file } of findObjects((object) => 'AllSectors' in object || 'PostSubmissions' in object)) {
		for (const [name, json] of Object.entries(value)) {
			if (!name.endsWith('Sectors') && name !== 'PostSubmissions') continue;
			assert.deepEqual(bitfieldToJson(bitfieldFromJson(json)), json, `${file} ${name}`);
			count++;
		}
	}
	assert.ok(count > 100);
});
