import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeEnvelope, sealEnvelope } from '../../../src/codec/envelope.ts';
import { samples } from '../../vectors/mesh/samples.ts';

const file = new URL('../../vectors/mesh/envelopes.json', import.meta.url);
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
const sign = (): Uint8Array => new Uint8Array(64).fill(9);

test('the bytes of every kind of envelope are those on record: another byte is another protocol version', () => {
	assert.deepEqual(
		Object.keys(recorded),
		samples.map(({ kind }) => kind),
	);
	for (const sample of samples) {
		const hex = recorded[sample.kind] ?? '';
		assert.equal(Buffer.from(sealEnvelope(sample, sign)).toString('hex'), hex, sample.kind);
		assert.deepEqual(decodeEnvelope(new Uint8Array(Buffer.from(hex, 'hex'))).envelope, sample, sample.kind);
	}
});
