/**
 * Makes the steps of a recording again, by the core that this program runs with, and compares what is decided with what
 * was decided then.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Event } from '../../core/api.ts';
import { step } from '../../core/poster.ts';
import { type RecordedStep, saidBy } from '../../core/recording.ts';
import type { State } from '../../core/state.ts';
import { PosterError } from '../../domain/errors.ts';
import { fileError } from '../files.ts';
import { coreVersion } from './core-version.ts';
import { RunningDigest } from './digest.ts';
import { SEGMENT_SUFFIX, type SegmentHeader } from './format.ts';
import { SegmentReader } from './segment-reader.ts';
import { type Told, told } from './told.ts';

/** One step, made again. */
export interface ReplayedStep {
	/** Counted from the start of the recorded process. */
	readonly step: number;
	readonly wallMs: number;
	readonly event: Event['type'];
	readonly told: readonly Told[];
	/** Why the core fails on this event; null when it does not. */
	readonly failure: string | null;
	/** How it differs from the recording; null while every effect so far is the same. */
	readonly difference: Difference | null;
}

export interface Difference {
	/** First step whose effects were others, and its event. */
	readonly since: number;
	readonly sinceEvent: Event['type'];
	/** What was decided then, as soon as that is another thing in words; null while it is not. */
	readonly recorded: readonly Told[] | null;
	/** The core failed on this event then. */
	readonly failedThen: boolean;
}

export interface SegmentReplay {
	readonly header: SegmentHeader;
	/**
	 * Ends after the last step, or after the first one whose decisions differ. Rejects `recording-torn`, `recording-bad`.
	 */
	steps(): AsyncGenerator<ReplayedStep>;
	/** Bytes at the end of the file that were not read; known at the end. */
	readonly tornBytes: () => number;
	close(): Promise<void>;
}

/** The recordings of a path, a file or a folder of them, in order of time. Rejects `recording-missing`, `file-io`. */
export async function findRecordings(path: string): Promise<readonly string[]> {
	try {
		if (!(await stat(path)).isDirectory()) return [path];
		const names = (await readdir(path)).filter((name) => name.endsWith(SEGMENT_SUFFIX)).sort();
		if (names.length > 0) return names.map((name) => join(path, name));
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw fileError(path, error);
	}
	throw new PosterError('recording-missing', `${path} holds no recording`, {
		advice: 'A node keeps its last hour in the folder `recorder` of its home.',
		meta: { path },
	});
}

/** Rejects `recording-bad`, and `recording-core` when another core recorded it, unless that is what is asked for. */
export async function openReplay(path: string, { compare }: { readonly compare: boolean }): Promise<SegmentReplay> {
	const reader = await SegmentReader.open(path);
	const { header } = reader;
	const current = coreVersion();
	if (header.core !== current && !compare) {
		await reader.close();
		throw new PosterError('recording-core', `core ${header.core} recorded ${path}, this program runs core ${current}`, {
			advice: `Run poster-node ${header.program} of that core, or add --compare to see where this one decides otherwise.`,
			meta: { path, recorded: header.core, current },
		});
	}
	return {
		header,
		steps: () => replaySteps(reader),
		tornBytes: () => reader.tornBytes,
		close: () => reader.close(),
	};
}

async function* replaySteps(reader: SegmentReader): AsyncGenerator<ReplayedStep> {
	const { header } = reader;
	const state = await reader.state();
	const digest = new RunningDigest();
	let number = header.step;
	let since: Pick<Difference, 'since' | 'sinceEvent'> | null = null;
	for await (const recorded of reader.steps()) {
		const { event, now, outcome } = recorded;
		const made = makeStep(state, recorded, digest);
		if (!isDeepStrictEqual(made.outcome?.mark, outcome?.mark)) since ??= { since: number, sinceEvent: event.type };
		const differs = since !== null && !isDeepStrictEqual(made.outcome?.said, outcome?.said);
		yield {
			step: number,
			wallMs: header.wallMs + now - header.now,
			event: event.type,
			told: made.told,
			failure: made.failure,
			difference: since && {
				...since,
				recorded: differs ? (outcome?.said ?? []).map((said) => told(state, said)) : null,
				failedThen: outcome === null,
			},
		};
		if (differs || made.failure !== null) return;
		number++;
	}
}

interface MadeStep {
	readonly outcome: RecordedStep['outcome'];
	readonly told: readonly Told[];
	readonly failure: string | null;
}

/** A failure of the core is an outcome, too: of a recorded crash, or of a state that this core does not know. */
function makeStep(state: State, { event, now }: RecordedStep, digest: RunningDigest): MadeStep {
	try {
		const made = step(state, event, now);
		const said = saidBy(made);
		return { outcome: { mark: digest.add(made), said }, told: said.map((one) => told(state, one)), failure: null };
	} catch (error) {
		return { outcome: null, told: [], failure: error instanceof Error ? error.message : String(error) };
	}
}
