/** Where parameter files come from: an HTTP server that names files by their content, or a folder of this machine. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { ParameterFile } from '../../domain/parameters.ts';
import type { Clock } from '../../ports/clock.ts';

export interface OpenedFile {
	/** Bytes of the whole file, as the source says. */
	readonly total: number;
	/** Where `chunks` begins: at the offset asked for, or at 0 where the source cannot do that. */
	readonly offset: number;
	readonly chunks: AsyncIterable<Uint8Array>;
}

export interface ParameterSource {
	/** For people. */
	readonly name: string;
	/**
	 * Bytes from `offset` on. Rejects, also while the chunks are read, `params-source-lacks` (this source will not give
	 * the file), `params-source-failed` (it may at another try), or the signal's reason.
	 */
	open(file: ParameterFile, offset: number, signal: AbortSignal): Promise<OpenedFile>;
}

const HTTP = { ok: 200, partial: 206, notSatisfiable: 416, tooManyRequests: 429, serverError: 500 } as const;

export interface HttpSourceOptions {
	readonly name: string;
	readonly urlOf: (file: ParameterFile) => string;
	readonly headers?: Readonly<Record<string, string>>;
}

/** An IPFS gateway, given by the URL that content ids follow: `https://proofs.filecoin.io/ipfs/`. */
export function gatewaySource(clock: Clock, base: string): ParameterSource {
	const root = base.endsWith('/') ? base : `${base}/`;
	return httpSource(clock, { name: base, urlOf: ({ cid }) => `${root}${cid}` });
}

export function httpSource(clock: Clock, { name, urlOf, headers = {} }: HttpSourceOptions): ParameterSource {
	const open = async (file: ParameterFile, offset: number, signal: AbortSignal): Promise<OpenedFile> => {
		const silence = new Silence(clock, signal);
		try {
			const response = await fetch(urlOf(file), {
				// Compressed, its lengths would not be those of the file.
				headers: { ...headers, 'accept-encoding': 'identity', ...(offset > 0 && { range: `bytes=${offset}-` }) },
				signal: silence.signal,
			});
			const place = await lengths(response, offset);
			// The body of a 416 is a text about it.
			return { ...place, chunks: silence.watch(response.status === HTTP.notSatisfiable ? [] : (response.body ?? [])) };
		} catch (error) {
			silence.end();
			throw silence.reasonOf(error);
		}
	};
	return { name, open };
}

export function folderSource(folder: string): ParameterSource {
	const open = async ({ name }: ParameterFile, offset: number): Promise<OpenedFile> => {
		const path = join(folder, name);
		const info = await stat(path).catch((cause: unknown) => {
			throw new PosterError('params-source-lacks', `${path} cannot be read`, { cause });
		});
		const start = Math.min(offset, info.size);
		return { total: info.size, offset: start, chunks: readAll(path, start) };
	};
	return { name: folder, open };
}

async function* readAll(path: string, start: number): AsyncGenerator<Uint8Array> {
	try {
		yield* createReadStream(path, { start, highWaterMark: limits.paramsChunkBytes }) as AsyncIterable<Buffer>;
	} catch (cause) {
		throw new PosterError('params-source-lacks', `${path} cannot be read`, { cause });
	}
}

/** Ends a request whose bytes stop coming: a connection alone may stay open for hours. */
class Silence {
	readonly signal: AbortSignal;
	readonly #clock: Clock;
	readonly #caller: AbortSignal;
	readonly #stalled = new AbortController();
	#cancel: () => void = () => undefined;

	constructor(clock: Clock, caller: AbortSignal) {
		this.#clock = clock;
		this.#caller = caller;
		this.signal = AbortSignal.any([caller, this.#stalled.signal]);
		caller.addEventListener('abort', () => this.end(), { once: true });
		this.#heard();
	}

	async *watch(body: AsyncIterable<Uint8Array> | readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
		try {
			for await (const chunk of body) {
				// While the disk is slow, the source is not to blame.
				this.end();
				yield chunk;
				this.#heard();
			}
		} catch (error) {
			throw this.reasonOf(error);
		} finally {
			this.end();
		}
	}

	end(): void {
		this.#cancel();
	}

	reasonOf(error: unknown): unknown {
		if (this.#caller.aborted) return this.#caller.reason;
		if (error instanceof PosterError) return error;
		const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
		return new PosterError('params-source-failed', cause instanceof Error ? cause.message : String(cause), { cause });
	}

	#heard(): void {
		this.#cancel();
		this.#cancel = this.#clock.after(limits.paramsSilenceMs, () =>
			this.#stalled.abort(
				new PosterError('params-source-failed', `nothing came for ${limits.paramsSilenceMs / 1000} s`),
			),
		);
	}
}

async function lengths(response: Response, asked: number): Promise<{ total: number; offset: number }> {
	try {
		return lengthsOf(response, asked);
	} catch (error) {
		await response.body?.cancel();
		throw error;
	}
}

function lengthsOf({ status, headers }: Response, asked: number): { total: number; offset: number } {
	if (status === HTTP.ok) {
		return { total: wholeNumber(headers.get('content-length') ?? ''), offset: 0 };
	}
	const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(headers.get('content-range') ?? '');
	if (status === HTTP.partial && range?.[1] !== undefined && Number(range[1]) === asked) {
		return { total: wholeNumber(range[2] ?? ''), offset: asked };
	}
	// Nothing is left to send: what is here is as long as the file there, or longer.
	if (status === HTTP.notSatisfiable && range?.[2] !== undefined) {
		return { total: wholeNumber(range[2]), offset: asked };
	}
	const passes = status === HTTP.tooManyRequests || status >= HTTP.serverError || status === HTTP.partial;
	throw new PosterError(passes ? 'params-source-failed' : 'params-source-lacks', `it answered with HTTP ${status}`, {
		meta: { status },
	});
}

function wholeNumber(text: string): number {
	const value = Number(text);
	if (/^\d+$/.test(text) && value > 0 && value <= limits.paramsFileBytes) return value;
	throw new PosterError('params-source-lacks', `it tells no sensible length ("${text.slice(0, 32)}")`);
}
