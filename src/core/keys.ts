/**
 * The store keys of the core and the bytes under them. Statements are kept as they came, so that this node can serve
 * what others signed; its own are kept unsigned, since whoever holds the key makes the same bytes again.
 *
 *     i  incarnation                      q  reserved sequences
 *     a/challenge/identity  ANN, TOMB     r/work  best result          s/sender/nonce/cid  submission
 *     c/work  [term]                      f/work/peer  refusal         h/peer/miner  holdings
 *     k/work  [library too, [slot, …]]  whose provers died over it
 *     e/peer  [epoch, keys]  distrust after a result that does not verify with these keys
 *     d/proof type  durations of own proofs, the oldest first
 *     o/work  [[sector, holder, who objected], …]  objections that brought nothing
 *     w/work  []  the own chain showed it due, and not posted: its deadline may be missed
 */
import { cborBytes, cborInteger, cborList, cborTuple, decodeCbor, encodeCbor } from '../codec/cbor.ts';
import { decodeEnvelope, decodePayload, encodePayload } from '../codec/envelope.ts';
import { cborNodeId, cborText, U53_MAX } from '../codec/mesh-cbor.ts';
import type { Envelope, Statement } from '../domain/envelope.ts';
import { type ActorId, type CidText, type NodeId, sectorNumber, type WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { PoStProofType } from '../domain/proof.ts';
import type { ChallengeKey } from '../domain/work.ts';
import type { HeardObjection } from './skips.ts';

const NONCE_DIGITS = 16;

export const keys = {
	incarnation: 'i',
	sequence: 'q',
	announcement: (challenge: ChallengeKey, identity: string): string => `a/${challenge}/${identity}`,
	result: (work: WorkId): string => `r/${work}`,
	submission: (sender: string, nonce: number, cid: CidText): string =>
		`s/${sender}/${String(nonce).padStart(NONCE_DIGITS, '0')}/${cid}`,
	claim: (work: WorkId): string => `c/${work}`,
	crashes: (work: WorkId): string => `k/${work}`,
	refusal: (work: WorkId, peer: NodeId): string => `f/${work}/${peer}`,
	holdings: (peer: NodeId, miner: ActorId): string => `h/${peer}/${miner}`,
	distrust: (peer: NodeId): string => `e/${peer}`,
	durations: (proofType: PoStProofType): string => `d/${proofType}`,
	objections: (work: WorkId): string => `o/${work}`,
	watched: (work: WorkId): string => `w/${work}`,
} as const;

export function writeStatement({ envelope, raw }: Statement): Uint8Array {
	return encodeCbor(raw === null ? [true, encodePayload(envelope)] : [false, raw]);
}

/** Throws `bad-cbor` and its kin for a damaged value. */
export function readStatement(value: Uint8Array): Statement {
	const [own, bytes] = cborTuple(decodeCbor(value, limits.storeValueBytes, 'stored statement'), 2, 'stored statement');
	const raw = cborBytes(bytes, 1, limits.gossipBytes, 'stored envelope');
	const envelope: Envelope = own === true ? decodePayload(raw) : decodeEnvelope(raw).envelope;
	return { envelope, raw: own === true ? null : raw };
}

export function writeNumbers(numbers: readonly number[]): Uint8Array {
	return encodeCbor(numbers);
}

export interface Crashes {
	readonly crashes: readonly string[];
	readonly stockCrashed: boolean;
}

export function writeCrashes({ crashes, stockCrashed }: Crashes): Uint8Array {
	return encodeCbor([stockCrashed, crashes]);
}

/** Throws `bad-cbor` for a damaged value. */
export function readCrashes(value: Uint8Array): Crashes {
	const [stock, slots] = cborTuple(decodeCbor(value, limits.storeValueBytes, 'stored crashes'), 2, 'stored crashes');
	const crashes = cborList(slots, limits.crashesKept, 'stored crashes').map((slot) =>
		cborText(slot, limits.slotNameChars, 'stored slot'),
	);
	return { crashes, stockCrashed: stock === true };
}

/** Throws `bad-cbor` for a damaged value. */
export function readNumbers(value: Uint8Array): readonly number[] {
	return cborList(decodeCbor(value, limits.storeValueBytes, 'stored numbers'), limits.durations, 'stored numbers').map(
		(n) => cborInteger(n, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'stored number'),
	);
}

export function writeObjections(objections: readonly HeardObjection[]): Uint8Array {
	return encodeCbor(objections.map(({ sector, holder, by }) => [sector, holder, by]));
}

/** Throws `bad-cbor` for a damaged value. */
export function readObjections(value: Uint8Array): readonly Omit<HeardObjection, 'spent'>[] {
	const most = limits.rosterPeers * limits.objectionsPerAuthor;
	return cborList(decodeCbor(value, limits.storeValueBytes, 'stored objections'), most, 'stored objections').map(
		(entry) => {
			const [sector, holder, by] = cborTuple(entry, 3, 'stored objection');
			return {
				sector: sectorNumber(cborInteger(sector, 0, U53_MAX, 'stored sector')),
				holder: cborNodeId(holder, 'stored holder'),
				by: cborNodeId(by, 'stored author'),
			};
		},
	);
}
