/**
 * Brings the manifests of the items to open ahead into memory: only of those that the plan takes, one after another, and
 * each once while its item stays. The list comes anew with each result and can have thousands of items: to decode all
 * of them in one go held the event loop for seconds.
 */
import type { EffectOf } from '../../core/api.ts';
import { isPosterError } from '../../domain/errors.ts';
import type { Hex32 } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Manifest } from '../../domain/manifest.ts';
import type { Log } from '../../ports/log.ts';
import type { ManifestBook } from '../manifest-book.ts';
import type { AheadWork } from './ahead-plan.ts';

type Wanted = EffectOf<'open-ahead'>['works'];

export interface AheadLoaderPorts {
	readonly book: Pick<ManifestBook, 'get'>;
	readonly log: Log;
}

export class AheadLoader {
	readonly #ports: AheadLoaderPorts;
	readonly #openAhead: (works: readonly AheadWork[]) => void;
	/** The newest list. */
	#wanted: Wanted = [];
	/** Of the list's items, as the plan holds them. */
	readonly #manifests = new Map<Hex32, Manifest>();
	#loading = false;
	/** A manifest came since the plan heard of the list. */
	#untold = false;

	/** `openAhead` replaces the list of what is opened. */
	constructor(ports: AheadLoaderPorts, openAhead: (works: readonly AheadWork[]) => void) {
		this.#ports = ports;
		this.#openAhead = openAhead;
	}

	/** Effect `open-ahead`. Items whose manifest is in memory count at once, the others when all of theirs are. */
	async open({ works }: Pick<EffectOf<'open-ahead'>, 'works'>): Promise<void> {
		this.#wanted = works.slice(0, limits.vanillaWorks);
		this.#tell();
		if (this.#loading) return;
		this.#loading = true;
		try {
			await this.#load();
		} catch (error) {
			// What is not opened ahead is opened on request.
			if (!isPosterError(error)) throw error;
			this.#ports.log.warn({ error, code: error.code }, 'less is opened ahead: a manifest could not be read');
		} finally {
			this.#loading = false;
		}
		if (this.#untold) this.#tell();
	}

	/** Nothing more is opened ahead. */
	stop(): void {
		this.#wanted = [];
	}

	/** Starts over with each newer list. Every read gives the event loop a turn. */
	async #load(): Promise<void> {
		let list: Wanted;
		do {
			list = this.#wanted;
			for (const { work } of list) {
				if (this.#manifests.has(work.sectorRoot)) continue;
				const manifest = await this.#ports.book.get(work.sectorRoot);
				if (manifest !== undefined) {
					this.#manifests.set(work.sectorRoot, manifest);
					this.#untold = true;
				}
				if (list !== this.#wanted) break;
			}
		} while (list !== this.#wanted);
	}

	#tell(): void {
		this.#untold = false;
		const roots = new Set(this.#wanted.map(({ work }) => work.sectorRoot));
		for (const root of this.#manifests.keys()) if (!roots.has(root)) this.#manifests.delete(root);
		this.#openAhead(
			this.#wanted.flatMap(({ work, sectors }) => {
				const manifest = this.#manifests.get(work.sectorRoot);
				return manifest === undefined ? [] : [{ work, manifest, sectors }];
			}),
		);
	}
}
