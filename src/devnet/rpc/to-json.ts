/** Answers of the API in the shapes of Lotus: what the codec does not have because only a full node writes it. */
import { writeBytes } from '../../codec/json-read.ts';
import { cidToJson, messageToJson, signedMessageToJson, tipSetKeyToJson } from '../../codec/lotus-json.ts';
import { messageCid, signedMessageCid } from '../../codec/message.ts';
import { bitfieldToJson } from '../../codec/rle-plus.ts';
import type { SectorOnChain } from '../../domain/chain.ts';
import type { Message, SignedMessage } from '../../domain/message.ts';
import type { Receipt } from '../actor/apply.ts';
import type { Deadline, Miner } from '../actor/state.ts';
import type { BlockHeader } from '../chain/block.ts';
import type { BeaconEntry } from '../chain/randomness.ts';
import type { TipSetNode } from '../chain/tipset.ts';

export function tipSetToJson({ key, header, height }: TipSetNode): object {
	return { Cids: tipSetKeyToJson(key), Blocks: [blockToJson(header)], Height: height };
}

export function blockToJson(header: BlockHeader): object {
	return {
		Miner: header.miner,
		Ticket: { VRFProof: writeBytes(header.ticket) },
		ElectionProof: {
			WinCount: header.electionProof.winCount,
			VRFProof: writeBytes(header.electionProof.vrfProof),
		},
		BeaconEntries: header.beaconEntries.map(beaconToJson),
		WinPoStProof: header.winPostProofs.map(({ type, bytes }) => ({ PoStProof: type, ProofBytes: writeBytes(bytes) })),
		Parents: tipSetKeyToJson(header.parents),
		ParentWeight: header.parentWeight.toString(),
		Height: header.height,
		ParentStateRoot: cidToJson(header.parentStateRoot),
		ParentMessageReceipts: cidToJson(header.parentMessageReceipts),
		Messages: cidToJson(header.messages),
		BLSAggregate: { Type: header.blsAggregate.type, Data: writeBytes(header.blsAggregate.data) },
		Timestamp: header.timestamp,
		BlockSig: { Type: header.blockSignature.type, Data: writeBytes(header.blockSignature.data) },
		ForkSignaling: header.forkSignaling,
		ParentBaseFee: header.parentBaseFee.toString(),
	};
}

export function beaconToJson({ round, data }: BeaconEntry): object {
	return { Round: round, Data: writeBytes(data) };
}

export function deadlineToJson({ posted, closed }: Deadline): object {
	return {
		PostSubmissions: bitfieldToJson(posted),
		DisputableProofCount: closed.proofs.filter((proof) => proof !== undefined).length,
		DailyFee: '0',
	};
}

export function sectorToJson(sector: SectorOnChain): object {
	return {
		SectorNumber: sector.number,
		SealProof: sector.sealProof,
		SealedCID: cidToJson(sector.sealedCid),
		Activation: 0,
		Expiration: 3_675_033,
		DealWeight: '0',
		VerifiedDealWeight: '0',
		InitialPledge: '1',
		ExpectedDayReward: null,
		ExpectedStoragePledge: null,
		PowerBaseEpoch: 0,
		ReplacedDayReward: null,
		// Which key it was is of no consequence: only whether there is one.
		SectorKeyCID: sector.updated ? cidToJson(sector.sealedCid) : null,
		Flags: 1,
		DailyFee: '0',
	};
}

export function minerInfoToJson(miner: Miner): object {
	return {
		Owner: `f0${miner.owner}`,
		Worker: `f0${miner.worker}`,
		NewWorker: '<empty>',
		ControlAddresses: miner.control.length === 0 ? null : miner.control.map((id) => `f0${id}`),
		WorkerChangeEpoch: -1,
		PeerId: null,
		Multiaddrs: null,
		WindowPoStProofType: miner.proofType,
		SectorSize: miner.sectorSize,
		WindowPoStPartitionSectors: miner.partitionSectors,
		ConsensusFaultElapsed: -1,
		PendingOwnerAddress: null,
		Beneficiary: `f0${miner.owner}`,
		BeneficiaryTerm: { Quota: '0', UsedQuota: '0', Expiration: 0 },
		PendingBeneficiaryTerm: null,
	};
}

export function namedMessageToJson(message: Message): object {
	return { ...messageToJson(message), CID: cidToJson(messageCid(message)) };
}

export function namedSignedToJson(signed: SignedMessage): object {
	return {
		...signedMessageToJson(signed),
		Message: namedMessageToJson(signed.message),
		CID: cidToJson(signedMessageCid(signed)),
	};
}

export function receiptToJson({ exitCode, gasUsed }: Receipt): object {
	return { ExitCode: exitCode, Return: null, GasUsed: gasUsed, EventsRoot: null };
}
