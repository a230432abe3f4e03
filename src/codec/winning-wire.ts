/**
 * `/poster/winning/1`: winning PoSt between members. Three questions, each a CBOR tuple that begins with its kind:
 * [0, proof type, miner, randomness, sector, comm_r] open this sector; [1, proof type, miner] how soon could you prove;
 * [2, …as 0, vanilla proof] prove it. The answer is [0, content] or [1, code]: a vanilla proof of exactly the bytes of
 * the proof type, the usual milliseconds, 192 bytes of proof, or why not.
 */
import { PosterError } from '../domain/errors.ts';
import { actorId, sectorNumber } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { PROOF_BYTES, proofShape } from '../domain/proof.ts';
import type { WinningAsk, WinningChallenge } from '../domain/winning.ts';
import { badCbor, cborBytes, cborInteger, cborList, cborTuple, decodeCbor, encodeCbor } from './cbor.ts';
import { cborHash, cborText, hexBytes, U53_MAX } from './mesh-cbor.ts';

export const WINNING_PROTOCOL = '/poster/winning/1';

const OPEN = 0;
const OFFER = 1;
const PROVE = 2;
const GOOD = 0;
const REFUSED = 1;
const CODE_CHARS = 64;
const WINNING_TYPES = { min: 0, max: 4 };
/** An hour: nobody waits longer. */
const USUAL_MS_MAX = 3_600_000;

export function encodeWinningAsk(ask: WinningAsk): Uint8Array {
	if (ask.kind === 'offer') return encodeCbor([OFFER, ask.proofType, ask.miner]);
	const { proofType, miner, randomness, sector } = ask.challenge;
	const challenge = [proofType, miner, hexBytes(randomness), sector.number, hexBytes(sector.commR)];
	return encodeCbor(ask.kind === 'open' ? [OPEN, ...challenge] : [PROVE, ...challenge, ask.vanilla]);
}

/** Throws `bad-cbor`. */
export function decodeWinningAsk(bytes: Uint8Array): WinningAsk {
	const fields = cborList(decodeCbor(bytes, limits.winningBytes, 'winning question'), 7, 'winning question');
	const kind = cborInteger(fields[0], OPEN, PROVE, 'kind');
	if (kind === OFFER) {
		const [, type, miner] = cborTuple(fields, 3, 'offer');
		return { kind: 'offer', proofType: winningType(type), miner: minerOf(miner) };
	}
	if (kind === OPEN) return { kind: 'open', challenge: readChallenge(cborTuple(fields, 6, 'opening')) };
	const challenge = readChallenge(cborTuple(fields, 7, 'proving'));
	const { vanillaBytes } = proofShape(challenge.proofType);
	return { kind: 'prove', challenge, vanilla: cborBytes(fields[6], vanillaBytes, vanillaBytes, 'vanilla proof') };
}

function readChallenge([, type, miner, randomness, number, commR]: readonly unknown[]): WinningChallenge {
	if (((cborBytes(randomness, 32, 32, 'randomness')[31] as number) & 0xc0) !== 0) {
		throw badCbor('randomness is not masked');
	}
	return {
		proofType: winningType(type),
		miner: minerOf(miner),
		randomness: cborHash(randomness, 'randomness'),
		sector: {
			number: sectorNumber(cborInteger(number, 0, U53_MAX, 'sector number')),
			commR: cborHash(commR, 'comm_r'),
		},
	};
}

const winningType = (value: unknown): number =>
	cborInteger(value, WINNING_TYPES.min, WINNING_TYPES.max, 'winning proof type');
const minerOf = (value: unknown): WinningChallenge['miner'] => actorId(cborInteger(value, 0, U53_MAX, 'miner'));

export function encodeWinningAnswer(content: Uint8Array | number): Uint8Array {
	return encodeCbor([GOOD, content]);
}

export function encodeWinningRefusal(code: string): Uint8Array {
	return encodeCbor([REFUSED, code.slice(0, CODE_CHARS)]);
}

/** Throws `winning-refused` (meta.code), `bad-cbor`. */
export function decodeVanillaAnswer(bytes: Uint8Array, { proofType }: WinningChallenge): Uint8Array {
	const { vanillaBytes } = proofShape(proofType);
	return cborBytes(contentOf(bytes), vanillaBytes, vanillaBytes, 'vanilla proof');
}

/** Throws `winning-refused` (meta.code), `bad-cbor`. */
export function decodeProofAnswer(bytes: Uint8Array): Uint8Array {
	return cborBytes(contentOf(bytes), PROOF_BYTES, PROOF_BYTES, 'proof');
}

/** Usual milliseconds of a proof. Throws `winning-refused` (meta.code), `bad-cbor`. */
export function decodeOfferAnswer(bytes: Uint8Array): number {
	return cborInteger(contentOf(bytes), 0, USUAL_MS_MAX, 'usual time');
}

function contentOf(bytes: Uint8Array): unknown {
	const [outcome, content] = cborTuple(decodeCbor(bytes, limits.winningBytes, 'winning answer'), 2, 'winning answer');
	if (cborInteger(outcome, GOOD, REFUSED, 'outcome') === GOOD) return content;
	const code = cborText(content, CODE_CHARS, 'code');
	throw new PosterError('winning-refused', `the member refused: ${code}`, {
		advice: 'Its log and `poster-node status` there say more; others are asked meanwhile.',
		meta: { code },
	});
}
