/** Port `VanillaSource` over `poster-native vanilla`: opens this machine's sealed sectors. */
import { isPosterError, PosterError } from '../../domain/errors.ts';
import { type ActorId, type SectorNumber, sectorNumber } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import { proofShape } from '../../domain/proof.ts';
import { type OpenRequest, SECTOR_FAILURES, type SectorFailure } from '../../domain/vanilla.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OpenedSector, VanillaSource } from '../../ports/vanilla.ts';
import { frameError, type NativeFrame, numberField, textField } from './frame.ts';
import { type NativeChild, stuck } from './native-child.ts';
import { encodeSectorList } from './sector-list.ts';
import { SilenceWatch } from './silence-watch.ts';

const FAILURES: ReadonlySet<string> = new Set(SECTOR_FAILURES);

export class NativeVanillaSource implements VanillaSource {
	readonly #child: NativeChild;
	readonly #silence: SilenceWatch;

	constructor(child: NativeChild, clock: Clock) {
		this.#child = child;
		this.#silence = new SilenceWatch(clock, limits.vanillaSilenceMs);
	}

	/**
	 * One job per chunk, the next when all of the last was taken: a slow consumer holds one chunk of proofs in memory
	 * and none of the worker's threads.
	 */
	async *open(request: OpenRequest, signal: AbortSignal): AsyncIterable<OpenedSector> {
		for (let from = 0; from < request.sectors.length; from += limits.vanillaChunkSectors) {
			const sectors = request.sectors.slice(from, from + limits.vanillaChunkSectors);
			yield* this.#chunk({ ...request, sectors }, signal);
		}
	}

	async holdings(miner: ActorId): Promise<readonly SectorNumber[]> {
		try {
			const { body } = await this.#child.request({ type: 'scan', minerId: miner }, new Uint8Array(0));
			return readHoldings(body);
		} catch (cause) {
			throw unavailable(cause);
		}
	}

	close(): Promise<void> {
		return this.#child.close();
	}

	async *#chunk(request: OpenRequest, signal: AbortSignal): AsyncGenerator<OpenedSector> {
		const missing = new Set(request.sectors.map((sector) => sector.number));
		const { vanillaBytes } = proofShape(request.proofType);
		const opened: OpenedSector[] = [];
		let done = false;
		let failure: unknown;
		/** The worker owes this job nothing any more, however slowly the answers are taken. */
		let answered = (): void => undefined;
		let wake = Promise.withResolvers<void>();
		const fail = (cause: unknown): void => {
			failure ??= cause;
			wake.resolve();
		};
		const abort = (): void => fail(signal.reason);
		try {
			signal.throwIfAborted();
			const job = await this.#child.open(
				{
					frame: (frame) => {
						this.#silence.heard();
						if (frame.header['type'] === 'done') {
							done = true;
							answered();
						} else opened.push(readOpened(frame, missing, vanillaBytes));
						wake.resolve();
					},
					lost: fail,
				},
				signal,
			);
			signal.addEventListener('abort', abort, { once: true });
			if (signal.aborted) abort();
			answered = this.#silence.wait(() => {
				const cause = stuck(limits.vanillaSilenceMs);
				fail(cause);
				job.kill(cause);
			});
			try {
				const { proofType, miner, randomness, sectors } = request;
				job.send({ type: 'open', proofType, minerId: miner, randomness }, encodeSectorList(sectors)).catch(fail);
				for (;;) {
					yield* opened.splice(0);
					if (failure !== undefined) throw failure;
					if (done && opened.length === 0) break;
					await wake.promise;
					wake = Promise.withResolvers<void>();
				}
			} finally {
				answered();
				signal.removeEventListener('abort', abort);
				job.close();
				// A write that fails means that the process and the job in it are gone.
				if (!done) job.send({ type: 'cancel' }).catch(() => undefined);
			}
		} catch (cause) {
			throw signal.aborted ? signal.reason : unavailable(cause);
		}
		if (missing.size > 0) throw unavailable(frameError(`no answer for ${missing.size} sectors`));
	}
}

/** Also crosses the sector off the list of those that wait for an answer. */
function readOpened({ header, body }: NativeFrame, missing: Set<SectorNumber>, vanillaBytes: number): OpenedSector {
	const type = textField(header, 'type');
	const sector = sectorNumber(numberField(header, 'sector'));
	if (!missing.delete(sector)) throw frameError(`a second answer for sector ${sector}, or an unasked one`);
	if (type === 'sector') {
		if (body.length !== vanillaBytes) throw frameError(`a vanilla proof of ${body.length} bytes`);
		// A copy: the frame may be a view of a pipe chunk that the cache would keep alive.
		return { sector, proof: new Uint8Array(body) };
	}
	const code = textField(header, 'code');
	if (type !== 'sector-failed' || !FAILURES.has(code)) throw frameError(`a "${type}" frame with the code "${code}"`);
	return { sector, failure: code as SectorFailure, detail: textField(header, 'detail') };
}

function readHoldings(body: Uint8Array): SectorNumber[] {
	if (body.length % 8 !== 0) throw frameError(`holdings of ${body.length} bytes`);
	const view = new DataView(body.buffer, body.byteOffset, body.length);
	return Array.from({ length: body.length / 8 }, (_, i) => {
		const number = view.getBigUint64(i * 8, true);
		if (number > BigInt(Number.MAX_SAFE_INTEGER)) throw frameError(`sector number ${number}`);
		return sectorNumber(Number(number));
	});
}

function unavailable(cause: unknown): PosterError {
	return new PosterError('vanilla-unavailable', 'the worker that opens sectors gave no answer', {
		cause,
		...(isPosterError(cause) && cause.advice !== undefined ? { advice: cause.advice } : {}),
	});
}
