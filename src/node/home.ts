/**
 * The folder of one node: its keys, its copy of the roster, its config and its store. One home is one node; whoever
 * copies it makes a second node with the same identity, so the store remembers whose it is.
 */
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Ed25519Identity, publicKeyOf } from '../adapters/identity/ed25519.ts';
import { isPosterError, PosterError } from '../domain/errors.ts';
import { type NodeId, nodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { readSecretFile, readSmallFile, writeFileAtomic } from './files.ts';
import { decodeMeshKey, encodeMeshKey } from './mesh-key.ts';

export interface HomePaths {
	readonly root: string;
	/** Base64 of the libp2p private key protobuf; only on the operator's machine. */
	readonly operatorKey: string;
	/** Peer id text of the operator's key: who may sign rosters. */
	readonly operatorId: string;
	/** Base64 of the libp2p private key protobuf. */
	readonly identityKey: string;
	readonly meshKey: string;
	/** Signed roster, the newest version that this node knows. */
	readonly roster: string;
	/** Multiaddrs of the invitation, one a line: where a node that joined dials first. */
	readonly addresses: string;
	/** Multiaddrs of members as they were last connected, one a line: dialled beside those of the invitation. */
	readonly knownAddresses: string;
	readonly config: string;
	readonly store: string;
	readonly spool: string;
	/** Decoded parameters of our own prover, and the records of its self-tests. */
	readonly decoded: string;
	/** Segments of the flight recorder. */
	readonly recorder: string;
	readonly control: string;
	readonly lock: string;
}

export interface Home {
	readonly paths: HomePaths;
	readonly identity: Ed25519Identity;
	readonly operatorId: NodeId;
	/** 32 bytes. */
	readonly meshKey: Uint8Array;
}

export interface HomeKeys {
	readonly identity: Ed25519Identity;
	readonly meshKey: Uint8Array;
	readonly operator: { readonly key: Ed25519Identity } | { readonly id: NodeId };
}

const SECRET = 0o600;
const PUBLIC = 0o644;

export function defaultHome(): string {
	return join(homedir(), '.poster-node');
}

export function homePaths(folder: string): HomePaths {
	const root = resolve(folder);
	return {
		root,
		operatorKey: join(root, 'operator.key'),
		operatorId: join(root, 'operator.pub'),
		identityKey: join(root, 'identity.key'),
		meshKey: join(root, 'mesh.key'),
		roster: join(root, 'roster.cbor'),
		addresses: join(root, 'addresses.txt'),
		knownAddresses: join(root, 'known-addresses.txt'),
		config: join(root, 'config.toml'),
		store: join(root, 'store'),
		spool: join(root, 'spool'),
		decoded: join(root, 'decoded'),
		recorder: join(root, 'recorder'),
		control: join(root, 'control.json'),
		lock: join(root, 'lock'),
	};
}

/** True when the folder already is some node's home. */
export async function isHome(root: string): Promise<boolean> {
	return (await readSmallFile(homePaths(root).identityKey, limits.keyFileBytes)) !== undefined;
}

/** Writes the keys of a new home. Rejects `home-exists`: a key is never overwritten, a restored one no more than an own. */
export async function createHome(root: string, keys: HomeKeys): Promise<Home> {
	const paths = homePaths(root);
	for (const path of [paths.identityKey, paths.operatorKey, paths.meshKey, paths.roster]) {
		if ((await readSmallFile(path, limits.rosterBytes)) === undefined) continue;
		throw new PosterError('home-exists', `${paths.root} holds ${basename(path)} already`, {
			advice:
				'Give another folder with --home. Keys are never overwritten: if an init was interrupted here, remove the folder.',
			meta: { home: paths.root },
		});
	}
	const operatorId = 'key' in keys.operator ? keys.operator.key.id : keys.operator.id;
	if ('key' in keys.operator) await writeFileAtomic(paths.operatorKey, keyText(keys.operator.key), SECRET);
	await writeFileAtomic(paths.operatorId, `${operatorId}\n`, PUBLIC);
	await writeFileAtomic(paths.meshKey, encodeMeshKey(keys.meshKey), SECRET);
	// Last, since it is what makes the folder a home.
	await writeFileAtomic(paths.identityKey, keyText(keys.identity), SECRET);
	return { paths, identity: keys.identity, operatorId, meshKey: keys.meshKey };
}

/** Reads and checks the keys. Rejects `home-missing`, `key-missing`, `key-mode`, `key-bad`. */
export async function openHome(root: string): Promise<Home> {
	const paths = homePaths(root);
	if (!(await isHome(root))) {
		throw new PosterError('home-missing', `${paths.root} is no home of a node: it holds no identity.key`, {
			advice: 'Make one with `poster-node init`, or join a mesh with `poster-node init --join FILE`.',
			meta: { home: paths.root },
		});
	}
	const identity = await readKey(paths.identityKey);
	const meshKey = decodeMeshKey(
		required(paths.meshKey, await readSecretFile(paths.meshKey, limits.keyFileBytes)),
		paths.meshKey,
	);
	return { paths, identity, operatorId: await readOperatorId(paths), meshKey };
}

/** The operator's private key. Rejects `key-missing` on every machine but the operator's. */
export function readOperatorKey(paths: HomePaths): Promise<Ed25519Identity> {
	return readKey(paths.operatorKey);
}

async function readOperatorId(paths: HomePaths): Promise<NodeId> {
	const bytes = required(paths.operatorId, await readSmallFile(paths.operatorId, limits.keyFileBytes));
	const id = bytes.toString('utf8').trim();
	if (publicKeyOf(id) === undefined) throw badKey(paths.operatorId, 'it holds no Ed25519 peer id', OPERATOR_ADVICE);
	return nodeId(id);
}

async function readKey(path: string): Promise<Ed25519Identity> {
	const text = required(path, await readSecretFile(path, limits.keyFileBytes)).toString('utf8');
	try {
		return Ed25519Identity.fromProtobuf(Buffer.from(text, 'base64'));
	} catch (error) {
		if (isPosterError(error, 'key-bad')) throw badKey(path, error.message, adviceOf(path), error);
		throw error;
	}
}

function keyText(key: Ed25519Identity): string {
	return `${Buffer.from(key.toProtobuf()).toString('base64')}\n`;
}

function required(path: string, bytes: Buffer | undefined): Buffer {
	if (bytes !== undefined) return bytes;
	throw new PosterError('key-missing', `${path} does not exist`, {
		advice: path.endsWith('operator.key')
			? "Rosters are signed with the operator's key: run this on the machine where `poster-node init` was run."
			: 'Restore it from a backup, or make a new home with `poster-node init --join FILE`.',
		meta: { path },
	});
}

const OPERATOR_ADVICE =
	'Restore the file from a backup, or copy it from another node of the mesh: it is the same on all.';

function adviceOf(path: string): string {
	return path.endsWith('operator.key')
		? 'Restore the file from a backup: without it the roster can be changed no more.'
		: 'Restore the file from a backup. A new identity needs a new entry in the roster.';
}

function badKey(path: string, why: string, advice: string, cause?: unknown): PosterError {
	return new PosterError('key-bad', `${path} is no usable key: ${why}`, { cause, advice, meta: { path } });
}
