import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cidBytes, cidOfCbor, commROfSealedCid, normalizeCid, sealedCidOfCommR } from '../../../src/codec/cid.ts';
import {
	messageFromJson,
	messageToJson,
	signedMessageFromJson,
	signedMessageToJson,
} from '../../../src/codec/lotus-json.ts';
import {
	decodeBigInt,
	decodeMessage,
	decodeSignedMessage,
	encodeBigInt,
	encodeMessage,
	encodeSignedMessage,
	messageCid,
	signedMessageCid,
} from '../../../src/codec/message.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { attoFil, hex32 } from '../../../src/domain/ids.ts';
import type { Message, SignedMessage } from '../../../src/domain/message.ts';
import { findObjects } from '../../vectors/lotus-rpc.ts';

/** Plain objects: deepEqual tells them from the null-prototype ones that `fc.record` makes by default. */
const record = <T>(fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> =>
	fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
const tokens = fc.bigInt({ min: 0n, max: 2n ** 100n }).map(attoFil);
const messages: fc.Arbitrary<Message> = record({
	version: fc.constant(0 as const),
	to: fc.maxSafeNat().map((id) => `f0${id}`),
	from: fc.constantFrom('f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy', 'f00'),
	nonce: fc.maxSafeNat(),
	value: tokens,
	gasLimit: fc.maxSafeNat(),
	gasFeeCap: tokens,
	gasPremium: tokens,
	method: fc.maxSafeNat(),
	params: fc.uint8Array({ maxLength: 300 }),
});
const signed: fc.Arbitrary<SignedMessage> = fc.oneof(
	...([1, 2] as const).map((signatureType) =>
		record({
			message: messages,
			signatureType: fc.constant(signatureType),
			signature: fc.uint8Array({ minLength: signatureType === 1 ? 65 : 96, maxLength: signatureType === 1 ? 65 : 96 }),
		}),
	),
);

/**
 * Requests that carry the CID of the message that they were changed from, and StateCall, whose answers hold a gas limit
 * (2^62) that JSON numbers cannot.
 */
const staleCids = /^18[2346]-|-StateCall-/;

test('every recorded message has the CID that Lotus gave it', () => {
	let count = 0;
	for (const { value, file } of findObjects((object) => 'GasPremium' in object && 'CID' in object)) {
		if (staleCids.test(file)) continue;
		const message = messageFromJson(value);
		assert.deepEqual({ '/': messageCid(message) }, value['CID'], file);
		assert.deepEqual(decodeMessage(encodeMessage(message)), message, file);
		assert.deepEqual({ ...messageToJson(message), CID: value['CID'] }, value, file);
		count++;
	}
	assert.ok(count > 30, `${count}`);
});

test('every recorded signed message has the CID that Lotus gave it', () => {
	let count = 0;
	for (const { value, file } of findObjects(
		(object) => 'Signature' in object && 'Message' in object && 'CID' in object,
	)) {
		if (staleCids.test(file)) continue;
		const parsed = signedMessageFromJson(value);
		assert.deepEqual({ '/': signedMessageCid(parsed) }, value['CID'], file);
		assert.deepEqual(decodeSignedMessage(encodeSignedMessage(parsed)), parsed, file);
		assert.deepEqual(signedMessageFromJson(signedMessageToJson(parsed)), parsed, file);
		count++;
	}
	assert.ok(count > 15, `${count}`);
});

test('messages round trip', () => {
	fc.assert(fc.property(messages, (message) => assert.deepEqual(decodeMessage(encodeMessage(message)), message)));
	fc.assert(fc.property(signed, (item) => assert.deepEqual(decodeSignedMessage(encodeSignedMessage(item)), item)));
	fc.assert(fc.property(signed, (item) => assert.deepEqual(signedMessageFromJson(signedMessageToJson(item)), item)));
});

test('a changed message is refused or has another CID', () => {
	fc.assert(
		fc.property(signed, fc.nat(), fc.integer({ min: 1, max: 255 }), (item, position, flip) => {
			const bytes = encodeSignedMessage(item);
			const at = position % bytes.length;
			bytes[at] = (bytes[at] ?? 0) ^ flip;
			try {
				assert.deepEqual(encodeSignedMessage(decodeSignedMessage(bytes)), bytes);
			} catch (error) {
				assert.ok(isPosterError(error, 'bad-cbor', 'bad-address'), String(error));
			}
		}),
		{ numRuns: 1000 },
	);
});

test('garbage is refused, never crashes', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
			assert.throws(
				() => decodeSignedMessage(bytes),
				(error) => isPosterError(error, 'bad-cbor', 'bad-address'),
			);
		}),
		{ numRuns: 2000 },
	);
	const nested = new Uint8Array(60_000).fill(0x81);
	assert.throws(
		() => decodeMessage(nested),
		(error) => isPosterError(error, 'bad-cbor'),
	);
	const longList = Uint8Array.of(0x9a, 0xff, 0xff, 0xff, 0xff);
	assert.throws(
		() => decodeMessage(longList),
		(error) => isPosterError(error, 'bad-cbor'),
	);
	assert.throws(
		() => decodeMessage(new Uint8Array(65_537)),
		(error) => isPosterError(error, 'bad-cbor'),
	);
});

test('token amounts have one form', () => {
	fc.assert(fc.property(fc.bigInt(), (value) => assert.equal(decodeBigInt(encodeBigInt(value), 'value'), value)));
	assert.deepEqual(encodeBigInt(256n), Uint8Array.of(0, 1, 0));
	for (const bytes of [[0], [1], [0, 0], [0, 0, 1], [2, 1]]) {
		assert.throws(() => decodeBigInt(Uint8Array.from(bytes), 'value'), /canonical/, String(bytes));
	}
});

test('every recorded sealed CID is the CID of its comm_r', () => {
	let count = 0;
	for (const { value, file } of findObjects((object) => 'SealedCID' in object)) {
		const { '/': text } = value['SealedCID'] as { '/': string };
		assert.equal(sealedCidOfCommR(commROfSealedCid(text)), text, file);
		count++;
	}
	assert.ok(count > 20);
	assert.throws(() => commROfSealedCid(cidOfCbor(Uint8Array.of(0x80))), /sealed sector/);
	assert.throws(
		() => cidBytes('nocid'),
		(error) => isPosterError(error, 'bad-cid'),
	);
	fc.assert(
		fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
			const commR = hex32(Buffer.from(bytes).toString('hex'));
			assert.equal(commROfSealedCid(normalizeCid(sealedCidOfCommR(commR))), commR);
		}),
	);
});
