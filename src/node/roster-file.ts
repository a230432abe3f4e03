/**
 * The operator-signed membership: checked before it counts, kept in the home. Nobody but the operator can admit a machine,
 * so nothing here trusts what a file or a peer says of itself.
 */
import { decodeRoster, sealRoster } from '../codec/roster.ts';
import { isPosterError, PosterError } from '../domain/errors.ts';
import type { Hex32, NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Roster, RosterPeer } from '../domain/roster.ts';
import type { Identity } from '../ports/identity.ts';
import { readSmallFile, writeFileAtomic } from './files.ts';
import type { Home } from './home.ts';

/** A roster whose signature was checked. `bytes` is the file. */
export interface SignedRoster {
	readonly bytes: Uint8Array;
	readonly roster: Roster;
	/** SHA-256 of the signed payload. */
	readonly hash: Hex32;
}

/**
 * `source` names the bytes in errors: a file, or who sent them. Throws `roster-bad` (no roster at all), `roster-signature`
 * (not by this mesh's operator).
 */
export function verifyRoster(bytes: Uint8Array, operator: NodeId, identity: Identity, source: string): SignedRoster {
	const { roster, hash, signingBytes, signature } = decoded(bytes, source);
	if (!identity.verify(operator, signingBytes, signature)) {
		throw new PosterError(
			'roster-signature',
			`${source}: roster version ${roster.version} is not signed by the operator ${operator}`,
			{
				advice: "Take the roster from a node of this mesh, or check that operator.pub is your mesh's operator.",
				meta: { version: roster.version, operator },
			},
		);
	}
	return { bytes, roster, hash };
}

/** Throws `roster-bad` when the roster breaks a rule, e.g. two peers of one name. */
export function signRoster(roster: Roster, operator: Identity): SignedRoster {
	const source = `version ${roster.version}`;
	try {
		const bytes = sealRoster(roster, (payload) => operator.sign(payload));
		return verifyRoster(bytes, operator.id, operator, source);
	} catch (error) {
		throw rosterError(error, source, 'Nothing was changed: correct what the text names, and try again.');
	}
}

/** The highest version wins; of two equal ones the lower hash, so that all nodes end with the same. */
export function supersedes(candidate: SignedRoster, current: SignedRoster): boolean {
	if (candidate.roster.version !== current.roster.version) return candidate.roster.version > current.roster.version;
	return candidate.hash < current.hash;
}

/** The roster in the home. Rejects `roster-missing`, `roster-bad`, `roster-signature`. */
export async function loadRoster(home: Home): Promise<SignedRoster> {
	const bytes = await readSmallFile(home.paths.roster, limits.rosterBytes);
	if (bytes === undefined) {
		throw new PosterError('roster-missing', `${home.paths.roster} does not exist`, {
			advice: 'Ask the operator for a new invitation, or restore the file from a backup.',
			meta: { path: home.paths.roster },
		});
	}
	return verifyRoster(bytes, home.operatorId, home.identity, home.paths.roster);
}

export function saveRoster(home: Home, signed: SignedRoster): Promise<void> {
	return writeFileAtomic(home.paths.roster, signed.bytes, 0o644);
}

/** This node's entry. Rejects `not-in-roster`: the operator has not admitted it, or this is the home of another node. */
export function ownEntry(roster: Roster, self: NodeId): RosterPeer {
	const peer = roster.peers.find(({ id }) => id === self);
	if (peer !== undefined) return peer;
	throw new PosterError('not-in-roster', `roster version ${roster.version} does not name this node (${self})`, {
		advice: `On the operator's machine: poster-node roster add --id ${self} --name NAME --roles ROLES`,
		meta: { version: roster.version, self },
	});
}

function decoded(bytes: Uint8Array, source: string): ReturnType<typeof decodeRoster> {
	try {
		return decodeRoster(bytes);
	} catch (error) {
		throw rosterError(error, source, 'Restore it from a backup, or ask the operator for a new invitation.');
	}
}

function rosterError(error: unknown, source: string, advice: string): unknown {
	if (!isPosterError(error, 'bad-cbor', 'bad-address')) return error;
	return new PosterError('roster-bad', `${source} is no valid roster: ${error.message}`, {
		cause: error,
		advice,
		meta: { source },
	});
}
