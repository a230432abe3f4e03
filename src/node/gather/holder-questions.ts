/**
 * A submitter's questions: can this holder open sectors that a result leaves out? They come over the same stream and
 * through the same check as for a proof, each question into a file of its own that nobody proves from.
 */
import type { EffectOf, EventOf } from '../../core/api.ts';
import { Bitfield } from '../../domain/bitfield.ts';
import type { NodeId, WorkId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { ManifestBook } from '../manifest-book.ts';
import { Slots } from './slots.ts';
import { SpoolFolder } from './spool-folder.ts';
import { type GatherComponents, WorkGather } from './work-gather.ts';

export interface HolderQuestionsComponents extends Omit<GatherComponents, 'local' | 'spools'> {
	readonly book: ManifestBook;
}

export interface HolderQuestionsOptions {
	readonly self: NodeId;
	/** Folder of their files, theirs alone: emptied at the start. */
	readonly folder: string;
	readonly enqueue: (event: EventOf<'holder-answered'>) => void;
}

export class HolderQuestions {
	readonly #components: HolderQuestionsComponents;
	readonly #options: HolderQuestionsOptions;
	readonly #spools: SpoolFolder;
	readonly #streams = new Slots(limits.questions);
	/** Questions under way. */
	readonly #open = new Map<WorkId, { readonly cancel: () => void; readonly ended: Promise<void> }>();

	private constructor(components: HolderQuestionsComponents, options: HolderQuestionsOptions, spools: SpoolFolder) {
		this.#components = components;
		this.#options = options;
		this.#spools = spools;
	}

	/** Rejects `spool-io`. */
	static async create(
		components: HolderQuestionsComponents,
		options: HolderQuestionsOptions,
	): Promise<HolderQuestions> {
		// What an earlier run left there came from holders that nobody remembers.
		const spools = await SpoolFolder.open(options.folder, limits.questionSpoolBytes, { empty: true });
		return new HolderQuestions(components, options, spools);
	}

	/** Effect `ask-holder`. Answer: `holder-answered`, after `limits.questionMs` with what came until then. */
	async ask({ work, peer, sectors }: EffectOf<'ask-holder'>): Promise<void> {
		const { book, clock } = this.#components;
		const over = Promise.withResolvers<boolean>();
		let ok = Bitfield.empty;
		const gather = new WorkGather(
			{ ...this.#components, spools: this.#spools, local: undefined },
			{
				work,
				manifest: book.require(work.sectorRoot).then((all) => all.filter(({ number }) => sectors.has(number))),
				before: this.#open.get(work.id)?.ended,
				self: this.#options.self,
				streams: this.#streams,
				emit: (event) => {
					// Only what this holder sent is its answer.
					if (event.type !== 'gathered') over.resolve(event.type === 'gather-ended');
					else if (event.peer === peer) ok = ok.union(event.ok);
				},
			},
		);
		const cancelTimeout = clock.after(limits.questionMs, () => over.resolve(true));
		const question = { cancel: () => over.resolve(false), ended: over.promise.then(() => gather.stop(false)) };
		this.#open.set(work.id, question);
		gather.add([{ peer, sectors }]);
		const asked = await over.promise;
		cancelTimeout();
		await question.ended;
		if (this.#open.get(work.id) === question) this.#open.delete(work.id);
		this.#options.enqueue({ type: 'holder-answered', work: work.id, peer, ok, asked });
	}

	/** Ends all of them and removes their files. */
	async close(): Promise<void> {
		const open = [...this.#open.values()];
		for (const { cancel } of open) cancel();
		await Promise.all(open.map(({ ended }) => ended));
	}
}
