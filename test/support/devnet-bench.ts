/**
 * An embedded chain under a test's hands: no timers, no sockets, epochs on demand, proofs that are tags, and short
 * periods. Miner f01001 has four sectors in deadline 0 (two partitions) and two each in deadlines 1 and 2.
 */
import assert from 'node:assert/strict';
import { signedMessageCid } from '../../src/codec/message.ts';
import {
	encodeDeclarations,
	encodeDisputeWindowedPoSt,
	encodeSubmitWindowedPoSt,
	minerMethod,
	type SubmitWindowedPoStParams,
} from '../../src/codec/miner-params.ts';
import { resolve } from '../../src/devnet/actor/apply.ts';
import type { Deadline, Miner } from '../../src/devnet/actor/state.ts';
import { digestOf, draw, drawTag, postChallenge } from '../../src/devnet/chain/randomness.ts';
import type { Executed } from '../../src/devnet/chain/tipset.ts';
import { deadlineInfo } from '../../src/devnet/deadlines.ts';
import { FullNode } from '../../src/devnet/full-node.ts';
import { type GenesisMiner, makeGenesis } from '../../src/devnet/genesis.ts';
import { type Policy, REAL_POLICY } from '../../src/devnet/policy.ts';
import { estimateGas } from '../../src/devnet/pool/estimate.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import {
	type ActorId,
	actorId,
	attoFil,
	type CidText,
	deadlineIndex,
	epoch,
	hex32,
	partitionIndex,
	sectorNumber,
} from '../../src/domain/ids.ts';
import type { Message } from '../../src/domain/message.ts';
import type { PostStatement, Verifier } from '../../src/ports/verifier.ts';
import { TagVerifier, tagProof } from '../fakes/tag-verifier.ts';
import { memoryLog } from './memory-log.ts';

export const MINER = actorId(1001);
/** Six deadlines of ten epochs. */
export const SHORT_POLICY: Policy = {
	...REAL_POLICY,
	periodDeadlines: 6,
	challengeWindow: 10,
	challengeLookback: 4,
	faultDeclarationCutoff: 7,
	disputeWindow: 40,
};
/** The deadline 0 of the first whole period opens here. */
export const FIRST_OPEN = 20;
const SEED = 'bench';

const sector = (number: number, deadline: number) => ({
	number,
	commR: hex32(number.toString(16).padStart(64, '0')),
	sealProof: 5,
	deadline,
});

export const BENCH_MINER: GenesisMiner = {
	id: MINER,
	proofType: 10,
	periodOffset: FIRST_OPEN,
	sectors: [
		sector(0, 0),
		sector(1, 0),
		sector(2, 0),
		sector(3, 0),
		...[4, 5].map((n) => sector(n, 1)),
		sector(6, 2),
		sector(7, 2),
	],
};

export interface PostChoice {
	readonly skipped?: readonly number[];
	/** Sectors that the proof is over, if not the good ones. */
	readonly provenSectors?: readonly number[];
	readonly change?: Partial<SubmitWindowedPoStParams>;
	readonly tamper?: (proof: Uint8Array) => Uint8Array;
}

export class Bench {
	/** Judges unless the options name another. */
	readonly verifier = new TagVerifier();
	/** The first miner: what everything here is about. */
	readonly minerId: ActorId;
	readonly log = memoryLog();
	readonly node: FullNode;
	readonly worker: string;
	readonly faucet: string;

	constructor(
		options: {
			readonly miners?: readonly GenesisMiner[];
			readonly policy?: Policy;
			readonly seed?: string;
			readonly judge?: Verifier;
		} = {},
	) {
		const { miners = [BENCH_MINER], policy = SHORT_POLICY, seed = SEED } = options;
		const genesis = makeGenesis({ seed, policy, startEpoch: 0 }, miners);
		this.minerId = actorId(miners[0]?.id ?? MINER);
		this.worker = genesis.workers.get(this.minerId)?.address ?? '';
		this.faucet = genesis.faucet.address;
		this.node = new FullNode(
			{ verifier: options.judge ?? this.verifier, log: this.log },
			{
				seed,
				networkName: 'bench',
				policy,
				startEpoch: 0,
				epochMs: 1000,
				baseFee: 100n,
				genesisTimestamp: 1_700_000_000,
				world: genesis.world,
				keys: genesis.keys,
			},
		);
	}

	get height(): number {
		return this.node.chain.head.height;
	}

	/** State that the next message will run on. */
	get miner(): Miner {
		return this.minerAt(this.minerId);
	}

	minerAt(id: number): Miner {
		const miner = this.node.chain.head.after.miners.get(actorId(id));
		assert.ok(miner);
		return miner;
	}

	deadline(index: number): Deadline {
		const deadline = this.miner.deadlines[index];
		assert.ok(deadline);
		return deadline;
	}

	balance(address: string): bigint {
		return resolve(this.node.chain.head.after, address)?.balance ?? 0n;
	}

	/** Mines until a tipset has this height. */
	async mineTo(height: number): Promise<void> {
		while (this.height < height) await this.node.mine();
	}

	/** Head such that a message of the next tipset runs in the first epoch of the deadline's next opening. */
	async openDeadline(index: number): Promise<void> {
		const { periodStart, currentDeadline } = this.miner;
		const { policy } = this.node.chain;
		let info = deadlineInfo(policy, periodStart, index, this.height);
		if (index < currentDeadline) {
			info = deadlineInfo(policy, periodStart + policy.periodDeadlines * policy.challengeWindow, index, this.height);
		}
		await this.mineTo(Math.max(info.open, FIRST_OPEN) - 1);
	}

	async closeDeadline(): Promise<void> {
		const { close } = deadlineInfo(this.node.chain.policy, this.miner.periodStart, this.miner.currentDeadline, 0);
		await this.mineTo(close - 1);
	}

	message(method: number, params: Uint8Array, over: Partial<Message> = {}): Message {
		return {
			version: 0,
			to: `f0${this.minerId}`,
			from: this.worker,
			nonce: this.nonce(over.from ?? this.worker),
			value: attoFil(0n),
			gasLimit: 400_000_000,
			gasFeeCap: attoFil(200_000n),
			gasPremium: attoFil(100_000n),
			method,
			params,
			...over,
		};
	}

	nonce(address: string): number {
		const account = resolve(this.node.chain.head.after, address);
		return account === undefined ? 0 : this.node.pool.nextNonce(account);
	}

	async push(message: Message): Promise<CidText> {
		return this.node.push(this.node.sign(message.from, message));
	}

	/** Pushes without an estimation and mines one tipset. */
	async send(message: Message): Promise<Executed> {
		const signed = this.node.sign(message.from, message);
		await this.node.push(signed);
		await this.node.mine();
		const executed = this.node.chain.head.executed.find(({ cid }) => cid === signedMessageCid(signed));
		assert.ok(executed, 'the message was included');
		return executed;
	}

	/** Text of the refusal at gas estimation; fails when it passes. */
	async refusal(message: Message): Promise<string> {
		const asked = { ...message, gasLimit: 0 };
		try {
			await estimateGas(this.node, asked, 0n, this.node.chain.head);
		} catch (error) {
			return (error as Error).message;
		}
		assert.fail('the estimation passed');
	}

	/** A submission for the open deadline, proof over the good sectors, run one epoch after the head. */
	submission(deadline: number, partitions: readonly number[], choice: PostChoice = {}): Message {
		const { policy } = this.node.chain;
		const info = deadlineInfo(policy, this.miner.periodStart, deadline, this.height);
		const skipped = Bitfield.of(choice.skipped ?? []);
		const params: SubmitWindowedPoStParams = {
			deadline: deadlineIndex(deadline),
			partitions: partitions.map((index) => ({
				index: partitionIndex(index),
				skipped: skipped.intersect(this.deadline(deadline).partitions[index]?.sectors ?? Bitfield.empty),
			})),
			proofs: [{ type: 10, bytes: (choice.tamper ?? same)(this.proof(deadline, partitions, info.challenge, choice)) }],
			commitEpoch: info.challenge,
			commitRandomness: this.commitRandomness(info.challenge),
			...choice.change,
		};
		return this.message(minerMethod.submitWindowedPoSt, encodeSubmitWindowedPoSt(params));
	}

	commitRandomness(at: number) {
		const { chain } = this.node;
		return draw(drawTag.postCommit, digestOf(chain.ticket(chain.head, at)), at, new Uint8Array());
	}

	declaration(kind: 'faults' | 'recoveries', deadline: number, partition: number, sectors: readonly number[]): Message {
		return this.message(
			kind === 'faults' ? minerMethod.declareFaults : minerMethod.declareFaultsRecovered,
			encodeDeclarations([
				{
					deadline: deadlineIndex(deadline),
					partition: partitionIndex(partition),
					sectors: Bitfield.of(sectors),
				},
			]),
		);
	}

	dispute(deadline: number, postIndex: number): Message {
		const params = encodeDisputeWindowedPoSt({ deadline: deadlineIndex(deadline), postIndex });
		return this.message(minerMethod.disputeWindowedPoSt, params, {
			from: this.faucet,
			nonce: this.nonce(this.faucet),
		});
	}

	#good(deadline: number, partitions: readonly number[], skipped: Bitfield): readonly number[] {
		return partitions.flatMap((index) => {
			const partition = this.deadline(deadline).partitions[index];
			if (partition === undefined) return [];
			return [...partition.sectors.subtract(partition.faults).union(partition.recoveries).subtract(skipped)];
		});
	}

	proof(deadline: number, partitions: readonly number[], challenge: number, choice: PostChoice): Uint8Array {
		const numbers = choice.provenSectors ?? this.#good(deadline, partitions, Bitfield.of(choice.skipped ?? []));
		const { partitionSectors, sectors, id, proofType } = this.miner;
		const proofs: Uint8Array[] = [];
		for (let i = 0; i < numbers.length; i += partitionSectors) {
			const statement: PostStatement = {
				proofType,
				miner: id,
				randomness: postChallenge(this.node.chain.seed, id, epoch(challenge)),
				sectors: numbers.slice(i, i + partitionSectors).map((number) => {
					const found = sectors.get(sectorNumber(number));
					assert.ok(found);
					return { number: found.number, commR: found.commR };
				}),
			};
			proofs.push(tagProof(statement));
		}
		return Buffer.concat(proofs);
	}
}

export function flipped(proof: Uint8Array): Uint8Array {
	const copy = Uint8Array.from(proof);
	copy[0] = (copy[0] ?? 0) ^ 1;
	return copy;
}

function same(proof: Uint8Array): Uint8Array {
	return proof;
}
