import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexToBytes } from '@noble/hashes/utils.js';
import { signingKey } from '../../../../src/adapters/chain/signing-key.ts';
import { lotusKeys } from '../../../vectors/lotus-keys.ts';

function privateKeyOf(keyFile: string): Uint8Array {
	const { PrivateKey } = JSON.parse(Buffer.from(keyFile, 'hex').toString()) as { PrivateKey: string };
	return Buffer.from(PrivateKey, 'base64');
}

test("an exported key has Lotus's address and signs Lotus's bytes", () => {
	for (const [type, vector] of Object.entries(lotusKeys)) {
		const key = signingKey(type as keyof typeof lotusKeys, privateKeyOf(vector.keyFile));
		assert.ok(key);
		assert.equal(key.address, vector.address);
		const signature = Uint8Array.of(key.signatureType, ...key.sign(hexToBytes(vector.message)));
		assert.deepEqual(signature, hexToBytes(vector.signature), type);
	}
});

test('bytes that are no key are refused', () => {
	const order = hexToBytes('73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001').reverse();
	for (const type of ['bls', 'secp256k1'] as const) {
		assert.equal(signingKey(type, new Uint8Array(32)), undefined, 'zero');
		assert.equal(signingKey(type, new Uint8Array(31).fill(1)), undefined, 'short');
		assert.equal(signingKey(type, new Uint8Array(32).fill(0xff)), undefined, 'above the order');
	}
	assert.equal(signingKey('bls', order), undefined, 'the order itself, little endian');
});
