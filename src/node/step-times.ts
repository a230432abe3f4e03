/**
 * How long each step of a work item took on this node, for `compute` and the demo. Told to whoever asks for it; nothing
 * is decided by it.
 */
import { cborInteger, cborTuple, decodeCbor, encodeCbor } from '../codec/cbor.ts';
import { cborWorkId, hexBytes } from '../codec/mesh-cbor.ts';
import { isPosterError } from '../domain/errors.ts';
import type { NodeId, WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Streams } from '../ports/streams.ts';
import { asRequest } from './as-request.ts';
import { COMPUTE_STEPS, type ComputeStep, type StepMs } from './control-api.ts';

export const TIMES_PROTOCOL = '/poster/times/1';
const ANSWER_BYTES = 256;

export class StepTimes {
	readonly #times = new Map<WorkId, Partial<Record<ComputeStep, number>>>();
	readonly #noted: (step: ComputeStep, ms: number) => void;

	/** `noted` is called for each step that has ended. */
	constructor(noted: (step: ComputeStep, ms: number) => void = () => undefined) {
		this.#noted = noted;
	}

	set(work: WorkId, step: ComputeStep, ms: number): void {
		const times = this.#times.get(work) ?? {};
		times[step] = Math.round(ms);
		this.#noted(step, ms);
		this.#times.set(work, times);
		const oldest = this.#times.keys().next();
		if (this.#times.size > limits.stepTimes && oldest.done !== true) this.#times.delete(oldest.value);
	}

	get(work: WorkId): StepMs {
		return this.#times.get(work) ?? {};
	}

	/** Of every work item that this node remembers. */
	all(): Readonly<Record<WorkId, StepMs>> {
		return Object.fromEntries(this.#times);
	}

	serve(streams: Streams): void {
		streams.onCall(TIMES_PROTOCOL, ANSWER_BYTES, async (_peer, request) => {
			const work = asRequest(() => cborWorkId(decodeCbor(request, ANSWER_BYTES, 'work id'), 'work id'));
			const times = this.get(work);
			return encodeCbor(COMPUTE_STEPS.map((step) => times[step] ?? null));
		});
	}
}

/** What another node measured; empty when it does not answer. */
export async function askStepTimes(streams: Streams, peer: NodeId, work: WorkId): Promise<StepMs> {
	try {
		const options = { timeoutMs: limits.timesAnswerMs, maxResponseBytes: ANSWER_BYTES };
		const answer = await streams.call(peer, TIMES_PROTOCOL, encodeCbor(hexBytes(work)), options);
		const values = cborTuple(decodeCbor(answer, ANSWER_BYTES, 'times'), COMPUTE_STEPS.length, 'times');
		const times: Partial<Record<ComputeStep, number>> = {};
		for (const [index, step] of COMPUTE_STEPS.entries()) {
			const value = values[index];
			if (value !== null) times[step] = cborInteger(value, 0, Number.MAX_SAFE_INTEGER, step);
		}
		return times;
	} catch (error) {
		if (isPosterError(error)) return {};
		throw error;
	}
}
