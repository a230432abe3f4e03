import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as state from '../../../src/codec/lotus-json-state.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { findObjects, recording } from '../../vectors/lotus-rpc.ts';

const result = (number: string): unknown => recording(number).response?.result;
const badJson = (error: unknown): boolean => isPosterError(error, 'bad-json');

test('every recorded tipset is read, with its parents and base fee', () => {
	let count = 0;
	for (const { value, file } of findObjects((object) => 'Blocks' in object && 'Cids' in object)) {
		const tipSet = state.tipSetFromJson(value, file);
		const [block] = value['Blocks'] as [{ ParentBaseFee: string; Timestamp: number; Parents: { '/': string }[] }];
		assert.equal(tipSet.height, value['Height']);
		assert.equal(tipSet.parentBaseFee, BigInt(block.ParentBaseFee));
		assert.deepEqual(
			tipSet.key,
			(value['Cids'] as { '/': string }[]).map((cid) => cid['/']),
		);
		assert.deepEqual(
			tipSet.parents,
			block.Parents.map((cid) => cid['/']),
		);
		assert.equal(tipSet.timestamp, block.Timestamp);
		count++;
	}
	assert.ok(count > 30, `${count}`);
});

test('deadline info and partitions are read and written back unchanged', () => {
	let count = 0;
	for (const { value, file } of findObjects((object) => 'WPoStProvingPeriod' in object)) {
		assert.deepEqual(state.deadlineInfoToJson(state.deadlineInfoFromJson(value)), value, file);
		count++;
	}
	for (const { value, file } of findObjects((object) => 'AllSectors' in object)) {
		const [partition] = state.partitionsFromJson([value]);
		assert.deepEqual(partition && state.partitionToJson(partition), value, file);
		count++;
	}
	assert.ok(count > 10, `${count}`);
	assert.deepEqual(state.partitionsFromJson(result('013')), [], 'a deadline without partitions answers null');
});

test('a submitted partition shows in the state of its deadline', () => {
	const deadlines = state.deadlinesFromJson(result('238'));
	assert.equal(deadlines.length, 48);
	assert.deepEqual([...(deadlines[1]?.postSubmissions ?? [])], [0]);
	assert.deepEqual([...(deadlines[0]?.postSubmissions ?? [])], []);
	assert.equal(state.deadlinesFromJson(result('243'))[1]?.disputableProofCount, 1);
});

test('sectors, miner info, actors and lookups have their recorded values', () => {
	const sectors = state.sectorsFromJson(result('016'));
	assert.deepEqual(
		sectors.map(({ number, sealProof, updated }) => [number, sealProof, updated]),
		[0, 1, 2, 3, 4, 5].map((number) => [number, 5, false]),
	);
	assert.deepEqual(state.sectorsFromJson(result('019')), []);
	assert.deepEqual(state.minerInfoFromJson(result('026')), {
		owner: 'f0103',
		worker: 'f0103',
		controlAddresses: [],
		windowPoStProofType: 10,
		sectorSize: 2048,
		partitionSectors: 2,
	});
	assert.deepEqual(state.actorFromJson(result('039')), { nonce: 0, balance: 9999967999990776164400212n });
	const lookup = state.lookupFromJson(result('237'));
	assert.equal(lookup.exitCode, 0);
	assert.equal(lookup.gasUsed, 19713708);
	assert.equal(lookup.tipSet.length, 1);
});

test('a replaced message is looked up under the CID that landed', () => {
	const asked = recording('319').request?.params;
	assert.ok(Array.isArray(asked));
	assert.notEqual(state.lookupFromJson(result('319')).message, asked[1]['/']);
});

test('an updated sector is told by its key CID', () => {
	const [first] = result('016') as Record<string, unknown>[];
	const updated = { ...first, SectorKeyCID: first?.['SealedCID'] };
	assert.equal(state.sectorsFromJson([updated])[0]?.updated, true);
});

test('what is not of the expected shape is refused with the path to it', () => {
	const [first] = result('016') as Record<string, unknown>[];
	assert.throws(() => state.sectorsFromJson([first, { ...first, SectorNumber: '7' }]), /sectors\[1\]\.SectorNumber/);
	assert.throws(() => state.sectorsFromJson([{ ...first, SealedCID: { '/': 'bafy2' } }]), badJson);
	assert.throws(() => state.tipSetFromJson({ Cids: [], Blocks: [], Height: 1 }), badJson);
	assert.throws(() => state.headChangesFromJson([{ Type: 'other', Val: null }]), badJson);
	for (const read of Object.values(state).filter((value) => value.name.endsWith('FromJson'))) {
		fc.assert(
			fc.property(fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue(), { minLength: 1 })), (value) => {
				try {
					(read as (value: unknown) => unknown)(value);
				} catch (error) {
					assert.ok(badJson(error), `${read.name}: ${String(error)}`);
				}
			}),
		);
	}
});
