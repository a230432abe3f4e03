/** Block CIDs and base fees, recomputed from the recorded blocks of a Lotus node. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBytes } from '../../../src/codec/json-read.ts';
import { nextBaseFee } from '../../../src/devnet/chain/base-fee.ts';
import { type BlockHeader, blockCid } from '../../../src/devnet/chain/block.ts';
import { blockToJson } from '../../../src/devnet/rpc/to-json.ts';
import { type CidText, cidText } from '../../../src/domain/ids.ts';
import { findObjects } from '../../vectors/lotus-rpc.ts';

interface Link {
	readonly '/': string;
}

interface RecordedBlock {
	readonly Miner: string;
	readonly Ticket: { readonly VRFProof: string };
	readonly ElectionProof: { readonly WinCount: number; readonly VRFProof: string };
	readonly BeaconEntries: readonly { readonly Round: number; readonly Data: string }[];
	readonly WinPoStProof: readonly { readonly PoStProof: number; readonly ProofBytes: string }[];
	readonly Parents: readonly Link[];
	readonly ParentWeight: string;
	readonly Height: number;
	readonly ParentStateRoot: Link;
	readonly ParentMessageReceipts: Link;
	readonly Messages: Link;
	readonly BLSAggregate: { readonly Type: number; readonly Data: string };
	readonly Timestamp: number;
	readonly BlockSig: { readonly Type: number; readonly Data: string };
	readonly ForkSignaling: number;
	readonly ParentBaseFee: string;
}

interface RecordedTipSet {
	readonly Cids: readonly [Link];
	readonly Blocks: readonly [RecordedBlock];
}

const bytes = (value: string): Uint8Array => readBytes(value, 'bytes');
const link = (value: Link): CidText => cidText(value['/']);

function headerOf(json: RecordedBlock): BlockHeader {
	return {
		miner: json.Miner,
		ticket: bytes(json.Ticket.VRFProof),
		electionProof: { winCount: json.ElectionProof.WinCount, vrfProof: bytes(json.ElectionProof.VRFProof) },
		beaconEntries: json.BeaconEntries.map(({ Round, Data }) => ({ round: Round, data: bytes(Data) })),
		winPostProofs: json.WinPoStProof.map(({ PoStProof, ProofBytes }) => ({
			type: PoStProof,
			bytes: bytes(ProofBytes),
		})),
		parents: json.Parents.map(link),
		parentWeight: BigInt(json.ParentWeight),
		height: json.Height,
		parentStateRoot: link(json.ParentStateRoot),
		parentMessageReceipts: link(json.ParentMessageReceipts),
		messages: link(json.Messages),
		blsAggregate: { type: json.BLSAggregate.Type, data: bytes(json.BLSAggregate.Data) },
		timestamp: json.Timestamp,
		blockSignature: { type: json.BlockSig.Type, data: bytes(json.BlockSig.Data) },
		forkSignaling: json.ForkSignaling,
		parentBaseFee: BigInt(json.ParentBaseFee),
	};
}

const NO_MESSAGES = 'bafy2bzacecmda75ovposbdateg7eyhwij65zklgyijgcjwynlklmqazpwlhba';
const tipSets = [...findObjects((value) => 'Cids' in value && 'Blocks' in value)]
	.filter(({ value }) => value['Height'] !== 0 && (value['Blocks'] as unknown[]).length === 1)
	.map(({ file, value }) => ({ file, tipSet: value as unknown as RecordedTipSet }));

test('a block has the CID that Lotus gave it', () => {
	assert.ok(tipSets.length > 30);
	for (const { file, tipSet } of tipSets) {
		const header = headerOf(tipSet.Blocks[0]);
		assert.equal(blockCid(header), tipSet.Cids[0]['/'], `${file} at ${header.height}`);
		assert.deepEqual(blockToJson(header), tipSet.Blocks[0], file);
	}
});

test('the base fee falls by an eighth, rounded down, after an empty tipset', () => {
	const byCid = new Map(tipSets.map(({ tipSet }) => [tipSet.Cids[0]['/'], headerOf(tipSet.Blocks[0])]));
	let compared = 0;
	for (const header of byCid.values()) {
		const parent = byCid.get(header.parents[0] ?? '');
		if (parent?.messages !== NO_MESSAGES) continue;
		assert.equal(nextBaseFee(parent.parentBaseFee, 0), header.parentBaseFee, `height ${header.height}`);
		compared++;
	}
	assert.ok(compared >= 5, `${compared} pairs`);
});

test('the base fee never falls below the least, and rises by at most an eighth', () => {
	assert.equal(nextBaseFee(100n, 0), 100n);
	assert.equal(nextBaseFee(8000n, 10_000_000_000), 9000n);
	assert.equal(nextBaseFee(8000n, 4_000_000_000), 8000n);
});
