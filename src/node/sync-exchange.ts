/**
 * Anti-entropy over direct streams: digest for digest, then a pull of what was shown to be newer. The core decides what
 * to ask and what to answer; here are only the bytes and the waiting.
 */
import { setImmediate } from 'node:timers/promises';
import { sealEnvelope } from '../codec/envelope.ts';
import {
	decodeDigest,
	decodePull,
	decodePullAnswer,
	encodeDigest,
	encodePull,
	encodePullAnswer,
} from '../codec/sync.ts';
import type { EffectOf, Event } from '../core/api.ts';
import { isPosterError, PosterError } from '../domain/errors.ts';
import type { NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Identity } from '../ports/identity.ts';
import type { Log } from '../ports/log.ts';
import type { Streams } from '../ports/streams.ts';
import { asRequest } from './as-request.ts';

export const SYNC_PROTOCOL = '/poster/sync/1';
export const PULL_PROTOCOL = '/poster/pull/1';

/** Statements of an answer that are taken in one turn of the event loop. */
const TURN_STATEMENTS = 32;

export interface SyncPorts {
	readonly streams: Streams;
	readonly identity: Identity;
	readonly log: Log;
}

export interface SyncOptions {
	readonly enqueue: (event: Event) => void;
	/** Gate for pulled statements; see inbound.ts. */
	readonly take: (relay: NodeId, raw: Uint8Array, ageMs: number) => unknown;
	/** The signed roster file that this node follows. */
	readonly roster: () => Uint8Array;
	/** A roster file came with an answer: checked there. */
	readonly offerRoster: (bytes: Uint8Array) => Promise<void>;
}

type Answer = EffectOf<'answer-sync'> | EffectOf<'answer-pull'>;

export class SyncExchange {
	readonly #ports: SyncPorts;
	readonly #options: SyncOptions;
	/** Questions of others that the core has not answered yet. */
	readonly #waiting = new Map<number, (answer: Answer) => void>();
	#nextRequest = 1;

	constructor(ports: SyncPorts, options: SyncOptions) {
		this.#ports = ports;
		this.#options = options;
	}

	serve(): void {
		const { streams } = this.#ports;
		streams.onCall(
			SYNC_PROTOCOL,
			limits.digestBytes,
			(peer, bytes, signal) => this.#serveSync(peer, bytes, signal),
			'costly',
		);
		streams.onCall(
			PULL_PROTOCOL,
			limits.pullBytes,
			(peer, bytes, signal) => this.#servePull(peer, bytes, signal),
			'costly',
		);
	}

	async #serveSync(peer: NodeId, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
		const digest = asRequest(() => decodeDigest(bytes));
		const answer = await this.#ask((request) => ({ type: 'sync-asked', request, peer, digest }), signal);
		if (answer.type !== 'answer-sync') throw mixedUp();
		return encodeDigest(answer.digest);
	}

	async #servePull(peer: NodeId, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
		const pull = asRequest(() => decodePull(bytes));
		const answer = await this.#ask((request) => ({ type: 'pull-asked', request, peer, pull }), signal);
		if (answer.type !== 'answer-pull') throw mixedUp();
		return this.#pullAnswer(answer);
	}

	/** Effects `answer-sync` and `answer-pull`; too late for a stream that has gone. */
	answer(effect: Answer): void {
		this.#waiting.get(effect.request)?.(effect);
	}

	/** Effect `sync`. */
	async sync({ peer, digest }: EffectOf<'sync'>): Promise<void> {
		const bytes = await this.#call(peer, SYNC_PROTOCOL, encodeDigest(digest), limits.digestBytes);
		const answer = bytes === undefined ? null : this.#decoded(peer, () => decodeDigest(bytes));
		this.#options.enqueue({ type: 'sync-answered', peer, digest: answer });
	}

	/** Effect `pull`. */
	async pull({ peer, pull }: EffectOf<'pull'>): Promise<void> {
		const bytes = await this.#call(peer, PULL_PROTOCOL, encodePull(pull), limits.pullAnswerBytes);
		const answer = bytes === undefined ? null : this.#decoded(peer, () => decodePullAnswer(bytes));
		if (answer !== null) {
			for (const [index, { bytes: raw, ageMs }] of answer.statements.entries()) {
				this.#options.take(peer, raw, ageMs);
				// Decoding and verifying one takes a tenth of a millisecond or two: the event loop gets its turns.
				if (index % TURN_STATEMENTS === 0) await setImmediate();
			}
			if (answer.roster !== null) await this.#options.offerRoster(answer.roster);
		}
		this.#options.enqueue({ type: 'pulled', peer, ok: answer !== null, more: answer?.more ?? false });
	}

	#ask(event: (request: number) => Event, signal: AbortSignal): Promise<Answer> {
		if (this.#waiting.size >= limits.syncQuestions) {
			throw new PosterError('sync-busy', 'too many questions of others wait for an answer', {
				advice: 'This node is overloaded or its disk does not write; the others ask again by themselves.',
			});
		}
		const request = this.#nextRequest++;
		const { promise, resolve, reject } = Promise.withResolvers<Answer>();
		const abort = (): void => reject(signal.reason);
		signal.addEventListener('abort', abort, { once: true });
		this.#waiting.set(request, resolve);
		this.#options.enqueue(event(request));
		return promise.finally(() => {
			signal.removeEventListener('abort', abort);
			this.#waiting.delete(request);
		});
	}

	#pullAnswer({ statements, roster, more }: EffectOf<'answer-pull'>): Uint8Array {
		const { identity } = this.#ports;
		return encodePullAnswer({
			statements: statements.map(({ statement, ageMs }) => ({
				bytes: statement.raw ?? sealEnvelope(statement.envelope, (bytes) => identity.sign(bytes)),
				ageMs,
			})),
			roster: roster ? this.#options.roster() : null,
			more,
		});
	}

	async #call(peer: NodeId, protocol: string, request: Uint8Array, maxResponseBytes: number) {
		try {
			return await this.#ports.streams.call(peer, protocol, request, {
				timeoutMs: limits.syncAnswerMs,
				maxResponseBytes,
			});
		} catch (error) {
			if (!isPosterError(error)) throw error;
			this.#ports.log.debug({ peer, protocol, code: error.code }, 'an exchange failed');
			return undefined;
		}
	}

	#decoded<T>(peer: NodeId, decode: () => T): T | null {
		try {
			return decode();
		} catch (error) {
			if (!isPosterError(error)) throw error;
			this.#ports.log.warn({ peer, code: error.code }, 'a member answers with garbage');
			return null;
		}
	}
}

function mixedUp(): PosterError {
	return new PosterError('sync-mixed-up', 'the core answered another question');
}
