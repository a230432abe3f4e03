/**
 * A slot on a GPU: takes the device out of service when its faults repeat, since each costs a job minutes that a
 * deadline may not have, and gives it another try later. What is a fault: the worker died, saw no device, or would have
 * gone on without it (docs/native-protocol.md, `--gpu`). Any proof that was made clears the count.
 */
import { isPosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { ProofJob, ProofMade, ProofPhase, ProverSlot } from '../../ports/prover.ts';

/** Codes of a failed job that are the device's, not the job's. */
const DEVICE_CODES: ReadonlySet<unknown> = new Set(['no-gpu', 'gpu-fallback']);

export class GpuSlot implements ProverSlot {
	readonly name: string;
	readonly #slot: ProverSlot;
	readonly #clock: Clock;
	readonly #log: Log;
	#faults = 0;
	#workerInService = true;
	#demoted = false;
	#changed: Parameters<ProverSlot['watch']>[0] = () => undefined;
	#stopTimer: () => void = () => undefined;

	constructor(slot: ProverSlot, clock: Clock, log: Log) {
		this.name = slot.name;
		this.#slot = slot;
		this.#clock = clock;
		this.#log = log;
	}

	async prove(job: ProofJob, onPhase: (phase: ProofPhase) => void, signal: AbortSignal): Promise<ProofMade> {
		try {
			const made = await this.#slot.prove(job, onPhase, signal);
			this.#faults = 0;
			return made;
		} catch (error) {
			if (isFault(error)) this.#fault(error);
			throw error;
		}
	}

	watch(changed: Parameters<ProverSlot['watch']>[0]): void {
		this.#changed = changed;
		this.#slot.watch((inService, why) => {
			this.#workerInService = inService;
			if (!this.#demoted) changed(inService, why);
		});
	}

	async close(): Promise<void> {
		this.#stopTimer();
		await this.#slot.close();
	}

	#fault(error: unknown): void {
		this.#faults++;
		if (this.#demoted || this.#faults < limits.gpuFaults) return;
		this.#demoted = true;
		this.#log.error(
			{ slot: this.name, faults: this.#faults, error },
			'the GPU fails again and again: out of service for a while; look at nvidia-smi and at the kernel log',
		);
		if (this.#workerInService) this.#changed(false, error);
		this.#stopTimer = this.#clock.after(limits.gpuDemotedMs, () => {
			this.#demoted = false;
			// One more fault is enough to send it back.
			this.#faults = limits.gpuFaults - 1;
			if (this.#workerInService) this.#changed(true);
		});
	}
}

function isFault(error: unknown): boolean {
	if (isPosterError(error, 'prover-crashed')) return true;
	return isPosterError(error, 'prover-failed') && DEVICE_CODES.has(error.meta['code']);
}
