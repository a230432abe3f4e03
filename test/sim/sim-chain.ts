/**
 * A chain for simulations: epochs, one deadline after another, the rules that decide whether a partition counts as
 * proven, and a message pool with nonces. Proofs are recorded without a look at them, as the real actor does.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import { minerAddress, secpAddress } from '../../src/codec/address.ts';
import { encodeManifest, manifestRoot } from '../../src/codec/manifest.ts';
import { sha256Hex } from '../../src/codec/work-id.ts';
import type { ChainView, ChallengeView, PoolMessage } from '../../src/core/api.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { MessageLookup } from '../../src/domain/chain.ts';
import {
	type ActorId,
	actorId,
	attoFil,
	type CidText,
	cidText,
	deadlineIndex,
	epoch,
	type Hex32,
	hex32,
	partitionIndex,
	sectorNumber,
} from '../../src/domain/ids.ts';
import type { Message } from '../../src/domain/message.ts';
import type { Challenge } from '../../src/domain/work.ts';
import type { Random } from './random.ts';

export const WINDOW = 60;
export const LOOKBACK = 20;
const PROOF_TYPE = 10;

export interface ChainOptions {
	readonly seed: number;
	readonly epochMs: number;
	readonly deadlines: number;
	readonly partitions: number;
	readonly sectors: number;
	/** Per mille of pool messages that are dropped in an epoch. */
	readonly dropPermille: number;
	readonly blockMessages: number;
}

interface Landed {
	readonly message: PoolMessage;
	readonly epoch: number;
	readonly exitCode: number;
}

export class SimChain {
	readonly miner: ActorId = actorId(1000);
	readonly sender = secpAddress(new Uint8Array(65).fill(7));
	readonly manifests = new Map<Hex32, Bitfield>();
	readonly landed: Landed[] = [];
	epoch = 0;
	nonce = 0;
	pool: PoolMessage[] = [];
	baseFee = 100n;
	/** Most messages that one tipset takes. */
	blockMessages: number;
	/** Deadline index -> partitions proven. */
	readonly posted = new Map<number, Set<number>>();
	readonly challenges: readonly { readonly challenge: Challenge; readonly due: ChallengeView['due'] }[];
	readonly #options: ChainOptions;
	readonly #random: Random;

	constructor(options: ChainOptions, random: Random) {
		this.#options = options;
		this.blockMessages = options.blockMessages;
		this.#random = random;
		const first = LOOKBACK + 5;
		this.challenges = Array.from({ length: options.deadlines }, (_, index) => {
			const open = first + index * WINDOW;
			const hash = sha256Hex(new TextEncoder().encode(`randomness/${options.seed}/${index}`));
			const challenge: Challenge = {
				kind: 'post',
				nonce: 0,
				miner: this.miner,
				periodStart: epoch(first),
				deadline: deadlineIndex(index),
				challenge: epoch(open - LOOKBACK),
				open: epoch(open),
				close: epoch(open + WINDOW),
				randomness: hex32(`${hash.slice(0, 62)}00`),
				proofType: PROOF_TYPE,
			};
			const due = Array.from({ length: options.partitions }, (_, partition) => this.#partition(index, partition));
			return { challenge, due };
		});
	}

	#partition(deadline: number, partition: number): ChallengeView['due'][number] {
		const { sectors, partitions } = this.#options;
		const base = (deadline * partitions + partition) * sectors;
		const numbers = Array.from({ length: sectors }, (_, i) => base + i);
		const manifest = numbers.map((number) => ({
			number: sectorNumber(number),
			commR: sha256Hex(new TextEncoder().encode(`comm_r/${number}`)),
			updated: false,
		}));
		const sectorRoot = manifestRoot(encodeManifest(manifest));
		this.manifests.set(sectorRoot, Bitfield.of(numbers));
		return { partition: partitionIndex(partition), sectorCount: sectors, sectorRoot };
	}

	get allSectors(): readonly number[] {
		const { deadlines, partitions, sectors } = this.#options;
		return Array.from({ length: deadlines * partitions * sectors }, (_, i) => i);
	}

	get lastEpoch(): number {
		return (this.challenges.at(-1)?.challenge.close ?? 0) + 8;
	}

	/** The next tipset: what waits in nonce order is executed. */
	advance(): void {
		this.epoch++;
		this.pool = this.pool.filter(() => !this.#random.chance(this.#options.dropPermille));
		for (let i = 0; i < this.blockMessages; i++) {
			const next = this.pool.find(({ signed }) => signed.message.nonce === this.nonce);
			if (next === undefined || next.signed.message.gasFeeCap < this.baseFee) break;
			this.land(next);
		}
	}

	/** The message takes the next nonce, whatever waited for it. */
	land(message: PoolMessage): void {
		this.pool = this.pool.filter(({ signed }) => signed.message.nonce !== this.nonce);
		this.nonce++;
		this.landed.push({ message, epoch: this.epoch, exitCode: this.#execute(message) });
	}

	/** The last tipsets give way to as many without a message, and no pool takes up again what was in them. */
	reorg(depth: number): void {
		const kept = this.landed.filter(({ epoch: at }) => at <= this.epoch - depth);
		this.nonce -= this.landed.length - kept.length;
		this.landed.splice(0, this.landed.length, ...kept);
		this.posted.clear();
		for (const { message, exitCode } of kept) {
			if (message.call?.kind !== 'submit-post' || exitCode !== 0) continue;
			const { deadline, partition } = message.call.params;
			this.posted.set(deadline, (this.posted.get(deadline) ?? new Set()).add(partition));
		}
	}

	#execute({ call }: PoolMessage): number {
		if (call?.kind !== 'submit-post') return 16;
		const { deadline, partition } = call.params;
		const found = this.challenges.find(({ challenge }) => challenge.deadline === deadline)?.challenge;
		if (found === undefined || this.epoch < found.open || this.epoch >= found.close) return 16;
		const posted = this.posted.get(deadline) ?? new Set<number>();
		if (posted.has(partition)) return 16;
		posted.add(partition);
		this.posted.set(deadline, posted);
		return 0;
	}

	/** Error code, or null when the pool takes the message or has it. */
	push(message: PoolMessage): string | null {
		const { nonce, gasPremium } = message.signed.message;
		if (nonce < this.nonce) return 'chain-rpc';
		const rival = this.pool.find(({ signed }) => signed.message.nonce === nonce);
		if (rival?.cid === message.cid) return null;
		if (rival !== undefined && gasPremium * 4n < rival.signed.message.gasPremium * 5n) return 'chain-rpc';
		this.pool = [...this.pool.filter((waiting) => waiting !== rival), message].sort(
			(a, b) => a.signed.message.nonce - b.signed.message.nonce,
		);
		return null;
	}

	isPosted(deadline: number, partition: number): boolean {
		return this.posted.get(deadline)?.has(partition) === true;
	}

	/** As full nodes answer: the message, or one with the same call that replaced it; of others at its nonce nothing. */
	search(cid: CidText, { nonce, params }: Message): MessageLookup | null {
		const found = this.landed.find(({ message }) => message.signed.message.nonce === nonce);
		// One more tipset must stand on the including one.
		if (found === undefined || found.epoch >= this.epoch) return null;
		if (bytesToHex(found.message.signed.message.params) !== bytesToHex(params)) return null;
		return {
			message: found.message.cid === cid ? cid : found.message.cid,
			exitCode: found.exitCode,
			gasUsed: 1,
			tipSet: [cidText(`tipset-${found.epoch}`)],
			height: epoch(found.epoch),
		};
	}

	view(): ChainView {
		const challenges = this.challenges
			.filter(({ challenge }) => challenge.challenge < this.epoch && this.epoch < challenge.close)
			.map(({ challenge, due }) => ({
				challenge,
				due,
				posted: challenge.open <= this.epoch ? Bitfield.of(this.posted.get(challenge.deadline) ?? []) : null,
			}));
		return {
			miner: this.miner,
			epoch: epoch(this.epoch),
			challenges,
			sender: { address: this.sender, nonce: this.nonce, pool: this.pool },
			baseFee: attoFil(this.baseFee),
		};
	}

	/** Sectors that accepted messages declared faulty. */
	get skippedSectors(): number {
		return this.landed.reduce((sum, { message, exitCode }) => {
			const call = exitCode === 0 ? message.call : null;
			return sum + (call?.kind === 'submit-post' ? call.params.skipped.size : 0);
		}, 0);
	}

	get address(): string {
		return minerAddress(this.miner);
	}
}
