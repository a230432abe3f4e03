/**
 * Brings one parameter file from the first source that has it. A source is believed nothing: what it sends counts when
 * the digest of the whole is the published one, and what came from another source before is not held against it.
 */
import { isPosterError, PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { ParameterFile } from '../../domain/parameters.ts';
import type { Clock } from '../../ports/clock.ts';
import { PartFile } from './part-file.ts';
import type { ParameterSource } from './source.ts';

export interface FetchStep {
	readonly what: 'resuming' | 'fetching' | 'next-source';
	/** Empty while resuming. */
	readonly source: string;
	/** Why the source before is left; empty otherwise. */
	readonly reason: string;
	readonly done: number;
	/** Bytes of the whole file; about, before a source has told. */
	readonly total: number;
}

export interface FetchOptions {
	/** Where the file goes; it grows as `PATH.part`. */
	readonly path: string;
	readonly sources: readonly ParameterSource[];
	readonly tell: (step: FetchStep) => void;
	readonly signal: AbortSignal;
}

/** Name of the source that completed it. Rejects `params-unavailable`, `params-io`, or the signal's reason. */
export async function fetchParameterFile(clock: Clock, file: ParameterFile, options: FetchOptions): Promise<string> {
	const { path, sources, tell, signal } = options;
	const resuming = (done: number): void => tell({ what: 'resuming', source: '', reason: '', done, total: file.bytes });
	const part = await PartFile.open(path, file, resuming, signal);
	const complaints: string[] = [];
	try {
		for (const source of sources) {
			try {
				await new Transfer(clock, file, part, source, options).complete();
				await part.finish();
				return source.name;
			} catch (error) {
				signal.throwIfAborted();
				const left = isPosterError(error) && SOURCE_FAILED.has(error.code) ? error.message : undefined;
				if (left === undefined) throw error;
				complaints.push(`${source.name}: ${left}`);
				tell({ what: 'next-source', source: source.name, reason: left, done: part.bytes, total: file.bytes });
			}
		}
	} finally {
		await part.close();
	}
	throw new PosterError('params-unavailable', `no source gave ${file.name}\n  ${complaints.join('\n  ')}`, {
		advice: 'Name other sources with --source (a gateway URL or a folder); what came so far is kept and completed.',
		meta: { file: file.name },
	});
}

const SOURCE_FAILED: ReadonlySet<string> = new Set([
	'params-source-lacks',
	'params-source-failed',
	'params-circuit',
	'params-digest',
]);

/** One file from one source. */
class Transfer {
	readonly #clock: Clock;
	readonly #file: ParameterFile;
	readonly #part: PartFile;
	readonly #source: ParameterSource;
	readonly #options: FetchOptions;

	constructor(clock: Clock, file: ParameterFile, part: PartFile, source: ParameterSource, options: FetchOptions) {
		this.#clock = clock;
		this.#file = file;
		this.#part = part;
		this.#source = source;
		this.#options = options;
	}

	/** The part is the file when this resolves. */
	async complete(): Promise<void> {
		let isMixed = this.#part.bytes > 0;
		for (;;) {
			try {
				await this.#patiently();
				this.#part.check();
				return;
			} catch (error) {
				if (!isPosterError(error, 'params-digest', 'params-circuit')) throw error;
				await this.#part.clear();
				// What an earlier run or another source left may have been the wrong half: once more, from this one alone.
				if (!isMixed) throw error;
				isMixed = false;
			}
		}
	}

	async #patiently(): Promise<void> {
		const { signal } = this.#options;
		let failures = 0;
		for (;;) {
			const before = this.#part.bytes;
			try {
				return await this.#once();
			} catch (error) {
				if (!isPosterError(error, 'params-source-failed')) throw error;
				failures = this.#part.bytes - before >= limits.paramsProgressBytes ? 0 : failures + 1;
				if (failures >= limits.paramsTries) throw error;
				await this.#clock.sleep(Math.min(limits.paramsRetryMs * 2 ** failures, limits.paramsRetryMaxMs), signal);
			}
		}
	}

	async #once(): Promise<void> {
		const transfer = new AbortController();
		try {
			await this.#take(AbortSignal.any([this.#options.signal, transfer.signal]));
		} finally {
			// What is left in the middle, or not even begun, must not keep its connection.
			transfer.abort();
		}
	}

	async #take(signal: AbortSignal): Promise<void> {
		const { tell } = this.#options;
		const { total, offset, chunks } = await this.#source.open(this.#file, this.#part.bytes, signal);
		if (this.#part.bytes > total) this.#part.check();
		/** A source that begins at 0 whatever it is asked sends again what is here. */
		let skip = this.#part.bytes - offset;
		for await (const chunk of chunks) {
			signal.throwIfAborted();
			const fresh = chunk.subarray(Math.min(skip, chunk.length));
			skip -= chunk.length - fresh.length;
			if (this.#part.bytes + fresh.length > total) {
				throw new PosterError('params-source-lacks', `it sends more than the ${total} bytes that it told`);
			}
			await this.#part.append(fresh);
			tell({ what: 'fetching', source: this.#source.name, reason: '', done: this.#part.bytes, total });
		}
		if (this.#part.bytes < total) {
			throw new PosterError('params-source-failed', `it ended ${total - this.#part.bytes} bytes early`);
		}
	}
}
