import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
	decodeDigest,
	decodePull,
	decodePullAnswer,
	encodeDigest,
	encodePull,
	encodePullAnswer,
} from '../../../src/codec/sync.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { digest, plain, pull } from './mesh-arbitraries.ts';

test('digests, pulls and their answers come back from their bytes as they went in', () => {
	fc.assert(fc.property(digest, (value) => assert.deepEqual(decodeDigest(encodeDigest(value)), value)));
	fc.assert(fc.property(pull, (value) => assert.deepEqual(decodePull(encodePull(value)), value)));
	const answer = plain({
		statements: fc.array(plain({ bytes: fc.uint8Array({ minLength: 1, maxLength: 90 }), ageMs: fc.maxSafeNat() })),
		roster: fc.option(fc.uint8Array({ minLength: 1, maxLength: 90 })),
		more: fc.boolean(),
	});
	fc.assert(fc.property(answer, (value) => assert.deepEqual(decodePullAnswer(encodePullAnswer(value)), value)));
});

test('garbage on the sync protocol is refused with a code', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
			for (const decode of [decodeDigest, decodePull, decodePullAnswer]) {
				assert.throws(
					() => decode(bytes),
					(error) => isPosterError(error, 'bad-cbor'),
				);
			}
		}),
	);
});

test('lists out of order are refused, so that equal knowledge has one encoding', () => {
	const [value] = fc.sample(
		digest.filter(({ records }) => records.length >= 2),
		1,
	);
	assert.ok(value);
	const turned = { ...value, records: [...value.records].reverse() };
	assert.throws(() => decodeDigest(encodeDigest(turned)), /ascending/);
});
