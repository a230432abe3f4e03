/**
 * The roster file: [payload, signature], signed by the operator's key with a prefix of its own. Its hash is SHA-256 of
 * the payload, so a roster that was signed twice is one roster.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { actorId, type Hex32 } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { ROLES, type Roster, type RosterMiner, type RosterPeer } from '../domain/roster.ts';
import { normalizeAddress } from './address.ts';
import { badCbor, cborBytes, cborInteger, cborTuple, decodeCbor, encodeCbor } from './cbor.ts';
import { cborAscending, cborNodeId, cborText, U32_MAX, U53_MAX } from './mesh-cbor.ts';
import { sha256Hex } from './work-id.ts';

const FORMAT = 'poster-node/roster/1';
const SIGNATURE_BYTES = 64;
const SIGNING_PREFIX = utf8ToBytes(`${FORMAT}\0`);
const WEIGHT_MAX = 64;

export interface DecodedRoster {
	readonly roster: Roster;
	readonly hash: Hex32;
	/** What `signature` must be valid for, by the operator's key. */
	readonly signingBytes: Uint8Array;
	readonly signature: Uint8Array;
}

/** The signed file's bytes. Throws `bad-cbor` when the roster breaks a rule that readers enforce. */
export function sealRoster(roster: Roster, sign: (bytes: Uint8Array) => Uint8Array): Uint8Array {
	const payload = encodeCbor([
		FORMAT,
		roster.network,
		roster.version,
		roster.miners.map(({ miner, sender }) => [miner, sender]),
		roster.peers.map((peer) => [
			peer.id,
			peer.name,
			peer.site,
			peer.weight,
			peer.slots,
			peer.roles.map((role) => ROLES.indexOf(role)),
			peer.miners,
		]),
	]);
	readPayload(payload);
	return encodeCbor([payload, sign(rosterSigningBytes(payload))]);
}

/** Throws `bad-cbor`, `bad-address`. The signature is not checked. */
export function decodeRoster(bytes: Uint8Array): DecodedRoster {
	const [rawPayload, signature] = cborTuple(decodeCbor(bytes, limits.rosterBytes, 'roster'), 2, 'roster');
	const payload = cborBytes(rawPayload, 1, limits.rosterBytes, 'roster payload');
	return {
		roster: readPayload(payload),
		hash: sha256Hex(payload),
		signingBytes: rosterSigningBytes(payload),
		signature: cborBytes(signature, SIGNATURE_BYTES, SIGNATURE_BYTES, 'signature'),
	};
}

function rosterSigningBytes(payload: Uint8Array): Uint8Array {
	const bytes = new Uint8Array(SIGNING_PREFIX.length + payload.length);
	bytes.set(SIGNING_PREFIX);
	bytes.set(payload, SIGNING_PREFIX.length);
	return bytes;
}

function readPayload(payload: Uint8Array): Roster {
	const value = decodeCbor(payload, limits.rosterBytes, 'roster payload');
	const [format, network, version, miners, peers] = cborTuple(value, 5, 'roster payload');
	if (format !== FORMAT) throw badCbor('this is not a roster of a known format');
	const roster: Roster = {
		network: cborText(network, limits.networkNameChars, 'network'),
		version: cborInteger(version, 1, U32_MAX, 'version'),
		miners: cborAscending(miners, limits.rosterMiners, 'miners', readMiner, ({ miner }) => miner),
		peers: cborAscending(peers, limits.rosterPeers, 'peers', readPeer, ({ id }) => id),
	};
	const names = new Set(roster.peers.map(({ name }) => name));
	if (names.size !== roster.peers.length) throw badCbor('two peers of the roster have the same name');
	// Nonces are the fence against paying twice, and each miner's submitters count them on their own.
	const senders = new Set(roster.miners.map(({ sender }) => sender));
	if (senders.size !== roster.miners.length) throw badCbor('two miners of the roster have the same sender');
	return roster;
}

function readMiner(value: unknown): RosterMiner {
	const [miner, sender] = cborTuple(value, 2, 'miner');
	const address = cborText(sender, limits.addressChars, 'sender');
	if (normalizeAddress(address) !== address) throw badCbor('the sender is not in normal form');
	return { miner: actorId(cborInteger(miner, 0, U53_MAX, 'miner')), sender: address };
}

function readPeer(value: unknown): RosterPeer {
	const [id, name, site, weight, slots, roles, miners] = cborTuple(value, 7, 'peer');
	const readRole = (role: unknown): number => cborInteger(role, 0, ROLES.length - 1, 'role');
	const readMinerId = (miner: unknown): number => cborInteger(miner, 0, U53_MAX, 'miner');
	return {
		id: cborNodeId(id, 'peer id'),
		name: cborText(name, limits.rosterNameChars, 'name'),
		site: cborText(site, limits.rosterNameChars, 'site'),
		weight: cborInteger(weight, 1, WEIGHT_MAX, 'weight'),
		slots: cborInteger(slots, 0, limits.slots, 'slots'),
		roles: cborAscending(roles, ROLES.length, 'roles', readRole, (role) => role).map(
			(role) => ROLES[role] as (typeof ROLES)[number],
		),
		miners: cborAscending(miners, limits.rosterMiners, 'miners', readMinerId, (miner) => miner).map(actorId),
	};
}
