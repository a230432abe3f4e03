import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import {
	type Address,
	actorIdOfAddress,
	addressBytes,
	addressFromBytes,
	addressText,
	minerAddress,
	normalizeAddress,
	parseAddress,
} from '../../../src/codec/address.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { actorId } from '../../../src/domain/ids.ts';
import { recordings } from '../../vectors/lotus-rpc.ts';

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const idPayload = fc.maxSafeNat().map((id) => parseAddress(`f0${id}`).payload);
const addresses: fc.Arbitrary<Address> = fc.oneof(
	idPayload.map((payload) => ({ protocol: 0 as const, payload })),
	bytesOf(20).map((payload) => ({ protocol: 1 as const, payload })),
	bytesOf(20).map((payload) => ({ protocol: 2 as const, payload })),
	bytesOf(48).map((payload) => ({ protocol: 3 as const, payload })),
	fc.tuple(idPayload, fc.uint8Array({ maxLength: 54 })).map(([namespace, sub]) => ({
		protocol: 4 as const,
		payload: Uint8Array.of(...namespace, ...sub),
	})),
);

/** Texts and bytes of go-address `address_test.go` and FIP-0048. */
const known: readonly (readonly [text: string, hex: string])[] = [
	['f00', '0000'],
	['f01', '0001'],
	['f01024', '008008'],
	['f01001', '00e907'],
	['f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy', '01fd1d0f4dfcd7e99afcb99a8326b7dc459d32c628'],
	['f24vg6ut43yw2h2jqydgbg2xq7x6f4kub3bg6as6i', '02e54dea4f9bc5b47d261819826d5e1fbf8bc5503b'],
	['f410fkkld55ioe7qg24wvt7fu6pbknb56ht7pt4zamxa', '040a52963ef50e27e06d72d59fcb4f3c2a687be3cfef'],
];

test('known addresses have the text and the bytes of go-address', () => {
	for (const [text, hex] of known) {
		assert.deepEqual(addressBytes(parseAddress(text)), hexToBytes(hex), text);
		assert.equal(addressText(addressFromBytes(hexToBytes(hex))), text, text);
		assert.equal(normalizeAddress(`t${text.slice(1)}`), text, text);
	}
});

test('every address in the recordings survives text and bytes', () => {
	const texts = JSON.stringify(recordings).match(/"f[0-4][a-z0-9]+"/g) ?? [];
	const unique = [...new Set(texts)].map((quoted) => quoted.slice(1, -1));
	assert.ok(unique.length > 10);
	for (const text of unique) {
		assert.equal(normalizeAddress(text), text);
		assert.equal(addressText(addressFromBytes(addressBytes(parseAddress(text)))), text);
	}
});

test('text and bytes round trip for every protocol', () => {
	fc.assert(
		fc.property(addresses, (address) => {
			assert.deepEqual(parseAddress(addressText(address)), address);
			assert.deepEqual(addressFromBytes(addressBytes(address)), address);
		}),
	);
});

test('a changed character or byte is refused', () => {
	const good = 'f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy';
	for (let i = 0; i < good.length; i++) {
		const bad = `${good.slice(0, i)}${good[i] === 'b' ? 'c' : 'b'}${good.slice(i + 1)}`;
		assert.throws(
			() => parseAddress(bad),
			(error) => isPosterError(error, 'bad-address'),
			bad,
		);
	}
});

test('malformed text and bytes are refused, never crash', () => {
	const bad = [
		'',
		'f',
		'f0',
		'f0-1',
		'f001',
		'f09007199254740992',
		'x01001',
		'f5aaaa',
		'f1',
		'f4f',
		'f410f',
		'<empty>',
		'f3',
	];
	for (const text of bad)
		assert.throws(
			() => parseAddress(text),
			(error) => isPosterError(error, 'bad-address'),
			text,
		);
	fc.assert(
		fc.property(
			fc.oneof(
				fc.string(),
				fc.string().map((tail) => `f1${tail}`),
			),
			(text) => {
				try {
					parseAddress(text);
				} catch (error) {
					assert.ok(isPosterError(error, 'bad-address'));
				}
			},
		),
	);
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
			try {
				assert.deepEqual(addressBytes(addressFromBytes(bytes)), bytes);
			} catch (error) {
				assert.ok(isPosterError(error, 'bad-address'));
			}
		}),
	);
});

test('only f0 has an actor id', () => {
	assert.equal(actorIdOfAddress('t01001'), 1001);
	assert.equal(minerAddress(actorId(1001)), 'f01001');
	assert.throws(() => actorIdOfAddress('f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy'), /id address/);
});
