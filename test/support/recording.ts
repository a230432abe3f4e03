/** A core that is stepped under the flight recorder, in virtual time, and what is left of it afterwards. */
import { stat } from 'node:fs/promises';
import type { Event, Step } from '../../src/core/api.ts';
import { createState, type State, step } from '../../src/core/poster.ts';
import type { MonoMs } from '../../src/domain/ids.ts';
import { coreVersion } from '../../src/node/recorder/core-version.ts';
import { Recorder, type RecorderSubject } from '../../src/node/recorder/recorder.ts';
import { findRecordings, openReplay, type ReplayedStep } from '../../src/node/recorder/replay.ts';
import { SegmentFiles, type SegmentFolder } from '../../src/node/recorder/segment-files.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { BusyMesh, type TimedEvent } from './busy-mesh.ts';
import { memoryLog } from './memory-log.ts';
import { memoryMetrics } from './memory-metrics.ts';
import { hurriedClock } from './system-clock.ts';

export const subject: RecorderSubject = {
	core: coreVersion(),
	program: '0.0.0',
	node: 'node',
	name: 'recorded',
	network: 'busynet',
};

export interface RecordedOptions {
	readonly who?: RecorderSubject;
	readonly mesh?: BusyMesh;
}

export class RecordedCore {
	readonly mesh: BusyMesh;
	readonly log = memoryLog();
	readonly metrics = memoryMetrics();
	readonly state: State;
	readonly recorder: Recorder;
	now = 0;
	steps = 0;

	constructor(
		folder: string | SegmentFolder,
		{ who = subject, mesh = new BusyMesh({ partitions: 12, members: 15 }) }: RecordedOptions = {},
	) {
		this.mesh = mesh;
		this.state = createState(mesh.config, []);
		const clock: Clock = { ...hurriedClock, now: () => this.now as MonoMs };
		const { log, metrics, state } = this;
		const files = typeof folder === 'string' ? new SegmentFiles(folder) : folder;
		this.recorder = new Recorder({ folder: files, clock, log, metrics }, state, who);
	}

	/** As the loop does it: a rest between runs of events. */
	async live(events: Iterable<TimedEvent>, decide: (event: Event, now: number) => Step = this.decide): Promise<void> {
		for (const { event, now } of events) {
			this.now = now;
			await this.recorder.rest();
			this.recorder.watch(event, now, () => decide(event, now));
			this.steps++;
		}
	}

	readonly decide = (event: Event, now: number): Step => step(this.state, event, now);
}

/** Every step of every recording of a path. */
export async function replayed(path: string, compare = false): Promise<readonly ReplayedStep[]> {
	const steps: ReplayedStep[] = [];
	const files = await findRecordings(path);
	for (const file of files) {
		if (files.length > 1 && (await stat(file)).size === 0) continue;
		const replay = await openReplay(file, { compare });
		try {
			for await (const made of replay.steps()) steps.push(made);
		} finally {
			await replay.close();
		}
	}
	return steps;
}
