/**
 * The two kinds of CIDs that this project makes: blake2b-256 over CBOR (messages) and sealed-sector commitments.
 * Sources: multicodec table, go-fil-commcid.
 */
import { blake2b } from '@noble/hashes/blake2.js';
import { hexToBytes } from '@noble/hashes/utils.js';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { PosterError } from '../domain/errors.ts';
import { type CidText, cidText, type Hex32, hex32 } from '../domain/ids.ts';
import { toHex } from './hex.ts';

const DAG_CBOR = 0x71;
const BLAKE2B_256 = 0xb220;
const FIL_COMMITMENT_SEALED = 0xf102;
const POSEIDON_BLS12_381 = 0xb401;
const DIGEST_BYTES = 32;

export function cidOfCbor(bytes: Uint8Array): CidText {
	const digest = blake2b(bytes, { dkLen: DIGEST_BYTES });
	return cidText(CID.createV1(DAG_CBOR, createDigest(BLAKE2B_256, digest)).toString());
}

/** Binary form of a CID; throws `bad-cid`. */
export function cidBytes(text: string): Uint8Array {
	return parseCid(text).bytes;
}

/** The text in its canonical form (base32 for version 1); throws `bad-cid`. */
export function normalizeCid(text: string): CidText {
	return cidText(parseCid(text).toString());
}

/** Replica commitment of an on-chain SealedCID; throws `bad-cid` for a CID of anything else. */
export function commROfSealedCid(text: string): Hex32 {
	const { code, multihash } = parseCid(text);
	if (code !== FIL_COMMITMENT_SEALED || multihash.code !== POSEIDON_BLS12_381 || multihash.size !== DIGEST_BYTES) {
		throw new PosterError('bad-cid', `${text} is not the CID of a sealed sector`);
	}
	return hex32(toHex(multihash.digest));
}

export function sealedCidOfCommR(commR: Hex32): CidText {
	const digest = createDigest(POSEIDON_BLS12_381, hexToBytes(commR));
	return cidText(CID.createV1(FIL_COMMITMENT_SEALED, digest).toString());
}

function parseCid(text: string): CID {
	try {
		return CID.parse(text);
	} catch (cause) {
		throw new PosterError('bad-cid', `${JSON.stringify(text.slice(0, 120))} is not a CID`, { cause });
	}
}
