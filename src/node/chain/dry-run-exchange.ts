/**
 * A node without a chain asks one that has it to announce a dry run. Request: [nonce, miner, deadline, partition or
 * null]; answer: [pages of the announcement] or [code, message, advice] of what is wrong with it. Only the announcer can
 * take its announcement back, which it does for whoever asked for it: request [nonce], answer [[]].
 */
import { announcementTuple, readAnnouncement } from '../../codec/announcement.ts';
import { cborInteger, cborList, cborTuple, decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { cborText, U32_MAX, U53_MAX } from '../../codec/mesh-cbor.ts';
import { isPosterError, PosterError } from '../../domain/errors.ts';
import { actorId, deadlineIndex, type NodeId, partitionIndex } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Challenge } from '../../domain/work.ts';
import type { Streams } from '../../ports/streams.ts';
import { asRequest } from '../as-request.ts';
import type { DryRun, DryRunRequest } from './dry-run.ts';

export const DRY_RUN_PROTOCOL = '/poster/dry-run/1';
const REQUEST_BYTES = 64;
const MAX_INDEX = 0xffff;

export interface DryRuns {
	/** Makes and announces a run. */
	readonly start: (request: DryRunRequest) => Promise<DryRun>;
	readonly takeBack: (challenge: Challenge) => void;
}

export function serveDryRuns(streams: Streams, { start, takeBack }: DryRuns): void {
	/** What was announced, by who asked for it and the nonce; the oldest is forgotten. */
	const asked = new Map<string, Challenge>();
	const answer = async (peer: NodeId, bytes: Uint8Array): Promise<Uint8Array> => {
		const request = asRequest(() => readRequest(bytes));
		try {
			const name = `${peer} ${typeof request === 'number' ? request : request.nonce}`;
			if (typeof request === 'number') {
				const known = asked.get(name);
				if (known === undefined) throw unknownRun();
				takeBack(known);
				return encodeCbor([[]]);
			}
			const { challenge, due } = await start(request);
			const [oldest] = asked.keys();
			if (oldest !== undefined && asked.size >= limits.dryRunsAsked) asked.delete(oldest);
			asked.set(name, challenge);
			const pages = [];
			for (let from = 0; from < due.length; from += limits.announcementItems) {
				pages.push(announcementTuple({ challenge, items: due.slice(from, from + limits.announcementItems) }));
			}
			return encodeCbor([pages]);
		} catch (error) {
			if (!isPosterError(error)) throw error;
			return encodeCbor([error.code, error.message, error.advice ?? '']);
		}
	};
	streams.onCall(DRY_RUN_PROTOCOL, REQUEST_BYTES, answer, 'costly');
}

/** Null when the deadline is empty. Rejects with the chain node's own error, or `stream-…`. */
export async function askDryRun(streams: Streams, peer: NodeId, request: DryRunRequest): Promise<DryRun | null> {
	const { nonce, miner, deadline, partition } = request;
	const pages = (await ask(streams, peer, [nonce, miner, deadline, partition])).map(readAnnouncement);
	const first = pages[0];
	return first === undefined ? null : { challenge: first.challenge, due: pages.flatMap(({ items }) => items) };
}

/** Ends what `askDryRun` began. Rejects `compute-unknown` when the peer has forgotten it, or `stream-…`. */
export async function takeBackDryRun(streams: Streams, peer: NodeId, nonce: number): Promise<void> {
	await ask(streams, peer, [nonce]);
}

async function ask(streams: Streams, peer: NodeId, request: readonly unknown[]): Promise<readonly unknown[]> {
	const answer = await streams.call(peer, DRY_RUN_PROTOCOL, encodeCbor(request), {
		timeoutMs: limits.dryRunAnswerMs,
		maxResponseBytes: limits.pullAnswerBytes,
	});
	const fields = cborList(decodeCbor(answer, limits.pullAnswerBytes, 'dry run'), 3, 'dry run');
	if (fields.length === 3) {
		const [code, message, advice] = fields.map((text) => cborText(text, limits.errorChars, 'error'));
		throw new PosterError(code ?? '', message ?? '', advice === undefined ? {} : { advice });
	}
	return cborList(fields[0], limits.challengeStatements, 'pages');
}

/** A nonce alone takes the run of that nonce back. */
function readRequest(bytes: Uint8Array): DryRunRequest | number {
	const fields = cborList(decodeCbor(bytes, REQUEST_BYTES, 'request'), 4, 'request');
	const number = cborInteger(fields[0], 0, U32_MAX, 'nonce');
	if (fields.length === 1) return number;
	const [, miner, deadline, partition] = cborTuple(fields, 4, 'request');
	return {
		nonce: number,
		miner: actorId(cborInteger(miner, 0, U53_MAX, 'miner')),
		deadline: deadlineIndex(cborInteger(deadline, 0, MAX_INDEX, 'deadline')),
		partition: partition === null ? null : partitionIndex(cborInteger(partition, 0, MAX_INDEX, 'partition')),
	};
}

function unknownRun(): PosterError {
	return new PosterError('compute-unknown', 'no such dry run was asked for here', {
		advice: 'The node was started anew since: the run ends by itself when its time is over.',
	});
}
