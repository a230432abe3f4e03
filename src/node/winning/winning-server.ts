/**
 * Answers members that need a winning PoSt: opens the sector, says how soon a proof could be made, proves. Only for miners
 * that the roster gives both sides, within a budget for each member and miner; nobody here signs anything.
 */
import {
	decodeWinningAsk,
	encodeWinningAnswer,
	encodeWinningRefusal,
	WINNING_PROTOCOL,
} from '../../codec/winning-wire.ts';
import { isPosterError, PosterError } from '../../domain/errors.ts';
import type { ActorId, NodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { WinningAsk, WinningChallenge } from '../../domain/winning.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Streams } from '../../ports/streams.ts';
import { asRequest } from '../as-request.ts';
import type { LocalSectors } from '../gather/work-gather.ts';
import type { EpochBudget } from './epoch-budget.ts';
import type { WinningProver } from './winning-prover.ts';

export interface WinningServerParts {
	/** Undefined without the storage role. */
	readonly local: LocalSectors | undefined;
	/** Undefined where no winning parameters are. */
	readonly prover: WinningProver | undefined;
	/** For each member and miner. */
	readonly budget: EpochBudget;
	/** Whether this node works for the miner, and the roster lets the member do so. */
	readonly serves: (peer: NodeId, miner: ActorId) => boolean;
	readonly metrics: Metrics;
}

export class WinningServer {
	readonly #parts: WinningServerParts;

	constructor(parts: WinningServerParts) {
		this.#parts = parts;
	}

	serveOn(streams: Streams): void {
		streams.onCall(
			WINNING_PROTOCOL,
			limits.winningBytes,
			async (peer, bytes, signal) => {
				const ask = asRequest(() => decodeWinningAsk(bytes));
				try {
					const content = await this.#answer(peer, ask, signal);
					this.#count(ask, 'good');
					return encodeWinningAnswer(content);
				} catch (error) {
					if (!isPosterError(error)) throw error;
					this.#count(ask, error.code);
					return encodeWinningRefusal(error.code);
				}
			},
			'costly',
		);
	}

	async #answer(peer: NodeId, ask: WinningAsk, signal: AbortSignal): Promise<Uint8Array | number> {
		const { prover, serves, budget } = this.#parts;
		const miner = ask.kind === 'offer' ? ask.miner : ask.challenge.miner;
		if (!serves(peer, miner)) throw refused('winning-not-served', 'this node does not do that for the member');
		if (ask.kind === 'offer') return present(prover).offer(ask.proofType);
		if (!budget.take(`${ask.kind} ${peer} ${miner}`)) throw refused('winning-budget', 'that was asked too often');
		if (ask.kind === 'prove') return present(prover).prove(ask.challenge, ask.vanilla, signal);
		return openSector(this.#parts.local, ask.challenge, signal);
	}

	#count({ kind }: WinningAsk, outcome: string): void {
		this.#parts.metrics.count('poster_winning_served_total', { question: kind, outcome });
	}
}

/** The own disk's vanilla proof. Rejects `winning-not-here` with the worker's reason. */
export async function openSector(
	local: LocalSectors | undefined,
	{ proofType, miner, randomness, sector }: WinningChallenge,
	signal: AbortSignal,
): Promise<Uint8Array> {
	if (local === undefined) throw refused('winning-not-here', 'this node holds no sectors');
	for await (const records of local.open({ proofType, miner, randomness, sectors: [sector] }, signal)) {
		for (const record of records) {
			if ('proof' in record) return record.proof;
			throw refused('winning-not-here', `the sector cannot be opened: ${record.failure}`);
		}
	}
	throw refused('winning-not-here', 'the sector was not opened');
}

function present(prover: WinningProver | undefined): WinningProver {
	if (prover === undefined) throw refused('winning-no-params', 'this node proves no winning PoSt');
	return prover;
}

function refused(code: string, message: string): PosterError {
	return new PosterError(code, message, { advice: 'See docs/winning-post.md: roster, [winning] section, disks.' });
}
