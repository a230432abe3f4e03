import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeCbor } from '../../../src/codec/cbor.ts';
import {
	decodeOfferAnswer,
	decodeProofAnswer,
	decodeVanillaAnswer,
	decodeWinningAsk,
	encodeWinningAnswer,
	encodeWinningAsk,
	encodeWinningRefusal,
} from '../../../src/codec/winning-wire.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { actorId, hex32, sectorNumber } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { proofShape } from '../../../src/domain/proof.ts';
import type { WinningAsk, WinningChallenge } from '../../../src/domain/winning.ts';

const challengeOf = (proofType: number): WinningChallenge => ({
	proofType,
	miner: actorId(1000),
	randomness: hex32(`${'5b'.repeat(31)}1b`),
	sector: { number: sectorNumber(7), commR: hex32('ab'.repeat(32)) },
});

test('every question of every size survives the wire, and the largest fits', () => {
	for (let proofType = 0; proofType < 5; proofType++) {
		const challenge = challengeOf(proofType);
		const vanilla = new Uint8Array(randomBytes(proofShape(proofType).vanillaBytes));
		const asks: readonly WinningAsk[] = [
			{ kind: 'open', challenge },
			{ kind: 'offer', proofType, miner: challenge.miner },
			{ kind: 'prove', challenge, vanilla },
		];
		for (const ask of asks) {
			const bytes = encodeWinningAsk(ask);
			assert.ok(bytes.length <= limits.winningBytes);
			const read = decodeWinningAsk(bytes);
			assert.deepEqual('vanilla' in read ? { ...read, vanilla: new Uint8Array(read.vanilla) } : read, ask);
		}
		const answer = encodeWinningAnswer(vanilla);
		assert.ok(answer.length <= limits.winningBytes);
		assert.deepEqual(new Uint8Array(decodeVanillaAnswer(answer, challenge)), vanilla);
	}
});

test('what is no winning type, not masked, or of another length is refused', () => {
	const good = [0, 0, 1000, Buffer.alloc(32), 7, Buffer.alloc(32)];
	decodeWinningAsk(encodeCbor(good));
	for (const bad of [
		[0, 10, ...good.slice(2)],
		[0, 0, 1000, Buffer.alloc(32, 0xff), ...good.slice(4)],
		[0, 0, 1000, Buffer.alloc(31), ...good.slice(4)],
		[3, ...good.slice(1)],
		[...good, 1],
		[1, 0],
		[2, ...good.slice(1), Buffer.alloc(36_815)],
		[2, ...good.slice(1), Buffer.alloc(36_817)],
	]) {
		assert.throws(() => decodeWinningAsk(encodeCbor(bad)), { code: 'bad-cbor' });
	}
	assert.throws(() => decodeProofAnswer(encodeWinningAnswer(new Uint8Array(191))), { code: 'bad-cbor' });
	assert.throws(() => decodeVanillaAnswer(encodeWinningAnswer(new Uint8Array(192)), challengeOf(0)), {
		code: 'bad-cbor',
	});
	assert.throws(() => decodeOfferAnswer(encodeWinningAnswer(-1)), { code: 'bad-cbor' });
	assert.throws(
		() => decodeProofAnswer(encodeWinningRefusal('winning-busy')),
		(error) => {
			assert.ok(isPosterError(error, 'winning-refused'));
			assert.equal(error.meta['code'], 'winning-busy');
			return true;
		},
	);
});

test('bytes of anybody are refused as such and as nothing else', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
			for (const decode of [decodeWinningAsk, decodeProofAnswer, decodeOfferAnswer]) {
				try {
					decode(bytes);
				} catch (error) {
					assert.ok(isPosterError(error, 'bad-cbor', 'winning-refused'), String(error));
				}
			}
		}),
	);
});
