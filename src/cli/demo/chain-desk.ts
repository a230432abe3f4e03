/** The running devnet as its operator sees it: its clock, its statistics, disputes, and messages signed in its wallet. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { minerAddress } from '../../codec/address.ts';
import { messageToJson } from '../../codec/lotus-json.ts';
import { encodeDisputeWindowedPoSt, minerMethod } from '../../codec/miner-params.ts';
import { bitfieldFromJson } from '../../codec/rle-plus.ts';
import type { StatisticsReport } from '../../devnet/statistics.ts';
import type { Bitfield } from '../../domain/bitfield.ts';
import { PosterError } from '../../domain/errors.ts';
import { type ActorId, attoFil, type DeadlineIndex } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Message } from '../../domain/message.ts';

/** What `poster-node devnet --json` prints. */
export interface ChainStarted {
	readonly url: string;
	/** Of all full nodes, the first one's too. */
	readonly urls: readonly string[];
	readonly dir: string;
	readonly testParameters: string;
	readonly faucet: string;
	readonly miners: readonly { readonly miner: string; readonly sender: string; readonly keyFile: string }[];
}

export interface Receipt {
	readonly exitCode: number;
	readonly height: number;
}

/** What became of the disputes of one deadline's proofs. */
export interface Disputes {
	readonly made: number;
	/** The actor verified the proof and refused: nothing else that ends with the same exit code counts. */
	readonly survived: number;
	/** The proof was invalid, the miner is punished. */
	readonly lost: number;
}

/** Enough for a proof of any size that the devnet knows; every epoch has room for several such messages. */
const GAS_LIMIT = 400_000_000;
const GAS_FEE_CAP = attoFil(200_000n);
const GAS_PREMIUM = attoFil(100_000n);

export class ChainDesk {
	readonly started: ChainStarted;
	/** Of all permissions. */
	readonly token: string;
	#calls = 0;

	constructor(started: ChainStarted, token: string) {
		this.started = started;
		this.token = token;
	}

	static async open(started: ChainStarted): Promise<ChainDesk> {
		return new ChainDesk(started, (await readFile(join(started.dir, 'token-admin'), 'utf8')).trim());
	}

	/** Rejects `demo-chain` with the node's own words. */
	async call<T>(method: string, params: readonly unknown[] = []): Promise<T> {
		const response = await fetch(this.started.url, {
			method: 'POST',
			headers: { 'content-type': 'application/json', authorization: `Bearer ${this.token}` },
			body: JSON.stringify({ jsonrpc: '2.0', id: ++this.#calls, method, params }),
			signal: AbortSignal.timeout(limits.demoCallMs),
		});
		const { result, error } = (await response.json()) as { result?: T; error?: { message: string } };
		if (error === undefined) return result as T;
		throw new PosterError('demo-chain', `the embedded chain refused ${method}: ${error.message}`, {
			advice: 'Run it once more; if it repeats, report it with the log of the chain.',
		});
	}

	stats(): Promise<StatisticsReport> {
		return this.call('Devnet.Stats');
	}

	async height(): Promise<number> {
		return (await this.call<{ Height: number }>('Filecoin.ChainHead')).Height;
	}

	/** Resolves once the head is at this height or above. */
	async until(height: number, signal?: AbortSignal): Promise<void> {
		while ((await this.height()) < height) await sleep(limits.demoPollMs, undefined, signal && { signal });
	}

	/** Proofs of the miner's deadline at its last close that can be disputed. */
	async disputable(miner: ActorId, deadline: DeadlineIndex): Promise<number> {
		const params = [minerAddress(miner), null];
		const all = await this.call<readonly { DisputableProofCount: number }[]>('Filecoin.StateMinerDeadlines', params);
		return all[deadline]?.DisputableProofCount ?? 0;
	}

	/** Disputes them all. Nobody else may dispute meanwhile: the chain counts, by the actor's words, which no receipt has. */
	async disputeAll(miner: ActorId, deadline: DeadlineIndex): Promise<Disputes> {
		const { disputes: before } = await this.stats();
		const proofs = await this.disputable(miner, deadline);
		const pushed: unknown[] = [];
		for (let postIndex = 0; postIndex < proofs; postIndex++) {
			const dispute = encodeDisputeWindowedPoSt({ deadline, postIndex });
			pushed.push(await this.#push(this.started.faucet, miner, minerMethod.disputeWindowedPoSt, dispute));
		}
		await Promise.all(pushed.map((cid) => this.#receipt(cid)));
		const { disputes } = await this.stats();
		return { made: proofs, survived: disputes.survived - before.survived, lost: disputes.lost - before.lost };
	}

	/** Faulty sectors of the miner. */
	async faults(miner: ActorId): Promise<Bitfield> {
		return bitfieldFromJson(await this.call('Filecoin.StateMinerFaults', [minerAddress(miner), null]));
	}

	/** Signs in the devnet's wallet, pushes, and waits for the receipt. */
	async send(from: string, miner: ActorId, method: number, params: Uint8Array): Promise<Receipt> {
		return this.#receipt(await this.#push(from, miner, method, params));
	}

	/** The gas is fixed: an estimation would refuse what fails, and here it shall land on the chain. */
	async #push(from: string, miner: ActorId, method: number, params: Uint8Array): Promise<unknown> {
		const message: Message = {
			version: 0,
			to: minerAddress(miner),
			from,
			nonce: await this.call<number>('Filecoin.MpoolGetNonce', [from]),
			value: attoFil(0n),
			gasLimit: GAS_LIMIT,
			gasFeeCap: GAS_FEE_CAP,
			gasPremium: GAS_PREMIUM,
			method,
			params,
		};
		const signed = await this.call<unknown>('Filecoin.WalletSignMessage', [from, messageToJson(message)]);
		return this.call<unknown>('Filecoin.MpoolPush', [signed]);
	}

	async #receipt(cid: unknown): Promise<Receipt> {
		const found = await this.call<{ Receipt: { ExitCode: number }; Height: number }>('Filecoin.StateWaitMsg', [
			...[cid, 0, WHOLE_CHAIN, true],
		]);
		return { exitCode: found.Receipt.ExitCode, height: found.Height };
	}
}

const WHOLE_CHAIN = -1;
