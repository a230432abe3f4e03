import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeCbor } from '../../../src/codec/cbor.ts';
import { decodeEnvelope, encodePayload, envelopeSigningBytes, sealEnvelope } from '../../../src/codec/envelope.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { limits } from '../../../src/domain/limits.ts';
import { envelope } from './mesh-arbitraries.ts';

const sign = (): Uint8Array => new Uint8Array(64).fill(9);
const REFUSALS = ['bad-cbor', 'bad-bitfield', 'bad-address', 'bad-params'];

test('an envelope comes back from its bytes as it went in', () => {
	fc.assert(
		fc.property(envelope, (sent) => {
			const bytes = sealEnvelope(sent, sign);
			const decoded = decodeEnvelope(bytes);
			assert.deepEqual(decoded.envelope, sent);
			assert.deepEqual(decoded.signature, sign());
			assert.deepEqual(decoded.signingBytes, envelopeSigningBytes(encodePayload(sent)));
		}),
	);
});

test('damaged bytes are refused with a code, or are the one encoding of another envelope', () => {
	fc.assert(
		fc.property(envelope, fc.nat(), fc.integer({ min: 1, max: 255 }), (sent, position, flip) => {
			const bytes = sealEnvelope(sent, sign);
			bytes[position % bytes.length] = (bytes[position % bytes.length] ?? 0) ^ flip;
			try {
				const decoded = decodeEnvelope(bytes);
				assert.deepEqual(
					sealEnvelope(decoded.envelope, () => decoded.signature),
					bytes,
				);
			} catch (error) {
				assert.ok(isPosterError(error, ...REFUSALS), String(error));
			}
		}),
		{ numRuns: 1_000 },
	);
});

test('garbage never crashes the decoder', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
			assert.throws(
				() => decodeEnvelope(bytes),
				(error) => isPosterError(error, ...REFUSALS),
			);
		}),
		{ numRuns: 1_000 },
	);
});

test('the signature covers a prefix of its own, so bytes signed for another purpose are no envelope', () => {
	const signed = envelopeSigningBytes(Uint8Array.of(1, 2, 3));
	assert.equal(new TextDecoder().decode(signed.subarray(0, -3)), 'poster-node/envelope/1\0');
});

test('an envelope over the size of a gossip message is refused before it is parsed', () => {
	const bytes = new Uint8Array(limits.gossipBytes + 1);
	assert.throws(
		() => decodeEnvelope(bytes),
		(error) => isPosterError(error, 'bad-cbor') && error.message.includes('at most'),
	);
});

test('a signature of another length and a payload of another version are refused', () => {
	const [sent] = fc.sample(envelope, 1);
	assert.ok(sent);
	const payload = encodePayload(sent);
	assert.throws(() => decodeEnvelope(encodeCbor([payload, new Uint8Array(63)])), /signature/);
	const tuple = [2, sent.network, sent.from, sent.incarnation, sent.sequence, sent.epoch, 0, []];
	assert.throws(() => decodeEnvelope(encodeCbor([encodeCbor(tuple), sign()])), /version/);
});
