/**
 * Ed25519 keys of nodes and operators by node:crypto (OpenSSL: 64 us per check, six times faster than the JavaScript
 * curve), in the formats of libp2p, so that one key file serves the envelopes and the transport.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { base58btc } from 'multiformats/bases/base58';
import { PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Identity } from '../../ports/identity.ts';

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** ASN.1 heads of RFC 8410: node:crypto takes raw keys only inside SPKI and PKCS #8. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
/** libp2p-crypto keys.proto: field 1 Type = 1 (Ed25519), field 2 Data. Private data is seed followed by public key. */
const PUBLIC_PROTOBUF_HEAD = Buffer.from('08011220', 'hex');
const PRIVATE_PROTOBUF_HEAD = Buffer.from('08011240', 'hex');
/** Identity multihash (code 0) over the 36 bytes of the public key's protobuf. */
const PEER_ID_HEAD = Buffer.concat([Buffer.from('0024', 'hex'), PUBLIC_PROTOBUF_HEAD]);

/** libp2p peer id text (`12D3Koo…`) of a raw public key of 32 bytes. */
export function peerIdOf(publicKey: Uint8Array): NodeId {
	return nodeId(base58btc.encode(Buffer.concat([PEER_ID_HEAD, publicKey])).slice(1));
}

/** Raw public key inside a peer id; undefined for anything but the canonical text of an Ed25519 peer id. */
export function publicKeyOf(id: string): Uint8Array | undefined {
	if (id.length > limits.peerIdChars) return undefined;
	const bytes = decodeBase58(id);
	if (bytes === undefined || bytes.length !== PEER_ID_HEAD.length + KEY_BYTES) return undefined;
	if (!PEER_ID_HEAD.equals(bytes.subarray(0, PEER_ID_HEAD.length))) return undefined;
	return bytes.subarray(PEER_ID_HEAD.length);
}

function decodeBase58(text: string): Uint8Array | undefined {
	try {
		return base58btc.decode(`z${text}`);
	} catch (error) {
		// The decoder's only failure is a character outside its alphabet: the text is no peer id.
		if (error instanceof Error) return undefined;
		throw error;
	}
}

/** A private key with its peer id. Made by `generate` or `fromProtobuf`; holds the secret for the life of the process. */
export class Ed25519Identity implements Identity {
	readonly id: NodeId;
	readonly #seed: Uint8Array;
	readonly #publicKey: Uint8Array;
	readonly #privateKey: KeyObject;
	/** Parsed keys of the members heard so far; parsing costs as much as a check. */
	readonly #known = new Map<NodeId, KeyObject>();

	private constructor(seed: Uint8Array) {
		this.#seed = seed;
		this.#privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
		const spki = createPublicKey(this.#privateKey).export({ format: 'der', type: 'spki' });
		this.#publicKey = spki.subarray(SPKI_HEAD.length);
		this.id = peerIdOf(this.#publicKey);
	}

	static generate(): Ed25519Identity {
		const { privateKey } = generateKeyPairSync('ed25519');
		const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
		return new Ed25519Identity(pkcs8.subarray(PKCS8_HEAD.length));
	}

	/** Reads the private key protobuf of libp2p (68 bytes); throws `key-bad` for any other bytes. */
	static fromProtobuf(bytes: Uint8Array): Ed25519Identity {
		const head = bytes.subarray(0, PRIVATE_PROTOBUF_HEAD.length);
		if (bytes.length !== PRIVATE_PROTOBUF_HEAD.length + 2 * KEY_BYTES || !PRIVATE_PROTOBUF_HEAD.equals(head)) {
			throw new PosterError('key-bad', 'the bytes are no Ed25519 private key of libp2p');
		}
		const identity = new Ed25519Identity(Buffer.from(bytes.subarray(head.length, head.length + KEY_BYTES)));
		if (!Buffer.from(identity.#publicKey).equals(bytes.subarray(head.length + KEY_BYTES))) {
			throw new PosterError('key-bad', 'the private key does not belong to the public key stored beside it');
		}
		return identity;
	}

	/** The private key as `privateKeyToProtobuf` of @libp2p/crypto writes it. */
	toProtobuf(): Uint8Array {
		return Buffer.concat([PRIVATE_PROTOBUF_HEAD, this.#seed, this.#publicKey]);
	}

	sign(bytes: Uint8Array): Uint8Array {
		return sign(null, bytes, this.#privateKey);
	}

	verify(id: NodeId, bytes: Uint8Array, signature: Uint8Array): boolean {
		if (signature.length !== SIGNATURE_BYTES) return false;
		const key = this.#known.get(id) ?? this.#learn(id);
		return key !== undefined && verify(null, bytes, key, signature);
	}

	#learn(id: NodeId): KeyObject | undefined {
		const raw = publicKeyOf(id);
		if (raw === undefined) return undefined;
		if (this.#known.size >= limits.knownKeys) this.#known.clear();
		const key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, raw]), format: 'der', type: 'spki' });
		this.#known.set(id, key);
		return key;
	}
}
