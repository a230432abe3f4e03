/**
 * A node without a chain asks one that has it to announce a dry run. Request: [nonce, miner, deadline, partition or
 * null]; answer: [pages of the announcement] or [code, message, advice] of what is wrong with it.
 */
import { announcementTuple, readAnnouncement } from '../../codec/announcement.ts';
import { cborInteger, cborList, cborTuple, decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { cborText, U32_MAX, U53_MAX } from '../../codec/mesh-cbor.ts';
import { isPosterError, PosterError } from '../../domain/errors.ts';
import { actorId, deadlineIndex, type NodeId, partitionIndex } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Streams } from '../../ports/streams.ts';
import type { DryRun, DryRunRequest } from './dry-run.ts';

export const DRY_RUN_PROTOCOL = '/poster/dry-run/1';
const REQUEST_BYTES = 64;
const MAX_INDEX = 0xffff;

/** `start` makes and announces the run. */
export function serveDryRuns(streams: Streams, start: (request: DryRunRequest) => Promise<DryRun>): void {
	const answer = async (_peer: NodeId, bytes: Uint8Array): Promise<Uint8Array> => {
		try {
			const { challenge, due } = await start(readRequest(bytes));
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
	const answer = await streams.call(peer, DRY_RUN_PROTOCOL, encodeCbor([nonce, miner, deadline, partition]), {
		timeoutMs: limits.dryRunAnswerMs,
		maxResponseBytes: limits.pullAnswerBytes,
	});
	const fields = cborList(decodeCbor(answer, limits.pullAnswerBytes, 'dry run'), 3, 'dry run');
	if (fields.length === 3) {
		const [code, message, advice] = fields.map((text) => cborText(text, limits.errorChars, 'error'));
		throw new PosterError(code ?? '', message ?? '', advice === undefined ? {} : { advice });
	}
	const pages = cborList(fields[0], limits.challengeStatements, 'pages').map(readAnnouncement);
	const first = pages[0];
	return first === undefined ? null : { challenge: first.challenge, due: pages.flatMap(({ items }) => items) };
}

function readRequest(bytes: Uint8Array): DryRunRequest {
	const [nonce, miner, deadline, partition] = cborTuple(decodeCbor(bytes, REQUEST_BYTES, 'request'), 4, 'request');
	return {
		nonce: cborInteger(nonce, 0, U32_MAX, 'nonce'),
		miner: actorId(cborInteger(miner, 0, U53_MAX, 'miner')),
		deadline: deadlineIndex(cborInteger(deadline, 0, MAX_INDEX, 'deadline')),
		partition: partition === null ? null : partitionIndex(cborInteger(partition, 0, MAX_INDEX, 'partition')),
	};
}
