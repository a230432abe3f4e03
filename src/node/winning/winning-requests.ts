/**
 * Asks the mesh for the winning PoSt of a block: the sector from whoever holds it, the proof of two provers that are warm,
 * and the first one that verifies counts. It is handed to whoever asked; who signs a block is no matter of the mesh.
 */
import { join } from 'node:path';
import {
	decodeOfferAnswer,
	decodeProofAnswer,
	decodeVanillaAnswer,
	encodeWinningAsk,
	WINNING_PROTOCOL,
} from '../../codec/winning-wire.ts';
import { isPosterError, PosterError } from '../../domain/errors.ts';
import type { ActorId, NodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { PoStProofType } from '../../domain/proof.ts';
import type { WinningAsk, WinningChallenge } from '../../domain/winning.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Streams } from '../../ports/streams.ts';
import type { VanillaChecker } from '../../ports/vanilla.ts';
import type { Verifier } from '../../ports/verifier.ts';
import type { LocalSectors } from '../gather/work-gather.ts';
import { withChecked } from './checked-spool.ts';
import type { EpochBudget } from './epoch-budget.ts';
import { firstGood, type Way } from './first-good.ts';
import type { WinningProver } from './winning-prover.ts';
import { openSector } from './winning-server.ts';

export interface WinningRequestsParts {
	readonly self: NodeId;
	readonly streams: Streams;
	readonly checker: VanillaChecker;
	readonly verifier: Verifier;
	/** This node's own means, where it has them. */
	readonly local: LocalSectors | undefined;
	readonly prover: WinningProver | undefined;
	/** For each miner. */
	readonly budget: EpochBudget;
	/** Types whose verifying key is here. */
	readonly proofTypes: readonly PoStProofType[];
	/** Who holds the sector, and who may prove for the miner; this node too if it does. */
	readonly holders: (challenge: WinningChallenge) => readonly NodeId[];
	readonly provers: (miner: ActorId) => readonly NodeId[];
	/** For the files of requests under way. */
	readonly folder: string;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
}

export interface WinningProof {
	readonly proof: Uint8Array;
	readonly prover: NodeId;
	readonly ms: number;
}

interface Offer {
	readonly peer: NodeId;
	readonly usualMs: number;
}

const SECOND_MS = 1000;

export class WinningRequests {
	readonly #parts: WinningRequestsParts;
	#running = 0;
	#files = 0;

	constructor(parts: WinningRequestsParts) {
		this.#parts = parts;
	}

	/**
	 * Rejects `winning-no-key`, `winning-too-many`, `winning-budget`, `winning-no-holder`, `winning-no-prover`,
	 * `winning-failed`, `winning-timeout`, or the signal's reason.
	 */
	async prove(challenge: WinningChallenge, outer: AbortSignal): Promise<WinningProof> {
		const { clock, metrics, log } = this.#parts;
		this.#admit(challenge);
		const startedMs = clock.now();
		const timeout = new AbortController();
		const cancelTimeout = clock.after(limits.winningMs, () => timeout.abort(tooLate()));
		const signal = AbortSignal.any([outer, timeout.signal]);
		this.#running++;
		let outcome = 'good';
		try {
			const [vanilla, offers] = await Promise.all([this.#vanilla(challenge, signal), this.#offers(challenge, signal)]);
			const { proof, peer } = await this.#proof(challenge, vanilla, offers, signal);
			const ms = clock.now() - startedMs;
			metrics.observe('poster_winning_seconds', ms / SECOND_MS);
			log.info({ miner: challenge.miner, sector: challenge.sector.number, prover: peer, ms }, 'winning PoSt made');
			return { proof, prover: peer, ms };
		} catch (error) {
			const reason: unknown = signal.aborted ? signal.reason : error;
			outcome = isPosterError(reason) ? reason.code : 'error';
			throw reason;
		} finally {
			this.#running--;
			cancelTimeout();
			metrics.count('poster_winning_asked_total', { outcome });
		}
	}

	#admit({ proofType, miner }: WinningChallenge): void {
		const { proofTypes, budget } = this.#parts;
		if (!proofTypes.includes(proofType)) {
			throw new PosterError('winning-no-key', `this node cannot verify proofs of type ${proofType}`, {
				advice: '`poster-node params fetch --kind winning --for verify` brings the verifying keys.',
				meta: { proofType },
			});
		}
		if (this.#running >= limits.winningRequests) {
			throw new PosterError('winning-too-many', `${this.#running} winning proofs are asked for already`, {
				advice: 'Ask again when one of them is over.',
			});
		}
		if (budget.take(String(miner))) return;
		throw new PosterError('winning-budget', 'more winning proofs than an epoch may have', {
			advice: 'A miner needs one for each epoch that it wins; [winning] per_epoch bounds them.',
			meta: { miner },
		});
	}

	/** Checked here as well: a proof of a sector that does not hold would cost two provers their time. */
	async #vanilla(challenge: WinningChallenge, signal: AbortSignal): Promise<Uint8Array> {
		const { holders, checker, folder } = this.#parts;
		const open = async (peer: NodeId, until: AbortSignal): Promise<Uint8Array> => {
			const vanilla = await this.#open(peer, challenge, until);
			const path = join(folder, `winning-asked-${this.#files++}.vanilla`);
			await withChecked(checker, path, challenge, vanilla, async () => undefined);
			return vanilla;
		};
		const patienceMs = limits.winningPatienceMs;
		const ways = holders(challenge).map((peer) => ({ go: (until: AbortSignal) => open(peer, until), patienceMs }));
		return this.#first(ways, limits.winningHolders, signal, 'winning-no-holder', 'no holder opens the sector');
	}

	async #open(peer: NodeId, challenge: WinningChallenge, signal: AbortSignal): Promise<Uint8Array> {
		const { self, local } = this.#parts;
		if (peer === self) return openSector(local, challenge, signal);
		return decodeVanillaAnswer(await this.#ask(peer, { kind: 'open', challenge }, signal), challenge);
	}

	/** Who is warm, the fastest first. */
	async #offers({ proofType, miner }: WinningChallenge, signal: AbortSignal): Promise<readonly Offer[]> {
		const { self, provers, prover, log } = this.#parts;
		const asked = provers(miner).slice(0, limits.winningOffers);
		const answers = asked.map(async (peer): Promise<Offer[]> => {
			try {
				if (peer === self) return prover === undefined ? [] : [{ peer, usualMs: prover.offer(proofType) }];
				const answer = await this.#ask(peer, { kind: 'offer', proofType, miner }, signal, limits.winningOfferMs);
				return [{ peer, usualMs: decodeOfferAnswer(answer) }];
			} catch (error) {
				if (!isPosterError(error)) throw error;
				log.debug({ peer, code: error.code, meta: error.meta }, 'no offer of a winning PoSt');
				return [];
			}
		});
		return (await Promise.all(answers)).flat().sort((a, b) => a.usualMs - b.usualMs);
	}

	async #proof(
		challenge: WinningChallenge,
		vanilla: Uint8Array,
		offers: readonly Offer[],
		signal: AbortSignal,
	): Promise<{ readonly proof: Uint8Array; readonly peer: NodeId }> {
		const ways = offers.map(({ peer, usualMs }) => ({
			go: async (until: AbortSignal) => {
				const proof = await this.#ofProver(peer, challenge, vanilla, until);
				await this.#verify(peer, challenge, proof, until);
				return { proof, peer };
			},
			patienceMs: Math.min(Math.max(2 * usualMs, limits.winningPatienceMs), limits.winningPatienceMaxMs),
		}));
		const code = offers.length === 0 ? 'winning-no-prover' : 'winning-failed';
		return this.#first(ways, limits.winningProvers, signal, code, 'no prover made the proof');
	}

	async #ofProver(
		peer: NodeId,
		challenge: WinningChallenge,
		vanilla: Uint8Array,
		signal: AbortSignal,
	): Promise<Uint8Array> {
		const { self, prover } = this.#parts;
		if (peer === self && prover !== undefined) return prover.prove(challenge, vanilla, signal);
		return decodeProofAnswer(await this.#ask(peer, { kind: 'prove', challenge, vanilla }, signal));
	}

	async #verify(peer: NodeId, challenge: WinningChallenge, proof: Uint8Array, signal: AbortSignal): Promise<void> {
		const { proofType, miner, randomness, sector } = challenge;
		const statement = { proofType, miner, randomness, sectors: [sector] };
		const { ok, detail } = await this.#parts.verifier.verifyPost(statement, proof, signal);
		if (ok) return;
		this.#parts.log.error({ peer, detail }, 'a winning PoSt of a member does not verify');
		throw new PosterError('winning-bad-proof', `the proof of ${peer} does not verify`, {
			advice: 'That machine proves wrongly: check its parameters, its memory and its GPU.',
			meta: { peer },
		});
	}

	#ask(peer: NodeId, ask: WinningAsk, signal: AbortSignal, timeoutMs: number = limits.winningMs): Promise<Uint8Array> {
		const options = { signal, timeoutMs, maxResponseBytes: limits.winningBytes };
		return this.#parts.streams.call(peer, WINNING_PROTOCOL, encodeWinningAsk(ask), options);
	}

	async #first<T>(
		ways: readonly Way<T>[],
		width: number,
		signal: AbortSignal,
		code: string,
		message: string,
	): Promise<T> {
		try {
			return await firstGood(this.#parts.clock, ways, width, signal);
		} catch (cause) {
			signal.throwIfAborted();
			if (!isPosterError(cause)) throw cause;
			throw new PosterError(code, `${message}: ${cause.message}`, { cause, advice: ADVICE });
		}
	}
}

const ADVICE =
	'See docs/winning-post.md: who holds the sector, and which provers have a [winning] section and are warm?';

function tooLate(): PosterError {
	return new PosterError('winning-timeout', `no winning PoSt within ${limits.winningMs} ms`, {
		advice: 'Too late for a block. `poster-node status` on the provers tells what a proof takes there.',
	});
}
