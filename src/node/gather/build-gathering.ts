/** What a node needs to take sectors from others, by its roles: gathers of a prover, questions of a submitter. */
import { join } from 'node:path';
import type { Event } from '../../core/api.ts';
import type { Outside } from '../outside.ts';
import type { StartOptions } from '../start-options.ts';
import type { StepTimes } from '../step-times.ts';
import { Gatherer } from './gatherer.ts';
import { HolderQuestions } from './holder-questions.ts';
import { SpoolFolder } from './spool-folder.ts';
import type { LocalSectors } from './work-gather.ts';

export interface GatheringOptions {
	readonly local: LocalSectors | undefined;
	readonly times: StepTimes;
	readonly enqueue: (event: Event) => void;
}

export interface Gathering {
	/** Undefined without the prover role. */
	readonly gatherer: Gatherer | undefined;
	/** Undefined without the submitter role. */
	readonly questions: HolderQuestions | undefined;
}

/** Rejects `spool-io`. */
export async function buildGathering(
	{ home, config }: StartOptions,
	{ workers, net, book, clock, log, metrics }: Outside,
	{ local, times, enqueue }: GatheringOptions,
): Promise<Gathering> {
	const { checker } = workers;
	if (checker === undefined) return { gatherer: undefined, questions: undefined };
	const self = home.identity.id;
	const folder = config.spool.path ?? home.paths.spool;
	const components = { checker, streams: net.streams, book, clock, log, metrics };
	const gatherer =
		config.prover &&
		new Gatherer(
			{ ...components, local, spools: await SpoolFolder.open(folder, config.spool.maxBytes), times },
			{ self, enqueue },
		);
	const questions =
		config.submitter &&
		(await HolderQuestions.create(components, { self, folder: join(folder, 'questions'), enqueue }));
	return { gatherer, questions };
}
