/**
 * Randomness of the chain: everything follows from the seed, so that a run can be repeated.
 * Draw = blake2b-256(tag ‖ digest ‖ epoch ‖ entropy), integers as 8 bytes big endian, digest = blake2b-256 of the beacon
 * entry's data or of the ticket. Source: Lotus `chain/rand/rand.go`.
 */
import { blake2b } from '@noble/hashes/blake2.js';
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { addressBytes, minerAddress, parseAddress } from '../../codec/address.ts';
import { encodeCbor } from '../../codec/cbor.ts';
import { toHex } from '../../codec/hex.ts';
import { type ActorId, type Hex32, hex32 } from '../../domain/ids.ts';

/** Domain separation tags (go-state-types `crypto/randomness.go`). */
export const drawTag = { winningPost: 3, windowPost: 4, postCommit: 9 } as const;

/** Rounds of the beacon run ahead of the epochs by this many, as on Lotus's mock beacon. */
const BEACON_ROUND_OFFSET = 100;
const DIGEST_BYTES = 32;
/** Bytes of a VRF proof: a BLS signature. */
const VRF_BYTES = 96;

export interface BeaconEntry {
	readonly round: number;
	readonly data: Uint8Array;
}

/** The entry of an epoch. Genesis and everything before it share an entry of zeros, as in Lotus. */
export function beaconEntry(seed: string, epoch: number): BeaconEntry {
	if (epoch <= 0) return { round: 0, data: new Uint8Array(DIGEST_BYTES) };
	const round = epoch + BEACON_ROUND_OFFSET;
	return { round, data: seeded(seed, 'beacon', DIGEST_BYTES, int64(round)) };
}

/**
 * Ticket of a tipset: depends on the ticket before it and on `fork`, which grows with every reorg, so that other
 * tipsets have other commit randomness.
 */
export function ticketOf(seed: string, parentTicket: Uint8Array, epoch: number, fork: number): Uint8Array {
	return seeded(seed, 'ticket', VRF_BYTES, parentTicket, int64(epoch), int64(fork));
}

/** Bytes that look like a signature and prove nothing: blocks of this chain are not signed. */
export function filler(seed: string, label: string, ...parts: readonly Uint8Array[]): Uint8Array {
	return seeded(seed, label, VRF_BYTES, ...parts);
}

export function digestOf(data: Uint8Array): Hex32 {
	return hex32(toHex(blake2b(data, { dkLen: DIGEST_BYTES })));
}

export function draw(tag: number, digest: Hex32, epoch: number, entropy: Uint8Array): Hex32 {
	return digestOf(Buffer.concat([int64(tag), hexToBytes(digest), int64(epoch), entropy]));
}

/** WindowPoSt challenge randomness of a miner as the proof takes it: a canonical field element. */
export function postChallenge(seed: string, miner: ActorId, challengeEpoch: number): Hex32 {
	const entropy = encodeCbor(addressBytes(parseAddress(minerAddress(miner))));
	const drawn = draw(drawTag.windowPost, digestOf(beaconEntry(seed, challengeEpoch).data), challengeEpoch, entropy);
	const bytes = hexToBytes(drawn);
	bytes[31] = (bytes[31] ?? 0) & 0x3f;
	return hex32(toHex(bytes));
}

/** 8 bytes big endian, two's complement. */
export function int64(value: number): Uint8Array {
	const bytes = Buffer.alloc(8);
	bytes.writeBigInt64BE(BigInt(value));
	return bytes;
}

function seeded(seed: string, label: string, length: number, ...parts: readonly Uint8Array[]): Uint8Array {
	const out: Uint8Array[] = [];
	for (let i = 0; i * DIGEST_BYTES < length; i++) {
		out.push(blake2b(Buffer.concat([utf8ToBytes(`${seed}\0${label}\0`), int64(i), ...parts]), { dkLen: DIGEST_BYTES }));
	}
	return Buffer.concat(out).subarray(0, length);
}
