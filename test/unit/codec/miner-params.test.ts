import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import {
	decodeDeclarations,
	decodeDisputeWindowedPoSt,
	decodeMinerCall,
	decodeSubmitWindowedPoSt,
	encodeDisputeWindowedPoSt,
	encodeMinerCall,
	encodeSubmitWindowedPoSt,
	minerMethod,
} from '../../../src/codec/miner-params.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { deadlineIndex, epoch, hex32, partitionIndex } from '../../../src/domain/ids.ts';
import type { MinerCall } from '../../../src/domain/message.ts';
import { findObjects, recording } from '../../vectors/lotus-rpc.ts';

const malformed = (error: unknown): boolean => isPosterError(error, 'bad-cbor', 'bad-bitfield');
const numbers = fc.uniqueArray(fc.nat({ max: 10_000 }), { maxLength: 30 }).map((values) => Bitfield.of(values));
const declarations = fc.array(
	fc.tuple(fc.nat({ max: 47 }), fc.nat(), numbers).map(([deadline, partition, sectors]) => ({
		deadline: deadlineIndex(deadline),
		partition: partitionIndex(partition),
		sectors,
	})),
	{ maxLength: 5 },
);
const calls: fc.Arbitrary<MinerCall> = fc.oneof(
	declarations.map((list) => ({ kind: 'declare-faults' as const, declarations: list })),
	declarations.map((list) => ({ kind: 'declare-recovered' as const, declarations: list })),
	fc
		.tuple(
			fc.nat({ max: 47 }),
			fc.nat(),
			numbers,
			fc.uint8Array({ maxLength: 192 }),
			fc.integer(),
			fc.nat({ max: 255 }),
		)
		.map(([deadline, partition, skipped, proof, commitEpoch, byte]) => ({
			kind: 'submit-post' as const,
			params: {
				deadline: deadlineIndex(deadline),
				partition: partitionIndex(partition),
				skipped,
				proofType: 10,
				proof,
				commitEpoch: epoch(commitEpoch),
				commitRandomness: hex32(byte.toString(16).padStart(2, '0').repeat(32)),
			},
		})),
);

test('a recorded submission is encoded to the recorded bytes', () => {
	for (const number of ['217', '249', '308']) {
		const vector = recording(number) as unknown as Record<string, string & number>;
		const text = (name: string): string => String(vector[name]);
		const call: MinerCall = {
			kind: 'submit-post',
			params: {
				deadline: deadlineIndex(Number(vector['Deadline'])),
				partition: partitionIndex(0),
				skipped: Bitfield.empty,
				proofType: Number(vector['ProofType']),
				proof: hexToBytes(text('ProofHex')),
				commitEpoch: epoch(Number(vector['CommitEpoch'])),
				commitRandomness: hex32(text('CommitRand')),
			},
		};
		const { method, params } = encodeMinerCall(call);
		assert.equal(method, vector['method']);
		assert.equal(bytesToHex(params), vector['ParamsHex'], number);
		assert.deepEqual(decodeMinerCall(method, params), call, number);
	}
});

test('recorded declarations and a dispute are encoded to the recorded bytes', () => {
	for (const [number, kind] of [
		['145', 'declare-faults'],
		['176', 'declare-recovered'],
	] as const) {
		const sectors = Bitfield.of([4, 5]);
		const call: MinerCall = {
			kind,
			declarations: [{ deadline: deadlineIndex(2), partition: partitionIndex(0), sectors }],
		};
		const { method, params } = encodeMinerCall(call);
		assert.equal(method, recording(number)['method']);
		assert.equal(bytesToHex(params), recording(number)['params_hex']);
		assert.deepEqual(decodeMinerCall(method, params), call);
	}
	const dispute = { deadline: deadlineIndex(0), postIndex: 0 };
	const { params_hex } = recording('213')['control_reply'] as { params_hex: string };
	assert.equal(bytesToHex(encodeDisputeWindowedPoSt(dispute)), params_hex);
	assert.deepEqual(decodeDisputeWindowedPoSt(hexToBytes(params_hex)), dispute);
});

test('parameters of every recorded message of a known method decode and encode to the same bytes', () => {
	let count = 0;
	for (const { value, file } of findObjects((object) => 'GasPremium' in object)) {
		const bytes = new Uint8Array(Buffer.from(String(value['Params']), 'base64'));
		if (file.includes('garbage') || file.startsWith('093') || file.startsWith('094') || bytes.length === 0) continue;
		if (value['Method'] === minerMethod.submitWindowedPoSt) {
			assert.deepEqual(encodeSubmitWindowedPoSt(decodeSubmitWindowedPoSt(bytes)), bytes, file);
		} else if (
			value['Method'] === minerMethod.declareFaults ||
			value['Method'] === minerMethod.declareFaultsRecovered
		) {
			assert.equal(decodeDeclarations(bytes).length, 1, file);
		} else continue;
		count++;
	}
	assert.ok(count > 40, `${count}`);
});

test('calls round trip', () => {
	fc.assert(
		fc.property(calls, (call) => {
			const { method, params } = encodeMinerCall(call);
			assert.deepEqual(decodeMinerCall(method, params), call);
		}),
	);
});

test('a changed byte or garbage is refused or is another call', () => {
	fc.assert(
		fc.property(calls, fc.nat(), fc.integer({ min: 1, max: 255 }), (call, position, flip) => {
			const { method, params } = encodeMinerCall(call);
			const at = position % params.length;
			params[at] = (params[at] ?? 0) ^ flip;
			try {
				assert.deepEqual(encodeMinerCall(decodeMinerCall(method, params)), { method, params });
			} catch (error) {
				assert.ok(malformed(error) || isPosterError(error, 'bad-params'), String(error));
			}
		}),
		{ numRuns: 1000 },
	);
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
			assert.throws(() => decodeSubmitWindowedPoSt(bytes), malformed);
		}),
	);
});

test('only one partition with one proof and 32 bytes of randomness is a call of this project, whatever the chain takes', () => {
	const { params } = encodeMinerCall(
		fc.sample(
			calls.filter((call) => call.kind === 'submit-post'),
			1,
		)[0] as MinerCall,
	);
	const single = decodeSubmitWindowedPoSt(params);
	for (const changed of [
		{ ...single, partitions: [...single.partitions, ...single.partitions] },
		{ ...single, proofs: [] },
		{ ...single, partitions: [...single.partitions, ...single.partitions], proofs: [] },
		{ ...single, commitRandomness: single.commitRandomness.slice(2) },
		{ ...single, commitRandomness: `${single.commitRandomness}00` },
	]) {
		const bytes = encodeSubmitWindowedPoSt(changed);
		assert.deepEqual(decodeSubmitWindowedPoSt(bytes), changed);
		assert.throws(
			() => decodeMinerCall(5, bytes),
			(error) => isPosterError(error, 'bad-params'),
		);
	}
	assert.throws(
		() => decodeMinerCall(24, Uint8Array.of(0x82, 0, 0)),
		(error) => isPosterError(error, 'bad-params'),
	);
});
