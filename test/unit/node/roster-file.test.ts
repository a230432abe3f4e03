import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { Ed25519Identity } from '../../../src/adapters/identity/ed25519.ts';
import { secpAddress } from '../../../src/codec/address.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { actorId, nodeId } from '../../../src/domain/ids.ts';
import type { Roster, RosterPeer } from '../../../src/domain/roster.ts';
import { createHome } from '../../../src/node/home.ts';
import { readInvite, writeInvite } from '../../../src/node/invite.ts';
import {
	withChangedPeer,
	withMiner,
	withNetwork,
	withoutMiner,
	withoutPeer,
	withPeer,
	withSender,
} from '../../../src/node/roster-changes.ts';
import {
	loadRoster,
	ownEntry,
	saveRoster,
	signRoster,
	supersedes,
	verifyRoster,
} from '../../../src/node/roster-file.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-roster-'));
after(() => rm(root, { recursive: true, force: true }));

const operator = Ed25519Identity.generate();
const sender = 'f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq';
const otherSender = secpAddress(new Uint8Array(65).fill(2));

function peerOf(name: string, change: Partial<RosterPeer> = {}): RosterPeer {
	const { id } = Ed25519Identity.generate();
	return { id, name, site: 'main', weight: 1, slots: 1, roles: ['prover'], miners: [], ...change };
}

const first: Roster = {
	network: 'testing',
	version: 1,
	miners: [{ miner: actorId(1000), sender }],
	peers: [peerOf('a')],
};
const throwsCode = (run: () => unknown, code: string): void =>
	assert.throws(run, (error) => isPosterError(error, code));

test('each change is one version later, in the order that the file wants', () => {
	let roster = first;
	for (const name of ['b', 'c', 'd', 'e']) roster = withPeer(roster, peerOf(name, { roles: ['prover', 'chain'] }));
	assert.equal(roster.version, 5);
	const ids = roster.peers.map(({ id }) => id);
	assert.deepEqual(ids, [...ids].sort());
	assert.deepEqual(roster.peers.find(({ name }) => name === 'b')?.roles, ['chain', 'prover']);
	assert.deepEqual(signRoster(roster, operator).roster, roster);
	const fewer = withoutPeer(withoutPeer(roster, 'b'), roster.peers.find(({ name }) => name === 'c')?.id as string);
	assert.equal(fewer.version, 7);
	assert.deepEqual(fewer.peers.map(({ name }) => name).sort(), ['a', 'd', 'e']);
});

test('a name or an id is given once, an id must be a key, a miner must be known, a removed peer must be there', () => {
	const [a] = first.peers as [RosterPeer];
	throwsCode(() => withPeer(first, peerOf('a')), 'roster-duplicate');
	throwsCode(() => withPeer(first, { ...peerOf('b'), id: a.id }), 'roster-duplicate');
	throwsCode(() => withPeer(first, { ...peerOf('b'), id: nodeId('12D3KooWx') }), 'roster-bad');
	throwsCode(() => withPeer(first, peerOf('b', { miners: [actorId(7)] })), 'roster-unknown-miner');
	throwsCode(() => withoutPeer(first, 'nobody'), 'roster-unknown-peer');
	throwsCode(
		() => signRoster({ ...first, peers: [a, { ...peerOf('a'), id: nodeId(`${a.id}1`) }] }, operator),
		'roster-bad',
	);
});

test('a member changes in what is given and in nothing else; it keeps its id, and no other may have its name', () => {
	const roster = withPeer(withMiner(first, { miner: actorId(500), sender: otherSender }), peerOf('b', { slots: 3 }));
	const before = roster.peers.find(({ name }) => name === 'b') as RosterPeer;
	const [a] = first.peers as [RosterPeer];
	const changes = fc.record(
		{
			name: fc.constant('c'),
			site: fc.constant('cellar'),
			weight: fc.constant(7),
			slots: fc.constant(0),
			roles: fc.constant(['prover', 'chain'] as const),
			miners: fc.constant([actorId(1000), actorId(500)]),
		},
		{ requiredKeys: [] },
	);
	fc.assert(
		fc.property(changes, fc.constantFrom(before.id, before.name), (change, idOrName) => {
			const changed = withChangedPeer(roster, idOrName, change);
			assert.equal(changed.version, roster.version + 1);
			const after = changed.peers.find(({ id }) => id === before.id);
			const inOrder = {
				...('roles' in change && { roles: ['chain', 'prover'] }),
				...('miners' in change && { miners: [500, 1000] }),
			};
			assert.deepEqual(after, { ...before, ...change, ...inOrder });
			assert.deepEqual(
				changed.peers.filter(({ id }) => id !== before.id),
				[a],
			);
			assert.deepEqual(signRoster(changed, operator).roster, changed);
		}),
	);
	assert.equal(
		withChangedPeer(roster, 'b', { name: 'b', slots: 1 }).version,
		roster.version + 1,
		'its own name is free',
	);
	throwsCode(() => withChangedPeer(roster, 'b', { name: 'a' }), 'roster-duplicate');
	throwsCode(() => withChangedPeer(roster, 'nobody', { slots: 1 }), 'roster-unknown-peer');
	throwsCode(() => withChangedPeer(roster, 'b', { miners: [actorId(7)] }), 'roster-unknown-miner');
});

test('miners come, change their sender and go; each change is one version later', () => {
	const next = 'f15ihq5ibzwki2b4ep2f46avlkrqzhpqgtga7pdrq';
	const [second, third] = [secpAddress(new Uint8Array(65).fill(1)), otherSender];
	let roster = withMiner(first, { miner: actorId(2000), sender: second });
	roster = withMiner(roster, { miner: actorId(500), sender: third });
	assert.deepEqual(
		roster.miners.map(({ miner }) => miner),
		[500, 1000, 2000],
	);
	roster = withSender(roster, { miner: actorId(1000), sender: next });
	assert.equal(roster.miners[1]?.sender, next);
	roster = withNetwork(withoutMiner(roster, actorId(500)), 'elsewhere');
	assert.deepEqual([roster.version, roster.network, roster.miners.length], [6, 'elsewhere', 2]);
	assert.deepEqual(signRoster(roster, operator).roster, roster);
	throwsCode(() => withMiner(roster, { miner: actorId(1000), sender }), 'roster-duplicate');
	throwsCode(() => withSender(roster, { miner: actorId(7), sender }), 'roster-unknown-miner');
	throwsCode(() => withMiner(roster, { miner: actorId(3000), sender: next }), 'roster-sender-used');
	throwsCode(() => withSender(roster, { miner: actorId(2000), sender: next }), 'roster-sender-used');
	assert.deepEqual(withSender(roster, { miner: actorId(1000), sender: next }).miners, roster.miners);
	throwsCode(() => withoutMiner(roster, actorId(7)), 'roster-unknown-miner');
	const bound = withPeer(roster, peerOf('only-2000', { miners: [actorId(2000)] }));
	throwsCode(() => withoutMiner(bound, actorId(2000)), 'roster-miner-used');
});

test('only the operator’s signature over exactly these bytes counts', () => {
	const signed = signRoster(first, operator);
	assert.equal(verifyRoster(signed.bytes, operator.id, operator, 'x').hash, signed.hash);
	throwsCode(() => verifyRoster(signed.bytes, Ed25519Identity.generate().id, operator, 'x'), 'roster-signature');
	throwsCode(
		() => verifyRoster(signRoster(first, Ed25519Identity.generate()).bytes, operator.id, operator, 'x'),
		'roster-signature',
	);
	fc.assert(
		fc.property(fc.nat({ max: signed.bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
			const forged = Uint8Array.from(signed.bytes);
			forged[at] = (forged[at] as number) ^ flip;
			assert.throws(
				() => verifyRoster(forged, operator.id, operator, 'x'),
				(error) => isPosterError(error, 'roster-bad', 'roster-signature'),
			);
		}),
	);
});

test('of any two rosters exactly one supersedes the other, whoever judges', () => {
	const versions = [1, 2, 3].flatMap((version) =>
		['a', 'b'].map((name) => signRoster({ ...first, version, peers: [peerOf(name)] }, operator)),
	);
	for (const x of versions) {
		for (const y of versions) {
			assert.equal(supersedes(x, y) || supersedes(y, x), x !== y);
			assert.ok(!(supersedes(x, y) && supersedes(y, x)));
			if (x.roster.version > y.roster.version) assert.ok(supersedes(x, y));
		}
	}
});

test('a node that the roster does not name is told its id and what the operator runs', () => {
	const stranger = Ed25519Identity.generate().id;
	assert.throws(
		() => ownEntry(first, stranger),
		(error) => isPosterError(error, 'not-in-roster') && (error.advice ?? '').includes(`roster add --id ${stranger}`),
	);
	const [a] = first.peers as [RosterPeer];
	assert.equal(ownEntry(first, a.id), a);
});

test('an invitation carries all that a new machine needs, and only its owner may read it', async () => {
	const identity = Ed25519Identity.generate();
	const home = await createHome(join(root, 'home'), {
		identity,
		meshKey: Buffer.alloc(32, 1),
		operator: { key: operator },
	});
	await assert.rejects(loadRoster(home), (error) => isPosterError(error, 'roster-missing'));
	await saveRoster(home, signRoster(first, operator));
	const signed = await loadRoster(home);
	const file = join(root, 'invite.json');
	await writeInvite(file, home, signed, ['/ip4/127.0.0.1/tcp/1']);
	const invite = await readInvite(file);
	assert.equal(invite.operator, operator.id);
	assert.deepEqual(Buffer.from(invite.meshKey), Buffer.alloc(32, 1));
	assert.equal(invite.roster.hash, signed.hash);
	assert.deepEqual(invite.addresses, ['/ip4/127.0.0.1/tcp/1']);
	await writeFile(file, '{}');
	await assert.rejects(readInvite(file), (error) => isPosterError(error, 'invite-bad'));
	await writeFile(join(root, 'open.json'), '{}');
	await chmod(join(root, 'open.json'), 0o644);
	await assert.rejects(readInvite(join(root, 'open.json')), (error) => isPosterError(error, 'key-mode'));
	await assert.rejects(readInvite(join(root, 'none.json')), (error) => isPosterError(error, 'invite-missing'));
});

test('a file that is no roster is named, with where to get a good one', async () => {
	const keys = { identity: Ed25519Identity.generate(), meshKey: Buffer.alloc(32, 1), operator: { key: operator } };
	const home = await createHome(join(root, 'bad-roster'), keys);
	await writeFile(home.paths.roster, 'garbage');
	await assert.rejects(
		loadRoster(home),
		(error) =>
			isPosterError(error, 'roster-bad') &&
			error.message.includes(home.paths.roster) &&
			/backup|invitation/.test(error.advice ?? ''),
	);
});
