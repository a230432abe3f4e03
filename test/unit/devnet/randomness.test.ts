/** The draws of the chain, against what a Lotus node answered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBytes } from '../../../src/codec/json-read.ts';
import { hex32FromJson } from '../../../src/codec/lotus-json.ts';
import { beaconEntry, digestOf, draw, postChallenge, ticketOf } from '../../../src/devnet/chain/randomness.ts';
import type { Hex32 } from '../../../src/domain/ids.ts';
import { actorId } from '../../../src/domain/ids.ts';
import { recording } from '../../vectors/lotus-rpc.ts';

interface RecordedBlock {
	readonly Ticket: { readonly VRFProof: string };
	readonly BeaconEntries: readonly { readonly Round: number; readonly Data: string }[];
}

const answer = (number: string): Hex32 => hex32FromJson(recording(number).response?.result, number);
const block = (number: string): RecordedBlock => {
	const { result } = recording(number).response ?? {};
	return (result as { Blocks: readonly [RecordedBlock] }).Blocks[0];
};
const minerEntropy = readBytes('QwDpBw==', 'entropy');
const nothing = new Uint8Array();

test('a beacon draw is the hash of tag, digest, epoch and entropy', () => {
	assert.equal(draw(4, answer('056'), 7, minerEntropy), answer('052'));
	assert.equal(draw(4, answer('056'), 7, nothing), answer('055'));
});

test('the digest of a null round is that of its own beacon entry, carried by the block after it', () => {
	const entry = block('084').BeaconEntries.find(({ Round }) => Round === 113);
	assert.equal(digestOf(readBytes(entry?.Data, 'entry')), answer('130'));
	assert.equal(draw(4, answer('130'), 13, minerEntropy), answer('128'));
});

test('an epoch before genesis is drawn from the entry of zeros', () => {
	const { round, data } = beaconEntry('any', -46);
	assert.equal(round, 0);
	assert.equal(draw(4, digestOf(data), -46, minerEntropy), answer('053'));
});

test('commit randomness of a null round comes from the ticket after it', () => {
	const before = digestOf(readBytes(block('000').Ticket.VRFProof, 'ticket'));
	const after = digestOf(readBytes(block('084').Ticket.VRFProof, 'ticket'));
	assert.equal(after, answer('126'));
	assert.equal(before, answer('127'));
	assert.equal(draw(9, after, 13, nothing), answer('124'));
	assert.equal(draw(9, before, 12, nothing), answer('125'));
});

test('the challenge of a proof is a canonical field element', () => {
	for (let epoch = 1; epoch < 200; epoch++) {
		const byte = Number.parseInt(postChallenge('seed', actorId(1001), epoch).slice(62), 16);
		assert.ok(byte < 0x40, `epoch ${epoch}: ${byte}`);
	}
});

test('equal seeds give equal beacons and tickets, other seeds and other forks give others', () => {
	assert.deepEqual(beaconEntry('a', 9), beaconEntry('a', 9));
	assert.notDeepEqual(beaconEntry('a', 9).data, beaconEntry('b', 9).data);
	const ticket = ticketOf('a', nothing, 9, 0);
	assert.equal(ticket.length, 96);
	assert.deepEqual(ticket, ticketOf('a', nothing, 9, 0));
	assert.notDeepEqual(ticket, ticketOf('a', nothing, 9, 1));
});
