import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secpAddress } from '../../../src/codec/address.ts';
import { decodeRoster, sealRoster } from '../../../src/codec/roster.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { actorId, nodeId } from '../../../src/domain/ids.ts';
import type { Roster } from '../../../src/domain/roster.ts';

const sender = secpAddress(new Uint8Array(65).fill(1));
const roster: Roster = {
	network: 'devnet',
	version: 3,
	miners: [{ miner: actorId(1000), sender }],
	peers: [
		{
			id: nodeId('12D3AAAA'),
			name: 'alpha',
			site: 'north',
			weight: 4,
			slots: 2,
			roles: ['chain', 'prover'],
			miners: [],
		},
		{
			id: nodeId('12D3BBBB'),
			name: 'beta',
			site: 'south',
			weight: 1,
			slots: 0,
			roles: ['storage'],
			miners: [actorId(1000)],
		},
	],
};
const sign = (): Uint8Array => new Uint8Array(64).fill(3);

test('a roster comes back from its file; its hash does not depend on the signature', () => {
	const one = decodeRoster(sealRoster(roster, sign));
	const two = decodeRoster(sealRoster(roster, () => new Uint8Array(64)));
	assert.deepEqual(one.roster, roster);
	assert.equal(one.hash, two.hash);
	assert.notDeepEqual(one.signature, two.signature);
	assert.ok(new TextDecoder().decode(one.signingBytes).startsWith('poster-node/roster/1\0'));
});

test('a roster that readers would refuse cannot be made', () => {
	const [alpha, beta] = roster.peers;
	assert.ok(alpha && beta);
	const wrong: readonly (readonly [string, Roster])[] = [
		['peers out of order', { ...roster, peers: [beta, alpha] }],
		['one name twice', { ...roster, peers: [alpha, { ...beta, name: 'alpha' }] }],
		['weight of nothing', { ...roster, peers: [{ ...alpha, weight: 0 }] }],
		['weight over 64', { ...roster, peers: [{ ...alpha, weight: 65 }] }],
		['roles out of order', { ...roster, peers: [{ ...alpha, roles: ['prover', 'chain'] }] }],
		['one sender twice', { ...roster, miners: [...roster.miners, { miner: actorId(1001), sender }] }],
		['version 0', { ...roster, version: 0 }],
		['sender that is no address', { ...roster, miners: [{ miner: actorId(1000), sender: 'f1abc' }] }],
		['sender in the testnet prefix', { ...roster, miners: [{ miner: actorId(1000), sender: `t${sender.slice(1)}` }] }],
	];
	for (const [what, bad] of wrong) {
		assert.throws(
			() => sealRoster(bad, sign),
			(error) => isPosterError(error, 'bad-cbor', 'bad-address'),
			what,
		);
	}
});
