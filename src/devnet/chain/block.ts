/**
 * Block headers in the encoding of the real chain, so that tipset keys are CIDs of what they name.
 * Source: Lotus `chain/types/blockheader.go` (cbor_gen, fields in order), `blockmsg.go`.
 */
import { CID } from 'multiformats/cid';
import { addressBytes, parseAddress } from '../../codec/address.ts';
import { encodeCbor } from '../../codec/cbor.ts';
import { cidOfCbor } from '../../codec/cid.ts';
import { encodeBigInt } from '../../codec/message.ts';
import type { TipSetKey } from '../../domain/chain.ts';
import type { CidText } from '../../domain/ids.ts';
import type { BeaconEntry } from './randomness.ts';

export interface BlockHeader {
	readonly miner: string;
	readonly ticket: Uint8Array;
	readonly electionProof: { readonly winCount: number; readonly vrfProof: Uint8Array };
	readonly beaconEntries: readonly BeaconEntry[];
	readonly winPostProofs: readonly { readonly type: number; readonly bytes: Uint8Array }[];
	readonly parents: TipSetKey;
	readonly parentWeight: bigint;
	readonly height: number;
	readonly parentStateRoot: CidText;
	readonly parentMessageReceipts: CidText;
	readonly messages: CidText;
	readonly blsAggregate: BlockSignature;
	/** Unix seconds. */
	readonly timestamp: number;
	readonly blockSignature: BlockSignature;
	readonly forkSignaling: number;
	readonly parentBaseFee: bigint;
}

export interface BlockSignature {
	readonly type: number;
	readonly data: Uint8Array;
}

export function blockCid(header: BlockHeader): CidText {
	return cidOfCbor(
		encodeCbor([
			addressBytes(parseAddress(header.miner)),
			[header.ticket],
			[header.electionProof.winCount, header.electionProof.vrfProof],
			header.beaconEntries.map(({ round, data }) => [round, data]),
			header.winPostProofs.map(({ type, bytes }) => [type, bytes]),
			header.parents.map(link),
			encodeBigInt(header.parentWeight),
			header.height,
			link(header.parentStateRoot),
			link(header.parentMessageReceipts),
			link(header.messages),
			signatureBytes(header.blsAggregate),
			header.timestamp,
			signatureBytes(header.blockSignature),
			header.forkSignaling,
			encodeBigInt(header.parentBaseFee),
		]),
	);
}

/** CID of a list of links: stands in for the message and receipt trees of the real chain. */
export function listCid(members: readonly unknown[]): CidText {
	return cidOfCbor(encodeCbor(members));
}

export function link(cid: CidText): CID {
	return CID.parse(cid);
}

function signatureBytes({ type, data }: BlockSignature): Uint8Array {
	return Buffer.concat([Uint8Array.of(type), data]);
}
