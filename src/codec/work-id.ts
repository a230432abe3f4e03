/**
 * Identities that every node computes for itself: of a challenge, of a work item, of bytes. An identity covers every
 * field that decides what has to be proven and by when, so two announcers of the same item make the same id and a
 * false field makes another one.
 */
import type { Bitfield } from '../domain/bitfield.ts';
import { type Hex32, hex32, type WorkId, workIdOf } from '../domain/ids.ts';
import { type Challenge, type ChallengeKey, challengeKeyOf, type DuePartition, type WorkItem } from '../domain/work.ts';
import { encodeCbor } from './cbor.ts';
import { toHex } from './hex.ts';
import { hexBytes, SHORT_HASH_BYTES } from './mesh-cbor.ts';
import { encodeBitfield } from './rle-plus.ts';
import { sha256, sha256Text } from './sha256.ts';

const CHALLENGE_DOMAIN = 'poster-node/challenge/1';
const WORK_DOMAIN = 'poster-node/work/1';
const CHALLENGE_KEY_CHARS = 32;

export function sha256Hex(bytes: Uint8Array): Hex32 {
	return hex32(toHex(sha256(bytes)));
}

export function textHash(text: string): Hex32 {
	return hex32(toHex(sha256Text(text)));
}

/** First 8 bytes of SHA-256 as 16 hex digits. */
export function shortHash(bytes: Uint8Array): string {
	return toHex(sha256(bytes).subarray(0, SHORT_HASH_BYTES));
}

/**
 * Identity of a result among those of its work item, and the order between equally good ones: SHA-256 over the proof and
 * the sectors it leaves out, so that true bytes under false skips are another result.
 */
export function resultHash(proof: Uint8Array, skipped: Bitfield): Hex32 {
	return sha256Hex(encodeCbor([proof, encodeBitfield(skipped)]));
}

export function challengeTuple(challenge: Challenge): readonly unknown[] {
	return [
		challenge.kind === 'dry' ? 1 : 0,
		challenge.nonce,
		challenge.miner,
		challenge.periodStart,
		challenge.deadline,
		challenge.challenge,
		challenge.open,
		challenge.close,
		hexBytes(challenge.randomness),
		challenge.proofType,
	];
}

/** Keys of challenges that are still at hand: each of the thousands of partitions of one asks for it. */
const keysOf = new WeakMap<Challenge, { readonly network: string; readonly key: ChallengeKey }>();

export function challengeKey(network: string, challenge: Challenge): ChallengeKey {
	const known = keysOf.get(challenge);
	if (known?.network === network) return known.key;
	const hash = sha256Hex(encodeCbor([CHALLENGE_DOMAIN, network, challengeTuple(challenge)]));
	const key = challengeKeyOf(hash.slice(0, CHALLENGE_KEY_CHARS));
	keysOf.set(challenge, { network, key });
	return key;
}

/** Identity of one work item: SHA-256 over the network, the challenge, the partition, its sector count and root. */
export function workId(network: string, challenge: Challenge, due: DuePartition): WorkId {
	const identity = [
		WORK_DOMAIN,
		network,
		challengeTuple(challenge),
		due.partition,
		due.sectorCount,
		hexBytes(due.sectorRoot),
	];
	return workIdOf(sha256Hex(encodeCbor(identity)));
}

export function workItem(network: string, challenge: Challenge, due: DuePartition): WorkItem {
	return { ...challenge, ...due, id: workId(network, challenge, due), key: challengeKey(network, challenge) };
}
