/** The two exchanges of anti-entropy: digest for digest, and a pull of what the digest showed. */
import { actorId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { ChallengeDigest, ChallengePull, Digest, HoldingsKnown, Pull } from '../domain/sync.ts';
import { challengeKeyOf } from '../domain/work.ts';
import { cborBytes, cborInteger, cborList, cborTuple, decodeCbor, encodeCbor } from './cbor.ts';
import {
	cborAscending,
	cborBoolean,
	cborHash,
	cborHex,
	cborNodeId,
	cborShortHash,
	cborWorkId,
	hexBytes,
	U32_MAX,
	U53_MAX,
} from './mesh-cbor.ts';

const CHALLENGE_KEY_BYTES = 16;

export interface PullAnswer {
	/** Envelopes as they travel, each with how long the answering node has had it. */
	readonly statements: readonly { readonly bytes: Uint8Array; readonly ageMs: number }[];
	/** The signed roster file, when asked for. */
	readonly roster: Uint8Array | null;
	/** True when more was asked for than one answer holds. */
	readonly more: boolean;
}

export function encodeDigest(digest: Digest): Uint8Array {
	return encodeCbor([
		digest.rosterVersion,
		hexBytes(digest.rosterHash),
		digest.records.map(({ node, incarnation, sequence }) => [node, incarnation, sequence]),
		hexBytes(digest.holdings),
		digest.challenges.map((known) => [
			hexBytes(known.key),
			hexBytes(known.announcements),
			hexBytes(known.results),
			hexBytes(known.submissions),
			hexBytes(known.refusals),
		]),
	]);
}

/** Throws `bad-cbor`. */
export function decodeDigest(bytes: Uint8Array): Digest {
	const [version, hash, records, holdings, challenges] = cborTuple(
		decodeCbor(bytes, limits.digestBytes, 'digest'),
		5,
		'digest',
	);
	return {
		rosterVersion: cborInteger(version, 0, U32_MAX, 'roster version'),
		rosterHash: cborHash(hash, 'roster hash'),
		records: cborAscending(records, limits.rosterPeers, 'records', readRecordVersion, ({ node }) => node),
		holdings: cborHash(holdings, 'holdings'),
		challenges: cborAscending(challenges, limits.openChallenges, 'challenges', readChallengeDigest, ({ key }) => key),
	};
}

export function encodePull(pull: Pull): Uint8Array {
	return encodeCbor([
		pull.roster,
		pull.records,
		pull.holdings?.map(({ node, miner, incarnation, sequence }) => [node, miner, incarnation, sequence]) ?? null,
		pull.challenges.map((known) => [
			hexBytes(known.key),
			known.announcements.map(hexBytes),
			known.results.map(({ work, hash }) => [hexBytes(work), hexBytes(hash)]),
			known.submissions.map(hexBytes),
			known.refusals.map(hexBytes),
		]),
	]);
}

/** Throws `bad-cbor`. */
export function decodePull(bytes: Uint8Array): Pull {
	const [roster, records, holdings, challenges] = cborTuple(decodeCbor(bytes, limits.pullBytes, 'pull'), 4, 'pull');
	return {
		roster: cborBoolean(roster, 'roster'),
		records: cborAscending(
			records,
			limits.rosterPeers,
			'records',
			(v) => cborNodeId(v, 'node'),
			(node) => node,
		),
		holdings: holdings === null ? null : cborList(holdings, limits.holdingsKnown, 'holdings').map(readHoldingsKnown),
		challenges: cborAscending(challenges, limits.openChallenges, 'challenges', readChallengePull, ({ key }) => key),
	};
}

export function encodePullAnswer({ statements, roster, more }: PullAnswer): Uint8Array {
	return encodeCbor([statements.map(({ bytes, ageMs }) => [bytes, ageMs]), roster, more]);
}

/** Throws `bad-cbor`. */
export function decodePullAnswer(bytes: Uint8Array): PullAnswer {
	const [statements, roster, more] = cborTuple(
		decodeCbor(bytes, limits.pullAnswerBytes, 'pull answer'),
		3,
		'pull answer',
	);
	return {
		statements: cborList(statements, limits.pullAnswerStatements, 'statements').map((entry) => {
			const [envelope, ageMs] = cborTuple(entry, 2, 'statement');
			return {
				bytes: cborBytes(envelope, 1, limits.gossipBytes, 'envelope'),
				ageMs: cborInteger(ageMs, 0, U53_MAX, 'age'),
			};
		}),
		roster: roster === null ? null : cborBytes(roster, 1, limits.rosterBytes, 'roster'),
		more: cborBoolean(more, 'more'),
	};
}

function readRecordVersion(value: unknown): Digest['records'][number] {
	const [node, incarnation, sequence] = cborTuple(value, 3, 'record version');
	return {
		node: cborNodeId(node, 'node'),
		incarnation: cborInteger(incarnation, 0, U32_MAX, 'incarnation'),
		sequence: cborInteger(sequence, 0, U53_MAX, 'sequence'),
	};
}

function readChallengeDigest(value: unknown): ChallengeDigest {
	const [key, announcements, results, submissions, refusals] = cborTuple(value, 5, 'challenge digest');
	return {
		key: challengeKeyOf(cborHex(key, CHALLENGE_KEY_BYTES, 'challenge key')),
		announcements: cborHash(announcements, 'announcements'),
		results: cborHash(results, 'results'),
		submissions: cborHash(submissions, 'submissions'),
		refusals: cborHash(refusals, 'refusals'),
	};
}

function readHoldingsKnown(value: unknown): HoldingsKnown {
	const [node, miner, incarnation, sequence] = cborTuple(value, 4, 'holdings version');
	return {
		node: cborNodeId(node, 'node'),
		miner: actorId(cborInteger(miner, 0, U53_MAX, 'miner')),
		incarnation: cborInteger(incarnation, 0, U32_MAX, 'incarnation'),
		sequence: cborInteger(sequence, 0, U53_MAX, 'sequence'),
	};
}

function readChallengePull(value: unknown): ChallengePull {
	const [key, announcements, results, submissions, refusals] = cborTuple(value, 5, 'challenge pull');
	const hashes = (list: unknown, maxLength: number, what: string): readonly string[] =>
		cborAscending(
			list,
			maxLength,
			what,
			(hash) => cborShortHash(hash, what),
			(hash) => hash,
		);
	return {
		key: challengeKeyOf(cborHex(key, CHALLENGE_KEY_BYTES, 'challenge key')),
		announcements: hashes(announcements, limits.challengeStatements, 'announcements'),
		results: cborAscending(results, limits.challengeWorks, 'results', readKnownResult, ({ work }) => work),
		submissions: hashes(submissions, limits.challengeSubmissions, 'submissions'),
		refusals: hashes(refusals, limits.challengeRefusals, 'refusals'),
	};
}

function readKnownResult(value: unknown): ChallengePull['results'][number] {
	const [work, hash] = cborTuple(value, 2, 'known result');
	return { work: cborWorkId(work, 'work id'), hash: cborShortHash(hash, 'result hash') };
}
