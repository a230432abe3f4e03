/**
 * `/poster/vanilla/1`: who asks names the challenge and the sectors with their commitments, and is answered with a
 * stream of records, one per sector in any order, cut into bulk frames regardless of their borders. Nothing else is
 * needed to open a sector, so a storage node answers for deadlines that it has not heard of. Resuming is asking again
 * for what is missing.
 *
 * Record: kind u8 ‖ sector u64 LE ‖ length u32 LE ‖ content. Kind 1: vanilla proof of exactly the bytes of the proof
 * type; 2: one byte, the index of the reason in `VANILLA_FAILURES`; 0: the end, sector and length 0, nothing after it.
 */
import { PosterError } from '../domain/errors.ts';
import { actorId, type SectorNumber, sectorNumber } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { proofShape } from '../domain/proof.ts';
import { type OpenRequest, SECTOR_FAILURES } from '../domain/vanilla.ts';
import { badCbor, cborBytes, cborInteger, cborTuple, decodeCbor, encodeCbor } from './cbor.ts';
import { cborAscending, cborHash, hexBytes, U53_MAX } from './mesh-cbor.ts';

export const VANILLA_PROTOCOL = '/poster/vanilla/1';

/** `unavailable`: nobody looked, ask again or elsewhere. */
export const VANILLA_FAILURES = [...SECTOR_FAILURES, 'unavailable'] as const;
export type VanillaFailure = (typeof VANILLA_FAILURES)[number];

export type VanillaRecord =
	| { readonly sector: SectorNumber; readonly proof: Uint8Array }
	| { readonly sector: SectorNumber; readonly failure: VanillaFailure };

const HEAD_BYTES = 13;
const END = 0;
const PROOF = 1;
const FAILURE = 2;
const WINDOW_TYPES = { min: 10, max: 14 };

/** Tuple [proof type, miner, randomness, [[number, comm_r], …]]. */
export function encodeVanillaRequest(request: OpenRequest): Uint8Array {
	const sectors = request.sectors.map(({ number, commR }) => [number, hexBytes(commR)]);
	return encodeCbor([request.proofType, request.miner, hexBytes(request.randomness), sectors]);
}

/** Throws `bad-cbor`. */
export function decodeVanillaRequest(bytes: Uint8Array): OpenRequest {
	const value = decodeCbor(bytes, limits.vanillaRequestBytes, 'vanilla request');
	const [type, miner, randomness, list] = cborTuple(value, 4, 'vanilla request');
	const proofType = cborInteger(type, WINDOW_TYPES.min, WINDOW_TYPES.max, 'proof type');
	const sectors = cborAscending(list, limits.manifestSectors, 'sectors', readSector, ({ number }) => number);
	if (sectors.length === 0) throw badCbor('vanilla request without sectors');
	if (((cborBytes(randomness, 32, 32, 'randomness')[31] as number) & 0xc0) !== 0)
		throw badCbor('randomness is not masked');
	return {
		proofType,
		miner: actorId(cborInteger(miner, 0, U53_MAX, 'miner')),
		randomness: cborHash(randomness, 'randomness'),
		sectors,
	};
}

function readSector(value: unknown): OpenRequest['sectors'][number] {
	const [number, commR] = cborTuple(value, 2, 'sector');
	return {
		number: sectorNumber(cborInteger(number, 0, U53_MAX, 'sector number')),
		commR: cborHash(commR, 'comm_r'),
	};
}

/** Most bytes of the answer to a request. */
export function vanillaAnswerBytes(request: OpenRequest): number {
	return (
		(request.sectors.length + 1) * HEAD_BYTES + request.sectors.length * proofShape(request.proofType).vanillaBytes
	);
}

/** The record in pieces, so that the proof is copied once, into the frame. */
export function encodeVanillaRecord(record: VanillaRecord): readonly Uint8Array[] {
	if ('proof' in record) return [head(PROOF, record.sector, record.proof.length), record.proof];
	return [head(FAILURE, record.sector, 1), Uint8Array.of(VANILLA_FAILURES.indexOf(record.failure))];
}

export function encodeVanillaEnd(): Uint8Array {
	return head(END, 0, 0);
}

function head(kind: number, sector: number, length: number): Uint8Array {
	const bytes = new Uint8Array(HEAD_BYTES);
	const view = new DataView(bytes.buffer);
	view.setUint8(0, kind);
	view.setBigUint64(1, BigInt(sector), true);
	view.setUint32(9, length, true);
	return bytes;
}

/**
 * Cuts the frames of an answer into records. Lengths are known beforehand, so a prefix allocates at most one vanilla
 * proof; a proof that lies in one frame is a view of it. Throws `bad-vanilla-stream` at the first byte out of place.
 */
export class VanillaRecordReader {
	readonly #vanillaBytes: number;
	/** Bytes of what comes next: a head, or the content that the last head announced. */
	#length = HEAD_BYTES;
	/** The part of it that came in earlier frames. */
	#begun: Uint8Array | undefined;
	#filled = 0;
	#head: { readonly kind: number; readonly sector: SectorNumber } | undefined;
	#ended = false;

	constructor(vanillaBytes: number) {
		this.#vanillaBytes = vanillaBytes;
	}

	/** True after the end record. */
	get ended(): boolean {
		return this.#ended;
	}

	*push(frame: Uint8Array): Generator<VanillaRecord> {
		let at = 0;
		while (at < frame.length) {
			if (this.#ended) throw badStream('bytes after the end');
			const piece = frame.subarray(at, at + this.#length - this.#filled);
			at += piece.length;
			const bytes = this.#complete(piece);
			if (bytes === undefined) return;
			if (this.#head === undefined) this.#readHead(bytes);
			else yield this.#readContent(this.#head, bytes);
		}
	}

	/** The whole of what is being read, once its last piece is there. */
	#complete(piece: Uint8Array): Uint8Array | undefined {
		if (this.#begun === undefined && piece.length === this.#length) return piece;
		this.#begun ??= new Uint8Array(this.#length);
		this.#begun.set(piece, this.#filled);
		this.#filled += piece.length;
		if (this.#filled < this.#length) return undefined;
		const whole = this.#begun;
		this.#begun = undefined;
		this.#filled = 0;
		return whole;
	}

	#readHead(bytes: Uint8Array): void {
		const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
		const kind = view.getUint8(0);
		const sector = view.getBigUint64(1, true);
		const length = view.getUint32(9, true);
		if (kind > FAILURE || sector > BigInt(U53_MAX)) throw badStream(`a record of kind ${kind} for sector ${sector}`);
		if (length !== this.#lengthOf(kind)) throw badStream(`a record of kind ${kind} with ${length} bytes`);
		if (kind === END) {
			if (sector !== 0n) throw badStream('an end with a sector');
			this.#ended = true;
			return;
		}
		this.#head = { kind, sector: sectorNumber(Number(sector)) };
		this.#length = length;
	}

	#lengthOf(kind: number): number {
		if (kind === PROOF) return this.#vanillaBytes;
		return kind === FAILURE ? 1 : 0;
	}

	#readContent({ kind, sector }: { kind: number; sector: SectorNumber }, content: Uint8Array): VanillaRecord {
		this.#head = undefined;
		this.#length = HEAD_BYTES;
		if (kind === PROOF) return { sector, proof: content };
		const failure = VANILLA_FAILURES[content[0] as number];
		if (failure === undefined) throw badStream(`the unknown reason ${content[0]}`);
		return { sector, failure };
	}
}

function badStream(what: string): PosterError {
	return new PosterError('bad-vanilla-stream', `a stream of vanilla proofs holds ${what}`);
}
