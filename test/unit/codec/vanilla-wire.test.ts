import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeCbor } from '../../../src/codec/cbor.ts';
import {
	decodeVanillaRequest,
	encodeVanillaEnd,
	encodeVanillaRecord,
	encodeVanillaRequest,
	VANILLA_FAILURES,
	type VanillaRecord,
	VanillaRecordReader,
} from '../../../src/codec/vanilla-wire.ts';
import { actorId, hex32, sectorNumber } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { OpenRequest } from '../../../src/domain/vanilla.ts';

const PROOF_BYTES = 37;
const u53 = fc.nat({ max: Number.MAX_SAFE_INTEGER }).map(sectorNumber);
const record: fc.Arbitrary<VanillaRecord> = fc.oneof(
	fc.record({ sector: u53, proof: fc.uint8Array({ minLength: PROOF_BYTES, maxLength: PROOF_BYTES }) }),
	fc.record({ sector: u53, failure: fc.constantFrom(...VANILLA_FAILURES) }),
);
const request: OpenRequest = {
	proofType: 10,
	miner: actorId(1000),
	randomness: hex32('0f'.repeat(32)),
	sectors: [3, 7, 1_000_000].map((number) => ({ number: sectorNumber(number), commR: hex32('ab'.repeat(32)) })),
};

function plain(record: VanillaRecord): unknown {
	return 'proof' in record ? { ...record, proof: Buffer.from(record.proof) } : { ...record };
}

function read(bytes: Uint8Array, cut = bytes.length): { records: unknown[]; ended: boolean } {
	const reader = new VanillaRecordReader(PROOF_BYTES);
	const records: unknown[] = [];
	for (let at = 0; at < bytes.length; at += cut)
		records.push(...[...reader.push(bytes.subarray(at, at + cut))].map(plain));
	return { records, ended: reader.ended };
}

test('records survive the stream wherever the frames are cut', () => {
	fc.assert(
		fc.property(fc.array(record, { maxLength: 8 }), fc.integer({ min: 1, max: 100 }), (sent, cut) => {
			const bytes = Buffer.concat([...sent.flatMap((one) => encodeVanillaRecord(one)), encodeVanillaEnd()]);
			assert.deepEqual(read(bytes, cut), { records: sent.map(plain), ended: true });
			assert.equal(read(bytes.subarray(0, bytes.length - 1), cut).ended, false);
		}),
	);
});

test('a proof that lies in one frame is not copied', () => {
	const frame = Buffer.concat(encodeVanillaRecord({ sector: sectorNumber(1), proof: new Uint8Array(PROOF_BYTES) }));
	const [got] = new VanillaRecordReader(PROOF_BYTES).push(frame);
	assert.ok(got !== undefined && 'proof' in got);
	assert.equal(got.proof.buffer, frame.buffer);
});

function head(kind: number, sector: bigint, length: number, ...rest: number[]): Buffer {
	const bytes = Buffer.alloc(13);
	bytes.writeUInt8(kind, 0);
	bytes.writeBigUInt64LE(sector, 1);
	bytes.writeUInt32LE(length, 9);
	return Buffer.concat([bytes, Buffer.from(rest)]);
}

for (const [what, bytes] of [
	['an unknown kind', head(3, 1n, 1)],
	['a proof of another length', head(1, 1n, PROOF_BYTES + 1)],
	['a proof of 4 GiB', head(1, 1n, 0xffff_ffff)],
	['a failure with two bytes', head(2, 1n, 2)],
	['an unknown reason', head(2, 1n, 1, VANILLA_FAILURES.length)],
	['a sector number above 2^53', head(2, 2n ** 53n, 1)],
	['an end with a length', head(0, 0n, 1)],
	['an end with a sector', head(0, 1n, 0)],
	['bytes after the end', Buffer.concat([encodeVanillaEnd(), Buffer.alloc(1)])],
] as const) {
	test(`a stream with ${what} is refused`, () => {
		assert.throws(() => read(bytes), { code: 'bad-vanilla-stream' });
	});
}

test('a request survives the wire', () => {
	assert.deepEqual(decodeVanillaRequest(encodeVanillaRequest(request)), request);
});

test('the largest request fits its bound', () => {
	const sectors = Array.from({ length: limits.manifestSectors }, (_, i) => ({
		number: sectorNumber(Number.MAX_SAFE_INTEGER - limits.manifestSectors + i),
		commR: hex32('cd'.repeat(32)),
	}));
	const bytes = encodeVanillaRequest({ ...request, sectors });
	assert.ok(bytes.length <= limits.vanillaRequestBytes);
	assert.equal(decodeVanillaRequest(bytes).sectors.length, sectors.length);
});

const randomness = new Uint8Array(32);
const sector = [1, new Uint8Array(32)];
for (const [what, value] of [
	['of the old window type', [5, 1000, randomness, [sector]]],
	['for a winning proof', [0, 1000, randomness, [sector]]],
	['with unmasked randomness', [10, 1000, new Uint8Array(32).fill(0xff), [sector]]],
	['with short randomness', [10, 1000, new Uint8Array(31), [sector]]],
	['without sectors', [10, 1000, randomness, []]],
	['with a sector twice', [10, 1000, randomness, [sector, sector]]],
	['with a negative sector', [10, 1000, randomness, [[-1, new Uint8Array(32)]]]],
	['with a short commitment', [10, 1000, randomness, [[1, new Uint8Array(31)]]]],
	['with a fifth member', [10, 1000, randomness, [sector], 1]],
	['that is a map', { proofType: 10 }],
] as const) {
	test(`a request ${what} is refused`, () => {
		assert.throws(() => decodeVanillaRequest(encodeCbor(value)), { code: 'bad-cbor' });
	});
}

test('garbage is refused, whatever it is', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
			assert.throws(() => decodeVanillaRequest(bytes), { code: 'bad-cbor' });
		}),
	);
});
