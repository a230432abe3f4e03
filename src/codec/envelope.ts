/**
 * Envelopes: [payload, signature]. The payload is signed as bytes with a prefix of its own, so that a signature made
 * for one purpose is worth nothing for another. Whoever receives an envelope decodes it here, then checks network,
 * roster, quota and signature; the signature itself is the business of the caller's identity port.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { BODY_KINDS, type Envelope, type EnvelopeBody } from '../domain/envelope.ts';
import { limits } from '../domain/limits.ts';
import { announcementTuple, readAnnouncement, readTombstone, tombstoneTuple } from './announcement.ts';
import { cborBytes, cborInteger, cborTuple, decodeCbor, encodeCbor } from './cbor.ts';
import { cborEpoch, cborName, cborNodeId, cborText, U32_MAX, U53_MAX } from './mesh-cbor.ts';
import { readRecord, recordTuple } from './record.ts';
import { holdingsTuple, readHoldings, readRefusal, readResult, refusalTuple, resultTuple } from './result.ts';
import { readSubmission, submissionTuple } from './submission.ts';

const VERSION = 1;
const SIGNATURE_BYTES = 64;
const SIGNING_PREFIX = utf8ToBytes('poster-node/envelope/1\0');

export interface DecodedEnvelope {
	readonly envelope: Envelope;
	/** What `signature` must be valid for, by the key in `envelope.from`. */
	readonly signingBytes: Uint8Array;
	readonly signature: Uint8Array;
}

/** The payload of an envelope: what is signed and stored. */
export function encodePayload(envelope: Envelope): Uint8Array {
	return encodeCbor([
		VERSION,
		envelope.network,
		envelope.from,
		envelope.incarnation,
		envelope.sequence,
		envelope.epoch,
		BODY_KINDS.indexOf(envelope.kind),
		bodyTuple(envelope),
	]);
}

/** Throws `bad-cbor`, `bad-bitfield`, `bad-address`, `bad-params`. */
export function decodePayload(payload: Uint8Array): Envelope {
	const [version, network, from, incarnation, sequence, epoch, kind, body] = cborTuple(
		decodeCbor(payload, limits.gossipBytes, 'envelope payload'),
		8,
		'envelope payload',
	);
	cborInteger(version, VERSION, VERSION, 'version');
	return {
		network: cborText(network, limits.networkNameChars, 'network'),
		from: cborNodeId(from, 'sender'),
		incarnation: cborInteger(incarnation, 0, U32_MAX, 'incarnation'),
		sequence: cborInteger(sequence, 0, U53_MAX, 'sequence'),
		epoch: cborEpoch(epoch, 'epoch'),
		...readBody(cborName(kind, BODY_KINDS, 'kind'), body),
	};
}

/** The bytes that the sender signs. */
export function envelopeSigningBytes(payload: Uint8Array): Uint8Array {
	const bytes = new Uint8Array(SIGNING_PREFIX.length + payload.length);
	bytes.set(SIGNING_PREFIX);
	bytes.set(payload, SIGNING_PREFIX.length);
	return bytes;
}

/** The envelope's bytes as they travel; `sign` is the sender's Ed25519 key. */
export function sealEnvelope(envelope: Envelope, sign: (bytes: Uint8Array) => Uint8Array): Uint8Array {
	const payload = encodePayload(envelope);
	return encodeCbor([payload, sign(envelopeSigningBytes(payload))]);
}

/** Throws the codes of `decodePayload`. The signature is not checked. */
export function decodeEnvelope(bytes: Uint8Array): DecodedEnvelope {
	const [rawPayload, signature] = cborTuple(decodeCbor(bytes, limits.gossipBytes, 'envelope'), 2, 'envelope');
	const payload = cborBytes(rawPayload, 1, limits.gossipBytes, 'payload');
	return {
		envelope: decodePayload(payload),
		signingBytes: envelopeSigningBytes(payload),
		signature: cborBytes(signature, SIGNATURE_BYTES, SIGNATURE_BYTES, 'signature'),
	};
}

function bodyTuple(envelope: EnvelopeBody): readonly unknown[] {
	switch (envelope.kind) {
		case 'ann':
			return announcementTuple(envelope.body);
		case 'rec':
			return recordTuple(envelope.body);
		case 'res':
			return resultTuple(envelope.body);
		case 'sub':
			return submissionTuple(envelope.body);
		case 'tomb':
			return tombstoneTuple(envelope.body);
		case 'ref':
			return refusalTuple(envelope.body);
		case 'hold':
			return holdingsTuple(envelope.body);
	}
}

function readBody(kind: EnvelopeBody['kind'], body: unknown): EnvelopeBody {
	switch (kind) {
		case 'ann':
			return { kind, body: readAnnouncement(body) };
		case 'rec':
			return { kind, body: readRecord(body) };
		case 'res':
			return { kind, body: readResult(body) };
		case 'sub':
			return { kind, body: readSubmission(body) };
		case 'tomb':
			return { kind, body: readTombstone(body) };
		case 'ref':
			return { kind, body: readRefusal(body) };
		case 'hold':
			return { kind, body: readHoldings(body) };
	}
}
