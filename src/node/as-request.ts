/** A peer's request that does not parse is the peer's garbage; everything else that fails in a handler is not. */
import { isPosterError, PosterError } from '../domain/errors.ts';

/** What `decode` makes of the request. Throws `stream-bad-request` where it throws `bad-…`. */
export function asRequest<T>(decode: () => T): T {
	try {
		return decode();
	} catch (error) {
		if (!isPosterError(error) || !error.code.startsWith('bad-')) throw error;
		throw new PosterError('stream-bad-request', error.message, { cause: error });
	}
}
