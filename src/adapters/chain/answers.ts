/**
 * Reading of JSON-RPC answers: bytes to domain objects, or the error they carry. Pure, because answers that may be large
 * are read in a worker thread (`answer-reader.ts`): those readers are named here so that a name can be sent to it.
 */
import { readList, readObject } from '../../codec/json-read.ts';
import { pooledMessageFromJson } from '../../codec/lotus-json.ts';
import { sectorsFromJson } from '../../codec/lotus-json-state.ts';
import type { SectorOnChain } from '../../domain/chain.ts';
import { isPosterError } from '../../domain/errors.ts';
import type { SignedMessage } from '../../domain/message.ts';
import { badAnswer, rpcError } from './errors.ts';

/** Results whose size the state of the chain decides. They hold plain data only, which a thread can post. */
export const bulkReaders = {
	sectors: (result: unknown): readonly SectorOnChain[] => sectorsFromJson(result),
	/** Messages of the given senders only; a pool holds the messages of the whole network. */
	pool: (result: unknown, senders: readonly string[]): readonly SignedMessage[] => {
		const wanted = new Set(senders);
		return readList(result, 'pool').flatMap((entry, i) => {
			const { From } = readObject(readObject(entry, `pool[${i}]`)['Message'], `pool[${i}].Message`);
			if (!wanted.has(String(From).replace(/^t/, 'f'))) return [];
			return pooledMessageFromJson(entry, `pool[${i}]`) ?? [];
		});
	},
} as const;

/** One answer to be read: to which request, and by which reader. */
export interface AnswerOf<T> {
	readonly id: number;
	readonly method: string;
	readonly read: (result: unknown) => T;
}

/** Throws the error in the answer (`chain-rpc`, `chain-permission`) or `chain-bad-answer`. */
export function readAnswer<T>(body: Uint8Array, { id, method, read }: AnswerOf<T>): T {
	const answer = parse(body, method);
	if (typeof answer !== 'object' || answer === null) throw badAnswer(method, 'it is no JSON-RPC answer');
	const { id: answered, error, result } = answer as Record<string, unknown>;
	if (error !== undefined && error !== null) throw readError(error, method);
	if (answered !== id) throw badAnswer(method, `it has the id ${JSON.stringify(answered)}, not ${id}`);
	if (!('result' in answer)) throw badAnswer(method, 'it has neither a result nor an error');
	try {
		return read(result);
	} catch (cause) {
		if (!isPosterError(cause)) throw cause;
		throw badAnswer(method, cause.message, cause);
	}
}

/** The error in an answer that came with a bad status: go-jsonrpc sends some with 400 and 500. Undefined if there is none. */
export function errorAnswer(body: Uint8Array, method: string): Error | undefined {
	let answer: unknown;
	try {
		answer = parse(body, method);
	} catch (error) {
		if (isPosterError(error, 'chain-bad-answer')) return undefined;
		throw error;
	}
	if (typeof answer !== 'object' || answer === null || !('error' in answer)) return undefined;
	return readError(answer.error, method);
}

function parse(body: Uint8Array, method: string): unknown {
	try {
		return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
	} catch (cause) {
		throw badAnswer(method, body.length === 0 ? 'it is empty' : 'it is no JSON', cause);
	}
}

/** The `error` member of an answer as an error of the chain port. */
export function readError(error: unknown, method: string): Error {
	const { code, message } = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {};
	if (typeof code !== 'number' || typeof message !== 'string')
		return badAnswer(method, 'its error has no code and message');
	return rpcError(method, { code, message });
}
