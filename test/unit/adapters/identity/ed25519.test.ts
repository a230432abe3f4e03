import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { Ed25519Identity, peerIdOf, publicKeyOf } from '../../../../src/adapters/identity/ed25519.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import { nodeId } from '../../../../src/domain/ids.ts';

const text = new TextEncoder().encode('a statement');

test('a key made here is the same key to libp2p: protobuf, peer id, signatures both ways', async () => {
	const identity = Ed25519Identity.generate();
	const key = privateKeyFromProtobuf(identity.toProtobuf());
	assert.equal(peerIdFromPrivateKey(key).toString(), identity.id);
	assert.ok(await key.publicKey.verify(text, identity.sign(text)));
	assert.ok(identity.verify(identity.id, text, await key.sign(text)));
});

test('a key made by libp2p is read and written without a change', async () => {
	const key = await generateKeyPair('Ed25519');
	const identity = Ed25519Identity.fromProtobuf(privateKeyToProtobuf(key));
	assert.equal(identity.id, peerIdFromPrivateKey(key).toString());
	assert.deepEqual(Buffer.from(identity.toProtobuf()), Buffer.from(privateKeyToProtobuf(key)));
});

test('a signature counts only for its signer, its bytes and in full', () => {
	const [alice, bob] = [Ed25519Identity.generate(), Ed25519Identity.generate()];
	const signature = alice.sign(text);
	assert.ok(bob.verify(alice.id, text, signature));
	assert.ok(!bob.verify(bob.id, text, signature));
	assert.ok(!bob.verify(alice.id, text.with(0, 0), signature));
	assert.ok(!bob.verify(alice.id, text, signature.subarray(1)));
	assert.ok(!bob.verify(alice.id, text, Buffer.concat([signature, Buffer.alloc(1)])));
});

test('an id that holds no Ed25519 key verifies nothing', async () => {
	const identity = Ed25519Identity.generate();
	const secp = peerIdFromPrivateKey(await generateKeyPair('secp256k1')).toString();
	const rsa = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N';
	for (const id of [secp, rsa, '', '0OIl', `${identity.id}1`, identity.id.slice(1), 'z'.repeat(10_000)]) {
		assert.equal(publicKeyOf(id), undefined, id);
		assert.ok(!identity.verify(nodeId(id), text, identity.sign(text)), id);
	}
});

test('peer id and public key are each other’s inverse', () => {
	const { id } = Ed25519Identity.generate();
	assert.equal(peerIdOf(publicKeyOf(id) as Uint8Array), id);
});

test('bytes that are no key, or halves of two keys, are refused', () => {
	const bytes = Ed25519Identity.generate().toProtobuf();
	const other = Ed25519Identity.generate().toProtobuf();
	const mixed = Buffer.concat([bytes.subarray(0, 36), other.subarray(36)]);
	for (const bad of [new Uint8Array(), bytes.subarray(1), Buffer.concat([bytes, bytes]), mixed]) {
		assert.throws(
			() => Ed25519Identity.fromProtobuf(bad),
			(error) => isPosterError(error, 'key-bad'),
		);
	}
});
