/** Proofs and signatures without mathematics: tags that only this file can make, and remembers. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { encodeBitfield } from '../../src/codec/rle-plus.ts';
import type { Bitfield } from '../../src/domain/bitfield.ts';
import type { WorkId } from '../../src/domain/ids.ts';
import type { Message } from '../../src/domain/message.ts';
import { PROOF_BYTES } from '../../src/domain/proof.ts';

const TAG_BYTES = 32;
const MESSAGE_SIGNATURE_BYTES = 65;
const ENVELOPE_SIGNATURE_BYTES = 64;

const tags = new Map<WorkId, Uint8Array>();
const TAGS_MOST = 1_000;

/** The bytes of a good proof begin with this; whoever does not prove cannot know it. */
function proofTag(work: WorkId, skipped: Bitfield): Uint8Array {
	if (skipped.size > 0) return sha256(utf8ToBytes(`proof/${work}/${bytesToHex(encodeBitfield(skipped))}`));
	const known = tags.get(work);
	if (known !== undefined) return known;
	const tag = sha256(utf8ToBytes(`proof/${work}/`));
	if (tags.size >= TAGS_MOST) tags.clear();
	tags.set(work, tag);
	return tag;
}

/** A proof that verifies, different for every prover and attempt, as Groth16 proofs are. */
export function makeProof(work: WorkId, skipped: Bitfield, attempt: string): Uint8Array {
	const proof = new Uint8Array(PROOF_BYTES);
	proof.set(proofTag(work, skipped));
	proof.set(sha256(utf8ToBytes(attempt)), TAG_BYTES);
	return proof;
}

export function isGoodProof(work: WorkId, skipped: Bitfield, proof: Uint8Array): boolean {
	return startsWith(proof, proofTag(work, skipped));
}

const signatures = new WeakMap<Message, Uint8Array>();

/** The signature of the sender's key, which submitters alone have. Of one message every machine asks for it. */
export function messageSignature(message: Message): Uint8Array {
	const known = signatures.get(message);
	if (known !== undefined) return known;
	const signature = new Uint8Array(MESSAGE_SIGNATURE_BYTES);
	const { from, nonce, gasPremium, gasFeeCap, params } = message;
	signature.set(sha256(utf8ToBytes(`${from}/${nonce}/${gasPremium}/${gasFeeCap}/${bytesToHex(params)}`)));
	signatures.set(message, signature);
	return signature;
}

export function isGoodSignature(message: Message, signature: Uint8Array): boolean {
	return startsWith(signature, messageSignature(message).subarray(0, TAG_BYTES));
}

/** Envelopes are passed as objects inside the simulator, so nobody can forge one: the bytes only have to be as many. */
export function envelopeSignature(author: number): Uint8Array {
	return new Uint8Array(ENVELOPE_SIGNATURE_BYTES).fill(1 + (author % 255));
}

function startsWith(bytes: Uint8Array, tag: Uint8Array): boolean {
	for (let i = 0; i < tag.length; i++) if (bytes[i] !== tag[i]) return false;
	return true;
}
