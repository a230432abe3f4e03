import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { challengeKey, resultHash, workId } from '../../../src/codec/work-id.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { epoch, hex32, partitionIndex } from '../../../src/domain/ids.ts';
import type { Challenge, DuePartition } from '../../../src/domain/work.ts';
import { challenge } from './mesh-arbitraries.ts';

const due: DuePartition = { partition: partitionIndex(4), sectorCount: 9, sectorRoot: hex32('ab'.repeat(32)) };

test('a work id changes with every field, so two announcers agree on the item only if they agree on all of it', () => {
	fc.assert(
		fc.property(challenge, (of: Challenge) => {
			const id = workId('net', of, due);
			const key = challengeKey('net', of);
			assert.equal(workId('net', { ...of }, { ...due }), id);
			const others: readonly Challenge[] = [
				{ ...of, kind: of.kind === 'dry' ? 'post' : 'dry' },
				{ ...of, nonce: of.nonce + 1 },
				{ ...of, miner: (of.miner === 0 ? 1 : 0) as Challenge['miner'] },
				{ ...of, periodStart: epoch(of.periodStart + 1) },
				{ ...of, deadline: (of.deadline + 1) as Challenge['deadline'] },
				{ ...of, challenge: epoch(of.challenge - 1) },
				{ ...of, open: epoch(of.open + 1) },
				{ ...of, close: epoch(of.close + 1) },
				{
					...of,
					randomness: hex32(`${of.randomness.slice(0, 60)}${of.randomness.slice(60, 62) === '00' ? '01' : '00'}3f`),
				},
				{ ...of, proofType: of.proofType === 13 ? 14 : 13 },
			];
			for (const [i, other] of others.entries()) {
				assert.notEqual(workId('net', other, due), id, `field ${i}`);
				assert.notEqual(challengeKey('net', other), key, `field ${i}`);
			}
			assert.notEqual(workId('other', of, due), id);
			assert.notEqual(workId('net', of, { ...due, partition: partitionIndex(5) }), id);
			assert.notEqual(workId('net', of, { ...due, sectorCount: 8 }), id);
			assert.notEqual(workId('net', of, { ...due, sectorRoot: hex32('ac'.repeat(32)) }), id);
		}),
	);
});

test('true proof bytes under other skips are another result', () => {
	const proof = new Uint8Array(192).fill(1);
	assert.notEqual(resultHash(proof, Bitfield.empty), resultHash(proof, Bitfield.of([3])));
});
