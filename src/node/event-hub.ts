/** What the core decided and the node saw, for `/events`, the demo and tests: told to whoever listens, kept by nobody. */
import type { Alarm, AlarmCode, Decision } from '../core/api.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { ControlEvent } from './control-api.ts';

export class EventHub {
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #metrics: Metrics;
	readonly #listeners = new Set<(event: ControlEvent) => void>();

	constructor(clock: Clock, log: Log, metrics: Metrics) {
		this.#clock = clock;
		this.#log = log;
		this.#metrics = metrics;
	}

	subscribe(listener: (event: ControlEvent) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	emit(type: string, facts: ControlEvent['facts']): void {
		if (this.#listeners.size === 0) return;
		const event: ControlEvent = { wallMs: this.#clock.wallMs(), type, facts };
		for (const listener of this.#listeners) listener(event);
	}

	decision({ name, reason, work, peer, facts }: Decision): void {
		this.#metrics.count('poster_decisions_total', { decision: name });
		const all = { reason, work: work ?? null, peer: peer ?? null, ...facts };
		this.#log.debug({ decision: name, ...all }, 'decided');
		this.emit(name, all);
	}

	alarm({ code, subject, facts }: Alarm): void {
		this.#metrics.count('poster_alarms_total', { code });
		this.#log.error({ alarm: code, subject, ...facts }, 'alarm');
		this.emit('alarm', { code, subject, ...facts });
	}

	alarmCleared(code: AlarmCode, subject: string): void {
		this.#log.info({ alarm: code, subject }, 'alarm cleared');
		this.emit('alarm-cleared', { code, subject });
	}
}
