/** Port `ProverSlot` over `poster-native prove`: one slot is one process, so that a fault on one device costs one job. */
import { isPosterError, PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import { PROOF_BYTES } from '../../domain/proof.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ProofJob, ProofMade, ProofPhase, ProverSlot } from '../../ports/prover.ts';
import { booleanField, type FrameHeader, frameError, type NativeFrame, numberField, textField } from './frame.ts';
import { CANCELLED, type NativeChild, type NativeJob } from './native-child.ts';
import { encodeSectorList } from './sector-list.ts';

/** How a job is put to the program behind a slot. */
export interface ProverDialect {
	/** Rejects `prover-failed` for a job that cannot be put. */
	request(job: ProofJob): Promise<{ readonly header: FrameHeader; readonly body: Uint8Array }>;
	/** False for a program that must be killed to leave a proof. */
	readonly hearsCancel: boolean;
}

export class NativeProverSlot implements ProverSlot {
	readonly name: string;
	readonly #child: NativeChild;
	readonly #clock: Clock;
	readonly #dialect: ProverDialect;
	#busy = false;

	/** Slots may share a child that takes several jobs at a time. */
	constructor(name: string, child: NativeChild, clock: Clock, dialect: ProverDialect = OWN_DIALECT) {
		this.name = name;
		this.#child = child;
		this.#clock = clock;
		this.#dialect = dialect;
	}

	async prove(job: ProofJob, onPhase: (phase: ProofPhase) => void, signal: AbortSignal): Promise<ProofMade> {
		if (this.#busy) throw new PosterError('prover-unavailable', `slot ${this.name} has a job already`);
		if (signal.aborted) throw cancelled(signal);
		this.#busy = true;
		try {
			return await this.#prove(job, onPhase, signal);
		} finally {
			this.#busy = false;
		}
	}

	/** Names of the devices that its worker proves on; none on the CPU. Rejects like a start of the worker. */
	async gpus(): Promise<readonly string[]> {
		return readGpus(await this.#child.start());
	}

	get deaths(): number {
		return this.#child.deaths;
	}

	watch(changed: Parameters<ProverSlot['watch']>[0]): void {
		this.#child.watch(changed);
	}

	pause(): () => void {
		return this.#child.pause();
	}

	close(): Promise<void> {
		return this.#child.close();
	}

	async #prove(job: ProofJob, onPhase: (phase: ProofPhase) => void, signal: AbortSignal): Promise<ProofMade> {
		const answer = Promise.withResolvers<ProofMade>();
		const isOurs = (): boolean => job.stock !== true && ENGINES_OF_OURS.has(native.hello['engine']);
		/** The cancelled job was over before the worker heard of it: then it does not end. */
		const idle = Promise.withResolvers<void>();
		// It may be settled before anybody waits for it.
		answer.promise.catch(() => undefined);
		const native = await this.#open(
			{
				frame: (frame) => {
					const type = textField(frame.header, 'type');
					if (type === 'phase') onPhase(readPhase(frame.header));
					else if (type === 'proof') answer.resolve(readProof(frame, native.hello));
					else if (type !== 'cancelled') throw frameError(`a "${type}" frame in a proof`);
					else if (!booleanField(frame.header, 'exits')) idle.resolve();
				},
				lost: (cause) => answer.reject(lost(cause, isOurs())),
			},
			signal,
		);
		const onAbort = Promise.withResolvers<void>();
		const abort = (): void => onAbort.resolve();
		signal.addEventListener('abort', abort, { once: true });
		try {
			const { header, body } = await this.#dialect.request(job);
			native.send(header, body).catch((cause) => answer.reject(lost(cause, isOurs())));
			if (signal.aborted) abort();
			const made = await Promise.race([answer.promise, onAbort.promise]);
			if (made !== undefined) return made;
			await this.#cancel(native, idle.promise);
			throw cancelled(signal);
		} catch (error) {
			if (isLast(error)) await this.#orKill(native, native.exited, 'the worker did not end after leaving its GPU');
			throw error;
		} finally {
			signal.removeEventListener('abort', abort);
			native.close();
		}
	}

	async #open(listener: Parameters<NativeChild['open']>[0], signal: AbortSignal): Promise<NativeJob> {
		try {
			return await this.#child.open(listener, signal);
		} catch (cause) {
			if (signal.aborted) throw cancelled(signal);
			throw new PosterError('prover-unavailable', `slot ${this.name} has no worker`, {
				cause,
				...(isPosterError(cause) && cause.advice !== undefined ? { advice: cause.advice } : {}),
			});
		}
	}

	/**
	 * The worker ends itself, since a call of the library cannot be interrupted; if it does not, it is killed. The slot
	 * is free only when the old process is gone: two of them would share one device.
	 */
	async #cancel(native: NativeJob, idle: Promise<void>): Promise<void> {
		const why = 'the worker did not end a cancelled proof by itself';
		// A failed write means that the process is gone, as wanted.
		if (this.#dialect.hearsCancel) native.send({ type: 'cancel' }).catch(() => undefined);
		else native.kill(new PosterError(CANCELLED, why));
		await this.#orKill(native, Promise.race([native.exited, idle]), why);
	}

	/** Its end was our wish or is its own word: as a death it would count against its health. */
	async #orKill(native: NativeJob, ended: Promise<unknown>, why: string): Promise<void> {
		const stopKill = this.#clock.after(limits.nativeCancelMs, () => native.kill(new PosterError(CANCELLED, why)));
		await ended;
		stopKill();
	}
}

/** Under these a proof may be made by our own prover. */
const ENGINES_OF_OURS: ReadonlySet<unknown> = new Set(['auto', 'own']);

/** docs/prover-protocol.md: the vanilla proofs lie in a file. */
const OWN_DIALECT: ProverDialect = {
	request: async (job) => ({ header: proveHeader(job), body: encodeSectorList(job.statement.sectors) }),
	hearsCancel: true,
};

function proveHeader({ statement, spool, stock }: ProofJob): FrameHeader {
	return {
		type: 'prove',
		proofType: statement.proofType,
		minerId: statement.miner,
		randomness: statement.randomness,
		spool: spool.path,
		slots: statement.sectors.map((sector) => spool.slotOf(sector.number)),
		...(stock === true && { stock }),
	};
}

function readPhase(header: FrameHeader): ProofPhase {
	const phase = textField(header, 'phase');
	const state = textField(header, 'state');
	if (state === 'start') return { phase, state };
	if (state === 'end') return { phase, state, ms: numberField(header, 'ms') };
	throw frameError(`a phase in the state "${state}"`);
}

function readProof({ header, body }: NativeFrame, hello: FrameHeader): ProofMade {
	if (body.length !== PROOF_BYTES) throw frameError(`a proof of ${body.length} bytes`);
	const phases = header['phases'];
	if (typeof phases !== 'object' || phases === null) throw frameError('a proof without phases');
	const gpus = readGpus(hello);
	return {
		proof: new Uint8Array(body),
		phaseMs: Object.fromEntries(Object.keys(phases).map((name) => [name, numberField(phases as FrameHeader, name)])),
		...(typeof header['peakRssMb'] === 'number' && { peakRssMb: header['peakRssMb'] }),
		// A worker with GPUs says when a proof was not made on them.
		device: gpus.length > 0 && header['gpu'] !== false ? gpus.join(', ') : 'cpu',
		...((header['engine'] === 'own' || header['engine'] === 'stock') && { engine: header['engine'] }),
		...(typeof header['alarm'] === 'string' && { alarm: header['alarm'].slice(0, limits.errorChars) }),
	};
}

function readGpus(hello: FrameHeader): string[] {
	const gpus = hello['gpus'];
	return Array.isArray(gpus) ? gpus.map(String) : [];
}

/** It said so and ends: the next job would be given to a process that is on its way out. */
function isLast(error: unknown): boolean {
	return isPosterError(error, 'prover-failed') && error.meta['code'] === 'gpu-fallback';
}

function cancelled(signal: AbortSignal): PosterError {
	return new PosterError('prover-cancelled', 'the proof was cancelled', { cause: signal.reason });
}

/** A worker that says why it gave a job up did so for the job's sake; one that is gone says nothing about the job. */
function lost(cause: PosterError, ownEngine: boolean): PosterError {
	const init = cause.advice === undefined ? { cause } : { cause, advice: cause.advice };
	if (isPosterError(cause, 'native-failed')) {
		return new PosterError('prover-failed', cause.message, { ...init, meta: cause.meta });
	}
	return new PosterError('prover-crashed', 'the proving worker died', { ...init, meta: { ownEngine } });
}
