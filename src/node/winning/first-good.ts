/** Tries several ways to the same end, some at a time, until one succeeds: the others are given up then. */
import { PosterError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';

export interface Way<T> {
	readonly go: (signal: AbortSignal) => Promise<T>;
	/** After so long without an answer the next way begins beside it. */
	readonly patienceMs: number;
}

/**
 * Begins the ways in their order, `width` of them at first, the next one when one fails or is silent for too long. Rejects
 * with the last failure when all have failed, or with the signal's reason.
 */
export async function firstGood<T>(
	clock: Clock,
	ways: readonly Way<T>[],
	width: number,
	signal: AbortSignal,
): Promise<T> {
	signal.throwIfAborted();
	const done = new AbortController();
	const until = AbortSignal.any([signal, done.signal]);
	const result = Promise.withResolvers<T>();
	const abort = (): void => result.reject(signal.reason);
	signal.addEventListener('abort', abort, { once: true });
	const left = [...ways];
	let running = 0;
	const next = (): void => {
		const way = left.shift();
		if (way === undefined || until.aborted) return;
		running++;
		let replaced = false;
		const replace = (): void => {
			if (!replaced) next();
			replaced = true;
		};
		const cancelPatience = clock.after(way.patienceMs, replace);
		until.addEventListener('abort', cancelPatience, { once: true });
		const good = (value: T): void => {
			result.resolve(value);
			// At once: a way that fails in the same moment makes room for nobody.
			done.abort(new PosterError('winning-given-up', 'another one was first', { advice: 'Nothing is to be done.' }));
		};
		way.go(until).then(good, (error: unknown) => {
			cancelPatience();
			running--;
			replace();
			if (running === 0) result.reject(error);
		});
	};
	for (let i = 0; i < width; i++) next();
	if (running === 0) result.reject(new PosterError('winning-nobody', 'there is nobody to ask', { advice: NOBODY }));
	try {
		return await result.promise;
	} finally {
		signal.removeEventListener('abort', abort);
	}
}

const NOBODY = 'See `poster-node status`: are the others connected, and do they have a [winning] section?';
