/** Times the step between a claim and the first request to a holder: manifest, holders, directory. For people only. */
import type { Decision } from '../core/api.ts';
import type { MonoMs, WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { StepTimes } from './step-times.ts';

export class Finding {
	readonly #clock: Clock;
	readonly #times: StepTimes;
	readonly #claimed = new Map<WorkId, MonoMs>();

	constructor(clock: Clock, times: StepTimes) {
		this.#clock = clock;
		this.#times = times;
	}

	decided({ name, work }: Decision): void {
		if (work === undefined || (name !== 'claim' && name !== 'takeover' && name !== 'hedge')) return;
		this.#claimed.set(work, this.#clock.now());
		const oldest = this.#claimed.keys().next();
		if (this.#claimed.size > limits.slots && oldest.done !== true) this.#claimed.delete(oldest.value);
	}

	found(work: WorkId): void {
		const claimedMs = this.#claimed.get(work);
		if (claimedMs === undefined) return;
		this.#claimed.delete(work);
		this.#times.set(work, 'find', this.#clock.now() - claimedMs);
	}
}
