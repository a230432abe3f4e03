/**
 * What can go wrong with a full node, as the errors of the chain port. go-jsonrpc answers method errors with HTTP 200,
 * protocol errors with 400 or 500 and a JSON body, a bad token with a bare 401.
 */
import { isPosterError, PosterError } from '../../domain/errors.ts';

/** Statuses of a proxy whose full node is away, and of one that asks for patience: another endpoint may answer. */
const AWAY_STATUSES: readonly number[] = [429, 502, 503, 504];
const ERROR_TEXT_MAX = 2000;
/** Of a socket that the other side reset or closed; the last one is fetch's own. */
const LOST_CODES: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'];

/** True when the full node gave no answer. */
export function isAway(error: unknown): boolean {
	return isPosterError(error, 'chain-unreachable', 'chain-timeout');
}

/** True when another full node may answer where this one did not, or may not. */
export function mayFailOver(error: unknown): boolean {
	return isAway(error) || isPosterError(error, 'chain-network');
}

/** True for the error of a fetch whose connection was there and ended. */
export function isConnectionLost(error: unknown): boolean {
	const cause = error instanceof Error ? error.cause : undefined;
	return cause instanceof Error && 'code' in cause && LOST_CODES.includes(cause.code);
}

export function otherNetwork(url: string, found: string, network: string): PosterError {
	return new PosterError('chain-network', `the full node at ${url} follows ${found}, the roster is of ${network}`, {
		advice: 'Give the URL of a full node of the right network, or the home of the right mesh.',
		meta: { url, found, network },
	});
}

export function unreachable(url: string, cause: unknown): PosterError {
	return new PosterError('chain-unreachable', `the full node at ${url} cannot be reached: ${reasonOf(cause)}`, {
		cause,
		advice: 'See that the full node runs, listens on this address, and that the URL is right.',
		meta: { url },
	});
}

export function timedOut(url: string, method: string, timeoutMs: number): PosterError {
	return new PosterError('chain-timeout', `the full node at ${url} did not answer ${method} in ${timeoutMs} ms`, {
		advice:
			'It is overloaded, syncing, or the way to it is broken: look at its log, or give another one as [chain] fallback.',
		meta: { url, method, timeoutMs },
	});
}

export function badAnswer(method: string, why: string, cause?: unknown): PosterError {
	return new PosterError('chain-bad-answer', `the full node's answer to ${method} is not usable: ${why}`, {
		cause,
		advice: 'See that the URL is that of a full node (Lotus, Forest or Venus) and that its version is one of today.',
		meta: { method },
	});
}

export function unauthorized(url: string): PosterError {
	return new PosterError('chain-permission', `the full node at ${url} refused the token`, {
		advice: 'Make a token with `lotus auth create-token --perm sign` and put it into the config.',
		meta: { url },
	});
}

/** A status whose body is no JSON-RPC answer. */
export function badStatus(url: string, method: string, status: number): PosterError {
	if (status === 401 || status === 403) return unauthorized(url);
	if (AWAY_STATUSES.includes(status)) return unreachable(url, new Error(`HTTP ${status}`));
	return new PosterError('chain-bad-answer', `${url} answered HTTP ${status} to ${method}`, {
		advice: 'The URL of a full node ends in /rpc/v1.',
		meta: { url, method, status },
	});
}

/** The `error` member of an answer, code and text kept. */
export function rpcError(method: string, error: { readonly code: number; readonly message: string }): PosterError {
	const text = error.message.slice(0, ERROR_TEXT_MAX);
	const meta = { method, rpcCode: error.code };
	if (/^missing permission to invoke '/.test(text)) {
		const advice = 'The token in the config lacks a permission: use one made with --perm sign.';
		return new PosterError('chain-permission', text, { advice, meta });
	}
	return new PosterError('chain-rpc', text, { meta });
}

/** fetch and ws hide the reason one or two causes deep (ECONNREFUSED, ENOTFOUND, certificate texts). */
function reasonOf(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	if (error.cause !== undefined) return reasonOf(error.cause);
	if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
	return error.message === '' ? error.name : error.message;
}
