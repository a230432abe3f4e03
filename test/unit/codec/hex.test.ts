import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../../src/codec/hex.ts';

test('bytes become two lower-case digits each', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
			assert.equal(toHex(bytes), Buffer.from(bytes).toString('hex'));
		}),
	);
});
