/**
 * The control of the experiment: a really made proof for a second miner, with one bit flipped. The chain records it
 * unseen, as it does with every proof; a dispute must find it out, or surviving disputes would prove nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LotusChain } from '../../adapters/chain/lotus-chain.ts';
import { createClock } from '../../adapters/observe/clock.ts';
import { createMetrics } from '../../adapters/observe/metrics.ts';
import { minerAddress } from '../../codec/address.ts';
import { encodeSubmitWindowedPoSt, minerMethod } from '../../codec/miner-params.ts';
import { Bitfield } from '../../domain/bitfield.ts';
import { PosterError } from '../../domain/errors.ts';
import { type ActorId, type DeadlineIndex, epoch, hex32, partitionIndex, sectorNumber } from '../../domain/ids.ts';
import type { PoStProofType } from '../../domain/proof.ts';
import type { Log } from '../../ports/log.ts';
import type { PostStatement } from '../../ports/verifier.ts';
import type { ChainDesk, Receipt } from './chain-desk.ts';
import type { SealedSectors } from './preparation.ts';
import { proveDirectly } from './prove-directly.ts';

const WINDOW_2KIB = 10 as PoStProofType;

export interface ControlExperiment {
	readonly chain: ChainDesk;
	readonly native: string;
	readonly miner: ActorId;
	readonly deadline: DeadlineIndex;
	/** Epoch of the deadline's challenge. */
	readonly challenge: number;
	/** All sectors of the deadline's only partition. */
	readonly sealed: SealedSectors;
	/** For scratch files. */
	readonly folder: string;
	readonly log: Log;
}

/** Answers with the receipt of the message that carried the tampered proof. The deadline must be open. */
export async function submitTampered(experiment: ControlExperiment): Promise<Receipt> {
	const { chain, miner, deadline, sealed } = experiment;
	const challenge = epoch(experiment.challenge);
	const { randomness, commitRandomness } = await drawRandomness(experiment);
	const statement: PostStatement = {
		proofType: WINDOW_2KIB,
		miner,
		randomness,
		sectors: sealed.sectors.map(({ number, commR }) => ({ number: sectorNumber(number), commR: hex32(commR ?? '') })),
	};
	const proof = tampered(await prove(experiment, statement));
	const params = encodeSubmitWindowedPoSt({
		deadline,
		partitions: [{ index: partitionIndex(0), skipped: Bitfield.empty }],
		proofs: [{ type: WINDOW_2KIB, bytes: proof }],
		commitEpoch: challenge,
		commitRandomness,
	});
	return chain.send(senderOf(chain, miner), miner, minerMethod.submitWindowedPoSt, params);
}

/** Read with the same client that the nodes use. */
async function drawRandomness({ chain, miner, challenge, log }: ControlExperiment) {
	const client = new LotusChain(
		{ clock: createClock(), metrics: createMetrics(), log },
		{ endpoints: [{ url: chain.started.url, token: chain.token }] },
	);
	try {
		const { key } = await client.head();
		return {
			randomness: await client.postRandomness(miner, epoch(challenge), key),
			commitRandomness: await client.commitRandomness(epoch(challenge), key),
		};
	} finally {
		await client.close();
	}
}

async function prove(experiment: ControlExperiment, statement: PostStatement): Promise<Uint8Array> {
	const { native, chain, sealed, folder, log } = experiment;
	const scratch = await mkdtemp(join(folder, 'control-'));
	try {
		const { testParameters } = chain.started;
		return await proveDirectly({ native, scratch, storage: sealed.dir, testParameters, log }, statement);
	} finally {
		await rm(scratch, { recursive: true });
	}
}

function tampered(proof: Uint8Array): Uint8Array {
	return proof.map((byte, index) => (index === proof.length - 1 ? byte ^ 1 : byte));
}

function senderOf({ started }: ChainDesk, miner: ActorId): string {
	const found = started.miners.find((candidate) => candidate.miner === minerAddress(miner));
	if (found === undefined) throw new PosterError('demo-cluster', `the chain has no miner ${minerAddress(miner)}`);
	return found.sender;
}
