/** Tries several ways to the same end, some at a time, until one succeeds: the others are given up then. */
import { PosterError } from '../../domain/errors.ts';

/**
 * Begins the ways in their order, `width` of them at a time, the next one when one fails. Rejects with the last failure
 * when all have failed, or with the signal's reason.
 */
export async function firstGood<T>(
	ways: readonly ((signal: AbortSignal) => Promise<T>)[],
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
		const good = (value: T): void => {
			result.resolve(value);
			// At once: a way that fails in the same moment makes room for nobody.
			done.abort(new PosterError('winning-given-up', 'another one was first', { advice: 'Nothing is to be done.' }));
		};
		way(until).then(good, (error: unknown) => {
			running--;
			next();
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
